"""One line in the log for each refusal. Nothing that a client wrote is quoted raw, or at length.

Who floods the API does not flood the log: each rule has lines to spend. What is swallowed is
told with the next line of that rule; metrics and audit count every request.
"""

import threading
from collections.abc import Callable
from time import monotonic
from typing import Any, Final

from oslo_log import log

from placement_guard.exchange import Exchange
from placement_guard.outcome import Outcome
from placement_guard.rejection import Rejection
from placement_guard.rules import RULES

LOG = log.getLogger(__name__)

BURST: Final = 20
"""How many lines of one rule may come at once, in each process."""

LINES_A_SECOND: Final = 1.0
"""How many lines of one rule may come for long (per second), in each process."""

MAX_WRITTEN: Final = 128
"""How much is quoted of what a client has written (characters)."""


class Allowance:
    """What one rule may still say; thread-safe."""

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._left = float(BURST)
        self._then = clock()
        self._swallowed = 0

    def spend(self) -> int | None:
        """How many lines were swallowed before this one; None where this one is, too."""
        with self._lock:
            now = self._clock()
            # A clock that stands, or goes back, gives nothing.
            earned = max(0.0, now - self._then) * LINES_A_SECOND
            self._left = min(float(BURST), self._left + earned)
            self._then = now
            if self._left < 1.0:
                self._swallowed += 1
                return None
            self._left -= 1.0
            swallowed, self._swallowed = self._swallowed, 0
            return swallowed


class Logs:
    """Logs what the guard refuses and warns of at INFO, and at WARNING who breaks the glass."""

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._allowed = {rule.id: Allowance(clock) for rule in RULES}

    def __call__(
        self,
        exchange: Exchange,
        _outcome: Outcome,
        rejection: Rejection | None,
    ) -> None:
        if rejection is not None:
            self._log("Rejected", rejection, exchange)
        for warning in exchange.warnings:
            self._log("Warned of", warning, exchange)
        if exchange.break_glass:
            LOG.warning(
                "Glass broken: %s was not judged by target policy (request %s, user %s)",
                exchange.operation.name,
                _written(exchange.request_id),
                _quoted(_user(exchange)),
            )

    def _log(self, verb: str, rejection: Rejection, exchange: Exchange) -> None:
        swallowed = self._allowed[rejection.rule.id].spend()
        if swallowed is None:
            return
        rule = rejection.rule
        version = f"1.{exchange.version[1]}" if exchange.version else "-"
        policy = _written(rejection.policy) if rejection.policy else ""
        LOG.info(
            "%s %s by rule %s%s%s (request %s, user %s, microversion %s)%s",
            verb,
            exchange.operation.name,
            rule.id,
            f" ({policy})" if policy else "",
            f" at {rejection.path}" if rejection.path else "",
            _written(exchange.request_id),
            _quoted(_user(exchange)),
            version,
            f"; {swallowed} more of this rule were not logged" if swallowed else "",
            # Keys of their own, for a formatter that writes JSON.
            extra={
                "guard_decision": "reject" if verb == "Rejected" else "warn",
                "guard_operation": exchange.operation.name,
                "guard_stage": rule.stage,
                "guard_rule": rule.id,
                "guard_policy_rule": policy or None,
                "guard_json_path": rejection.path or None,
                "guard_request_id": _written(exchange.request_id),
                "guard_user": _written(_user(exchange) or "") or None,
                "guard_microversion": version,
                "guard_not_logged": swallowed,
            },
        )


def _user(exchange: Exchange) -> Any:
    return getattr(exchange.context, "user_id", None)


def _quoted(value: Any) -> str:
    """As Python writes it: on one line, in ASCII."""
    return ascii(value if value is None else str(value)[:MAX_WRITTEN])


def _written(value: Any) -> str:
    """The same without its quotes."""
    return _quoted(str(value))[1:-1]
