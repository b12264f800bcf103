"""One line in the log for what an operator should know of. Nothing that a client wrote is quoted
raw: paths are ASCII, identities come from the context."""

from oslo_log import log

from placement_guard.exchange import Exchange
from placement_guard.outcome import Outcome
from placement_guard.rejection import Rejection

LOG = log.getLogger(__name__)


class Logs:
    """Logs rejections: at WARNING the guard's own, at INFO those that Placement would make too."""

    def __call__(
        self,
        exchange: Exchange,
        _outcome: Outcome,
        rejection: Rejection | None,
    ) -> None:
        if rejection is not None:
            _log("Rejected", rejection, exchange)
        for warning in exchange.warnings:
            _log("Warned of", warning, exchange)
        if exchange.break_glass:
            LOG.warning(
                "Glass broken: %s was not judged by target policy (request %s, user %s)",
                exchange.operation.name,
                exchange.request_id,
                ascii(getattr(exchange.context, "user_id", None)),
            )


def _log(verb: str, rejection: Rejection, exchange: Exchange) -> None:
    rule = rejection.rule
    say = LOG.info if rule.placement else LOG.warning
    say(
        "%s %s by rule %s%s%s (request %s, user %s, microversion %s)",
        verb,
        exchange.operation.name,
        rule.id,
        f" ({ascii(rejection.policy)[1:-1]})" if rejection.policy else "",
        f" at {rejection.path}" if rejection.path else "",
        exchange.request_id,
        ascii(getattr(exchange.context, "user_id", None)),
        f"1.{exchange.version[1]}" if exchange.version else "-",
    )
