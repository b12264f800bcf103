"""The guard: a WSGI middleware between Placement's microversion middleware and its handler.

It belongs where ``placement.context`` and ``placement.microversion`` are in environ. Outside of
them it cannot know who asks: it refuses everything but ``/``, which answers everybody.
"""

from collections.abc import Iterable
from functools import partial
from time import perf_counter
from typing import TYPE_CHECKING, Any, Final

from oslo_config import cfg
from oslo_log import log
from prometheus_client import REGISTRY, CollectorRegistry

from placement_guard import wire
from placement_guard.admission.shed import Shed
from placement_guard.answer import WSGIApp
from placement_guard.api.operations import OPERATIONS, UNMATCHED
from placement_guard.api.routes import Router
from placement_guard.asking import Answered, Asking
from placement_guard.blame import blame
from placement_guard.exchange import CONTEXT, Environ, Exchange, begin
from placement_guard.look_up import look_up
from placement_guard.look_up import reading as reading_of
from placement_guard.observers.audit import audit_from
from placement_guard.observers.board import Board
from placement_guard.observers.capture import Recorder
from placement_guard.observers.capture.metrics import FILE
from placement_guard.observers.logs import Logs
from placement_guard.observers.metrics import Metrics
from placement_guard.observers.tracing import tracing_from
from placement_guard.outcome import FAILED, OUTAGE, Ending, Outcome, classify
from placement_guard.policy.watch import PolicyState
from placement_guard.rejection import Rejection, reject
from placement_guard.rules import Mode
from placement_guard.settings import Settings
from placement_guard.stages import journey, of_operation
from placement_guard.stages.target_policy import TargetPolicy
from placement_guard.verifying import Verifying

if TYPE_CHECKING:
    from placement_guard.observers import Observer

LOG = log.getLogger(__name__)

MAX_LOGGED: Final = 4096
"""How much of a failed answer (bytes) is logged."""

RETRY_AFTER: Final = "1"
"""Seconds after which a client may try again, where the guard has given up."""


class Guard:
    """Wraps ``app``; every request makes the journey before it reaches it.

    app
        The application behind: Placement's handler.
    settings
        How to behave; ConfigurationError if they cannot be used.
    conf
        Where ``[oslo_policy]`` is, for contexts that cannot answer for themselves.
    registry
        Where the metrics go. One registry holds one set of them, however many guards share it.
    """

    def __init__(
        self,
        app: WSGIApp,
        settings: Settings | None = None,
        *,
        conf: cfg.ConfigOpts | None = None,
        registry: CollectorRegistry = REGISTRY,
    ) -> None:
        self.settings = (settings or Settings()).check()
        self.metrics = Metrics.of(registry)
        self._condition = self.metrics.condition
        self._condition.limits(self.settings)
        tracing = tracing_from(self.settings, partial(self._condition.failed_open, "traces"))
        self.application = app if tracing is None else tracing.placement(app)
        self.asking = Asking(self.settings, self._condition)
        self.hands_on = False
        self._verify = Verifying(self.settings)
        self._router = Router()
        self._modes = self.settings.modes()
        self._journey = journey(
            self.settings,
            conf,
            reading=reading_of(self.application, self.metrics.policy_read),
            told=self.metrics.policy_reloaded,
        )
        self._stages = {
            o.name: of_operation(self._journey, o, self.settings) for o in (*OPERATIONS, UNMATCHED)
        }
        self._ask = self._answer if tracing is None else tracing.around(self._answer)
        self.board = Board() if self.settings.has_status_page else None
        audit = audit_from(self.settings, self.metrics.audit, conf)
        self._observers: tuple[Observer, ...] = (self.metrics, Logs(), *audit)
        self._observers += tuple(also for also in (self.board, tracing) if also is not None)
        self.recorder: Recorder | None = None
        if self.settings.capture_file:
            self.recorder = Recorder(self.settings, self.metrics.capture[FILE])
            self._observers += (self.recorder,)

    def policy_state(self) -> PolicyState | None:
        """How target policy is; None where there is none."""
        stage = dict(self._journey).get("target_policy")
        return stage.files.state() if isinstance(stage, TargetPolicy) else None

    def __call__(self, environ: Environ, start_response: Any) -> Iterable[bytes]:
        self._condition.entered()
        try:
            return self._ask(environ, start_response)
        finally:
            self._condition.left()

    def _answer(self, environ: Environ, start_response: Any) -> Iterable[bytes]:
        if self.recorder is not None:
            self.recorder.arrived(environ)
        exchange = begin(environ, self._router)
        try:
            exchange, rejection = self._travel(exchange)
        except Exception as error:
            return self._fail("The guard", error, exchange, start_response)
        if rejection is None:
            return self._forward(exchange, start_response)
        missing = self._missing(exchange)
        if missing is not None:
            return self._give(missing, exchange, start_response)
        return self._refuse(exchange, rejection, start_response)

    def _travel(self, exchange: Exchange) -> tuple[Exchange, Rejection | None]:
        """Take the stages in order, up to the first that rejects by a rule that is enforced."""
        began = perf_counter()
        for name, stage in self._stages[exchange.operation.name]:
            result = stage(exchange)
            ended = perf_counter()
            exchange.timed.append((name, began, ended))
            began = ended
            if not isinstance(result, Rejection):
                exchange = result
                continue
            exchange, rejection = self._as_its_mode_says(exchange, result)
            if rejection is not None:
                return exchange, rejection
        return exchange, None

    def _as_its_mode_says(
        self, exchange: Exchange, rejection: Rejection
    ) -> tuple[Exchange, Rejection | None]:
        """The rejection if its rule is enforced; otherwise the exchange goes on, warned or not."""
        mode = self._modes[rejection.rule.id]
        if mode is Mode.ENFORCE:
            return exchange, rejection
        return (exchange.warned(rejection) if mode is Mode.WARN else exchange), None

    def _forward(self, exchange: Exchange, start_response: Any) -> Iterable[bytes]:
        """Let Placement answer."""
        asked = self.asking(self.application, exchange)
        if isinstance(asked, Answered):
            self.metrics.verified(self._verify(self.application, exchange, asked.outcome))
            return self._give(asked, exchange, start_response)
        if isinstance(asked, Shed):
            why = asked.why
            self._observe(exchange, Outcome(Ending.SHED, why.status, shed=why.name), None)
            return wire.shed(exchange, start_response, asked)
        error = asked.error
        if CONTEXT not in exchange.environ:
            # The root needs no user, but Placement's handler needs a context all the same.
            return self._refuse(exchange, reject("context.missing"), start_response)
        exchange, blamed = self._blame(exchange, error)
        if blamed is not None:
            return self._refuse(exchange, blamed, start_response)
        return self._fail("Placement", error, exchange, start_response, asked.outcome)

    def _blame(self, exchange: Exchange, error: Exception) -> tuple[Exchange, Rejection | None]:
        """What in a request has made Placement fail, by a rule that is enforced."""
        blamed = blame(exchange, error)
        if blamed is None:
            return exchange, None
        # What a client wrote is quoted in it: on one line, whatever it holds.
        LOG.info("Placement cannot take request %s: %s", exchange.request_id, ascii(blamed.detail))
        return self._as_its_mode_says(exchange, blamed)

    def _give(self, asked: Answered, exchange: Exchange, start_response: Any) -> Iterable[bytes]:
        """Hand Placement's answer on."""
        answer, outcome = asked
        self._observe(exchange, outcome, None)
        if outcome.ending is Ending.FAILED:
            # What it says may quote SQL, or a path: that is for the log.
            said = ascii(answer.examine()[:MAX_LOGGED])
            LOG.error("Placement failed in request %s: %s", exchange.request_id, said)
            answer.discard()
            return wire.fail(exchange, start_response, answer.status, answer.header("Retry-After"))
        if exchange.warnings or outcome.conflict:
            answer.mark(wire.HEADER, wire.told(exchange, outcome.conflict))
        if outcome.given_up:
            answer.mark("Retry-After", RETRY_AFTER)
        return answer.send(start_response)

    def _missing(self, exchange: Exchange) -> Answered | None:
        """Placement's 404 for the provider of a body that is refused, where it looks first.

        A read of the same path finds it. Anything else that the read comes to is not our matter.
        """
        if not exchange.operation.provider_asked or exchange.body is None:
            return None
        answer = look_up(self.application, exchange.environ)
        if answer is None:
            return None
        if answer.status == 404:
            return Answered(answer, classify(404, mutates=True))
        answer.discard()
        return None

    def _refuse(
        self, exchange: Exchange, rejection: Rejection, start_response: Any
    ) -> Iterable[bytes]:
        self._observe(exchange, Outcome(Ending.REJECTED, rejection.rule.status), rejection)
        return wire.refuse(rejection, exchange.environ, start_response)

    def _fail(
        self,
        who: str,
        error: Exception,
        exchange: Exchange,
        start_response: Any,
        outcome: Outcome = FAILED,
    ) -> Iterable[bytes]:
        """Answer 5xx for an unexpected exception; its text stays in the log."""
        self._observe(exchange, outcome, None)
        if outcome.status == OUTAGE.status:
            said = ascii(str(error)[:MAX_LOGGED])
            LOG.error("The database is gone in request %s: %s", exchange.request_id, said)
            return wire.fail(exchange, start_response, outcome.status, RETRY_AFTER)
        LOG.error("%s failed in request %s", who, exchange.request_id, exc_info=error)
        return wire.fail(exchange, start_response)

    def _observe(self, exchange: Exchange, outcome: Outcome, rejection: Rejection | None) -> None:
        """Tell every observer. What one of them raises stops neither the others nor the answer."""
        for observer in self._observers:
            try:
                observer(exchange, outcome, rejection)
            except Exception:
                LOG.exception("An observer failed in request %s", exchange.request_id)
                self._condition.failed_open("observer")
