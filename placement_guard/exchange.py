"""One request, as the guard knows it: a frozen record that each stage extends."""

from contextvars import ContextVar
from time import perf_counter
from typing import Any, Final, NamedTuple, Self

import msgspec
from oslo_context.context import RequestContext

from placement_guard.api.documents import Document
from placement_guard.api.operations import UNMATCHED, Operation, Version
from placement_guard.api.routes import NO_PARAMS, Params, Router
from placement_guard.rejection import Rejection

CONTEXT: Final = "placement.context"
"""Where Placement's context middleware leaves the request context."""

MICROVERSION: Final = "placement.microversion"
"""Where the microversion middleware leaves the version of the request."""

REQUEST_ID: Final = "openstack.request_id"
"""Where the request log middleware leaves the request id."""

PUBLIC_PATHS: Final = frozenset({"", "/"})
"""Paths that answer everybody: version discovery and health probes, for every method."""

Environ = dict[str, Any]


class Allowed(NamedTuple):
    """A yes of the policy: to ``rule``, for whoever has the ``credentials``, about themselves."""

    rule: str
    credentials: str

    @classmethod
    def of(cls, context: RequestContext, rule: str) -> Self:
        """All that a policy can know of a context, and the rule that it is asked for."""
        return cls(rule, repr(context.to_policy_values()))


class Exchange(msgspec.Struct, frozen=True):
    """A request on its journey.

    ``environ`` is the server's own. Three stages change it: identity marks the request, body puts
    back what it read, and content type names one that is missing. ``routed`` says whether any
    route matches the path. ``document`` is the decoded body, where there is one; ``accepted`` says
    that nothing at all was found in it, not even something to warn of. ``allowed`` is what the
    policy was asked in this request, and has allowed. ``warnings`` are the rejections that do not
    refuse: by rules in mode warn. ``break_glass`` says that
    target policy did not judge it, since its user may break the glass. ``began`` is when it came
    (:func:`time.perf_counter`, seconds); ``timed`` has the stages that it has been through, each
    with when it began and when it ended, and is the only part that changes.
    """

    environ: Environ
    method: str
    path: str
    routed: bool = False
    operation: Operation = UNMATCHED
    params: Params = NO_PARAMS
    context: RequestContext | None = None
    version: Version | None = None
    body: bytes | None = None
    document: Any = None
    accepted: bool = False
    allowed: Allowed | None = None
    warnings: tuple[Rejection, ...] = ()
    break_glass: bool = False
    began: float = 0.0
    timed: list[tuple[str, float, float]] = []

    def extended(self, **changes: Any) -> "Exchange":
        """This exchange with what a stage has learnt."""
        return msgspec.structs.replace(self, **changes)

    def warned(self, *warnings: Rejection) -> "Exchange":
        """This exchange with more warnings."""
        return self.extended(warnings=(*self.warnings, *warnings)) if warnings else self

    @property
    def request_id(self) -> str:
        return str(self.environ.get(REQUEST_ID, "-"))

    @property
    def served(self) -> bool:
        """Whether Placement has this operation at this microversion, or answers 404 or 405."""
        return self.version is not None and self.version >= self.operation.since

    @property
    def expected(self) -> Document | None:
        """The document that the body must be; None where Placement reads none."""
        return self.operation.document(self.version) if self.version is not None else None


current: Final[ContextVar[Exchange | None]] = ContextVar("placement_guard", default=None)
"""The exchange that Placement is being asked about, for what works inside of it.

Set for the time of each call, and for the thread or the greenlet that makes it; None outside of a
guarded request, and in one of a guard that hands nothing on.
"""

providers_read: Final[ContextVar[dict[str, Any] | None]] = ContextVar(
    "placement_guard_providers", default=None
)
"""By UUID, the providers that Placement has read in this attempt at a reshape; None in all else."""


def begin(environ: Environ, router: Router) -> Exchange:
    """The exchange at the start of its journey: what it is, before anything is judged."""
    method, path = environ["REQUEST_METHOD"], environ.get("PATH_INFO", "")
    return Exchange(environ, method, path, *router.match(path, method), began=perf_counter())
