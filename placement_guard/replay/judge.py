"""Takes a recorded exchange through the stages of a guard with some configuration."""

from enum import StrEnum
from functools import partial
from typing import Any, Final

from msgspec import Struct
from oslo_config import cfg
from oslo_log import log

from placement_guard.api.routes import Router
from placement_guard.exchange import CONTEXT, PUBLIC_PATHS, Exchange, begin
from placement_guard.outcome import Ending
from placement_guard.policy.before import unread
from placement_guard.recording.hiding import is_plain
from placement_guard.recording.lines import Header, Record
from placement_guard.rejection import Rejection
from placement_guard.replay.again import Policy, environ_of
from placement_guard.replay.doubt import NO_BODY, Doubts, Missing
from placement_guard.replay.errors import CannotReplayError, UndecidedError
from placement_guard.replay.remembered import remembered
from placement_guard.rules import BY_ID, Mode
from placement_guard.settings import Settings
from placement_guard.stages import ORDER, Stage, journey, of_operation

LOG = log.getLogger(__name__)

PROVIDER_ASKED: Final = "provider_asked"
GUARD_FAILED: Final = "guard_failed"
NOT_JUDGED: Final = "cannot_be_judged"
NEEDS_MORE: Final = "needs_more"
"""A policy cannot do without what only a Placement knows."""

NOT_EVALUABLE: Final = "policy.not_evaluable"

_BODY_STAGES: Final = frozenset({"document", "invariants"})
_AFTER_BODY: Final = frozenset(ORDER[ORDER.index("body") + 1 :])
_FOUND: Final = frozenset({Ending.COMMITTED.value, Ending.CONFLICT.value})


class Decision(StrEnum):
    """What a guard says before it asks Placement."""

    PASSED = "passed"
    REFUSED = "refused"
    UNDECIDED = "undecided"


class Verdict(Struct, frozen=True):
    """What a guard says of an exchange: ``why`` it is undecided, or the rule that refuses it."""

    decision: Decision
    rule: str = ""
    policy: str = ""
    why: str = ""
    warnings: tuple[str, ...] = ()


def undecided(why: str) -> Verdict:
    return Verdict(Decision.UNDECIDED, why=why)


class Judge:
    """A guard's journey with these settings, and the policy of ``conf``.

    Raises CannotReplayError where the policy cannot be read.
    """

    def __init__(self, settings: Settings, conf: cfg.ConfigOpts | None) -> None:
        self.modes = settings.modes()
        self._router = Router()
        self._context_of = Policy(conf).context_of
        self._journey = journey(settings, conf, reading=lambda _exchange: self._read)
        self._settings = settings
        self._doubts = Doubts()
        self._asked_what_is_stored = False
        self._try_policy()

    def _try_policy(self) -> None:
        record = Record(0, "-", "", "GET", "/", "", 0, "", identity={"user_id": "nobody"})
        try:
            self._context_of(record, self._doubts).can("placement:traits:update")
        except Exception as error:
            first = (str(error) or type(error).__name__).splitlines()[0]
            raise CannotReplayError(f"the policy cannot be used: {first}") from None

    def __call__(self, record: Record, header: Header | None) -> Verdict:
        """What this guard says of a record that was made as its header says."""
        doubts = self._doubts
        doubts.clear()
        self._asked_what_is_stored = False
        try:
            verdict = self._travel(self._begin(record), record, header)
        except UndecidedError as error:
            return undecided(error.why)
        except Exception as error:
            # A guard would fail too, and answer 500.
            LOG.warning("Exchange %s cannot be judged: %s", ascii(record.id), type(error).__name__)
            return undecided(NOT_JUDGED)
        # A stage may have taken the doubt for an answer.
        return undecided(doubts.why) if doubts.why else verdict

    def _read(self, path: str, query: str) -> tuple[int, Any]:
        """What is stored before a write, for a policy rule: nobody knows."""
        self._asked_what_is_stored = True
        return unread(path, query)

    def _begin(self, record: Record) -> Exchange:
        environ = environ_of(record, self._doubts)
        context = self._context_of(record, self._doubts)
        if context is not None:
            environ[CONTEXT] = context
        exchange = begin(environ, self._router)
        if record.hidden:
            veiled = self._doubts.veiled
            params = {k: v if is_plain(v) else veiled(v) for k, v in exchange.params.items()}
            return exchange.extended(params=params)
        return exchange

    def _travel(self, exchange: Exchange, record: Record, header: Header | None) -> Verdict:
        whole = not record.hidden and not record.left_out
        for name, stage in of_operation(self._journey, exchange.operation, self._settings):
            ask = stage if whole else partial(self._ask, name, stage, record, header)
            result = ask(exchange)
            if self._asked_what_is_stored and _is_unevaluable(result):
                return undecided(NEEDS_MORE)
            if not isinstance(result, Rejection):
                exchange = result
                continue
            mode = self.modes[result.rule.id]
            if mode is Mode.ENFORCE:
                return _refused(result, exchange, record)
            if mode is Mode.WARN:
                exchange = exchange.warned(result)
        return Verdict(Decision.PASSED, warnings=_rules(exchange))

    def _ask(
        self, name: str, stage: Stage, record: Record, header: Header | None, exchange: Exchange
    ) -> Exchange | Rejection:
        """What a stage says, or said, where what it looks at is not in the recording."""
        if record.hidden and (
            (name == "path" and not all(map(is_plain, exchange.params.values())))
            or (name == "query" and record.query)
        ):
            return remembered(name, exchange, record, header, self.modes)
        if not record.left_out or exchange.body is None or name not in _BODY_STAGES:
            return stage(exchange)
        result = remembered(name, exchange, record, header, self.modes)
        if name == "document" and isinstance(result, Exchange):
            return self._with_document(result, record)
        return result

    def _with_document(self, exchange: Exchange, record: Record) -> Exchange:
        """With the shape of the document; what breaks Placement's schema was never decoded."""
        if any(w.rule.placement and w.rule.stage == "document" for w in exchange.warnings):
            return exchange
        if record.shape is None:
            return exchange.extended(document=Missing(self._doubts, NO_BODY))
        return exchange.extended(document=self._doubts.veil(record.shape))


def _is_unevaluable(result: Exchange | Rejection) -> bool:
    """Whether it is refused, or warned of, since a policy rule could not be evaluated."""
    said = [result] if isinstance(result, Rejection) else result.warnings
    return any(rejection.rule.id == NOT_EVALUABLE for rejection in said)


def _rules(exchange: Exchange) -> tuple[str, ...]:
    return tuple(dict.fromkeys(warning.rule.id for warning in exchange.warnings))


def _refused(rejection: Rejection, exchange: Exchange, record: Record) -> Verdict:
    """Refused; but where Placement is first asked for the provider, only if that was there."""
    if exchange.operation.provider_asked and exchange.body is not None:
        stage = BY_ID[record.rule].stage if record.rule in BY_ID else ""
        if record.outcome not in _FOUND and stage not in _AFTER_BODY:
            return undecided(PROVIDER_ASKED)
    return Verdict(Decision.REFUSED, rejection.rule.id, rejection.policy)


def recorded(record: Record) -> Verdict:
    """What the guard said then. What it said after it had asked Placement is no part of it."""
    warnings = tuple(dict.fromkeys(w for w in record.warnings if not _blamed(w)))
    if record.outcome == Ending.REJECTED and not said_after_placement(record):
        return Verdict(Decision.REFUSED, record.rule, record.policy)
    if not record.asked:
        if record.outcome == Ending.REFUSED:  # a look-up has found no provider
            return undecided(PROVIDER_ASKED)
        if record.outcome == Ending.FAILED:
            return undecided(GUARD_FAILED)
    return Verdict(Decision.PASSED, warnings=warnings)


def said_after_placement(record: Record) -> bool:
    """Whether it was refused because Placement had failed on it."""
    return _blamed(record.rule) or (
        record.rule == "context.missing" and record.path in PUBLIC_PATHS
    )


def _blamed(rule: str) -> bool:
    return rule in BY_ID and BY_ID[rule].blamed
