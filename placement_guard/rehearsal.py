"""The journey of a request without a Placement: stage by stage, what a guard would say.

The stages are the guard's, in its order and its modes. What only Placement can answer is told, or
is not there: a policy rule that asks for it cannot be evaluated then, and refuses as it does where
Placement does not answer.
"""

import io
from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Final, NamedTuple

from msgspec import Struct
from oslo_config import cfg
from oslo_context.context import RequestContext

from placement_guard.api.operations import LAST_VERSION, Version
from placement_guard.api.routes import Router
from placement_guard.exchange import CONTEXT, MICROVERSION, Environ, Exchange, begin
from placement_guard.policy.before import Read, unread
from placement_guard.policy.judge import Judgement
from placement_guard.policy.parsing import PolicyRule
from placement_guard.rejection import Rejection
from placement_guard.rules import Mode
from placement_guard.settings import Settings
from placement_guard.stages import ORDER, journey, of_operation
from placement_guard.stages.target_policy import TargetPolicy

STORED: Final = "placement_guard.stored"
"""Where in environ it is how what is stored is read."""


class Says(StrEnum):
    """What a stage says of a request."""

    PASSES = "passes"
    WARNS = "warns"
    """It goes on, and the answer says so."""
    REFUSES = "refuses"
    LETS_PASS = "lets pass"  # noqa: S105  # nothing secret
    """The rule that would refuse is off."""
    NOT_ASKED = "not asked"


class Request(Struct, frozen=True, kw_only=True):
    """What is sent, and by whom.

    ``who`` are the arguments of the request context: ``user_id``, ``roles`` and so on. ``stored``
    answers what policy rules ask of what is stored.
    """

    method: str
    path: str
    who: Mapping[str, Any]
    query: str = ""
    version: Version = LAST_VERSION
    body: bytes | None = None
    stored: Read = unread


class Step(NamedTuple):
    """What one stage says, and by which rules."""

    stage: str
    says: Says
    rejections: tuple[Rejection, ...] = ()


class Rehearsed(NamedTuple):
    """A journey: every stage, the rejection that ended it, and what target policy was asked."""

    exchange: Exchange
    steps: tuple[Step, ...]
    rejection: Rejection | None
    judgement: Judgement | None


class Rehearsal:
    """A guard with these settings, and the ``[oslo_policy]`` of ``conf``. ConfigurationError."""

    def __init__(self, settings: Settings, conf: cfg.ConfigOpts | None = None) -> None:
        self._modes = settings.modes()
        self._router = Router()
        self._journey = journey(settings, conf, reading=_stored)
        self._settings = settings
        self._target = dict(self._journey).get("target_policy")

    @property
    def policy_rules(self) -> Mapping[str, PolicyRule]:
        """The rules of target policy, by name; none where there is no such policy."""
        return self._target.files().rules if isinstance(self._target, TargetPolicy) else {}

    def __call__(self, request: Request) -> Rehearsed:
        """What the guard says of a request before it asks Placement."""
        exchange = begin(_environ(request), self._router)
        stages = dict(of_operation(self._journey, exchange.operation, self._settings))
        steps: list[Step] = []
        judgement = rejection = None
        for name in ORDER:
            if rejection is not None or name not in stages:
                steps.append(Step(name, Says.NOT_ASKED))
                continue
            before, result = exchange, stages[name](exchange)
            if isinstance(result, Rejection):
                exchange, step = self._as_its_mode_says(name, exchange, result)
                rejection = result if step.says is Says.REFUSES else None
            else:
                exchange, step = result, _passed(name, before, result)
            steps.append(step)
            if name == "target_policy":
                judgement = self._judgement(exchange)
        return Rehearsed(exchange, tuple(steps), rejection, judgement)

    def _as_its_mode_says(
        self, stage: str, exchange: Exchange, rejection: Rejection
    ) -> tuple[Exchange, Step]:
        mode = self._modes[rejection.rule.id]
        if mode is Mode.ENFORCE:
            return exchange, Step(stage, Says.REFUSES, (rejection,))
        if mode is Mode.WARN:
            return exchange.warned(rejection), Step(stage, Says.WARNS, (rejection,))
        return exchange, Step(stage, Says.LETS_PASS, (rejection,))

    def _judgement(self, exchange: Exchange) -> Judgement | None:
        """What decided in target policy; None where nothing was asked of it."""
        asked = exchange.operation.mutates and exchange.served and not exchange.break_glass
        if not asked or exchange.context is None or not isinstance(self._target, TargetPolicy):
            return None
        return self._target.judge(exchange)


def _passed(stage: str, before: Exchange, after: Exchange) -> Step:
    warnings = after.warnings[len(before.warnings) :]
    return Step(stage, Says.WARNS if warnings else Says.PASSES, warnings)


def _stored(exchange: Exchange) -> Read:
    read: Read = exchange.environ[STORED]
    return read


def _environ(request: Request) -> Environ:
    environ: Environ = {
        "REQUEST_METHOD": request.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": request.path,
        "QUERY_STRING": request.query,
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(request.body or b""),
        CONTEXT: RequestContext(**request.who, overwrite=False),
        MICROVERSION: request.version,
        STORED: request.stored,
    }
    if request.body is not None:
        environ["CONTENT_LENGTH"] = str(len(request.body))
        environ["CONTENT_TYPE"] = "application/json"
    return environ
