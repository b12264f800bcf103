"""Who asks: a request context that is there, is sound, and belongs to this request alone.

Trusts ``environ['placement.context']``, and keystone's headers where they are present: the
authentication middleware in front removes what a client sends under these names. A header that is
absent contradicts nothing: noauth2 sets no X-Project-Id, a system-scoped token has no project,
and service tokens come in headers of their own.
"""

from collections.abc import Callable, Iterator
from typing import Any, Final

from oslo_context.context import RequestContext
from oslo_log import log

from placement_guard.exchange import CONTEXT, PUBLIC_PATHS, Environ, Exchange
from placement_guard.rejection import Rejection, reject
from placement_guard.rules import Mode, Modes

LOG = log.getLogger(__name__)

_STATUS: Final = "HTTP_X_IDENTITY_STATUS"
_GOOD: Final = "Confirmed"
_TOKEN: Final = "placement_guard.request"  # noqa: S105  # names an environ key
MARK: Final = "_placement_guard_request"
"""The attribute of a context that says which request it serves."""


class Identity:
    """The identity stage. Rules ``context.*``, all 401.

    Reads ``placement.context`` and the identity headers; leaves a mark on the context, and one in
    environ, by which a context that comes again with another request is known.
    """

    def __init__(self, modes: Modes) -> None:
        self._modes = modes
        self._logged: set[str] = set()

    def __call__(self, exchange: Exchange) -> Exchange | Rejection:
        context = exchange.environ.get(CONTEXT)
        known = context if isinstance(context, RequestContext) else None
        if exchange.path in PUBLIC_PATHS:
            return exchange.extended(context=known)
        for rule in self._broken(exchange.environ, context):
            rejection = reject(rule)
            self._log_once(rejection, exchange)
            if self._modes[rule] is Mode.ENFORCE:
                return rejection
            exchange = exchange.warned(rejection)
        return exchange.extended(context=known)

    def _broken(self, environ: Environ, context: Any) -> Iterator[str]:
        """The rules that the context breaks, but for those that are off."""
        for rule, check in _OF_A_CONTEXT if isinstance(context, RequestContext) else _WITHOUT_ONE:
            if self._modes[rule] is not Mode.OFF and check(environ, context):
                yield rule

    def _log_once(self, rejection: Rejection, exchange: Exchange) -> None:
        """A wrong pipeline refuses everything: say so once, where an operator will see it."""
        rule = rejection.rule
        if rule.wrong_pipeline and rule.id not in self._logged:
            self._logged.add(rule.id)
            LOG.error(
                "Rule %s is broken: %s. The pipeline around the guard is wrong: it belongs "
                "right behind Placement's own context and microversion middleware. "
                "Said once; the metrics count every refusal. First seen in request %s.",
                rule.id,
                rule.summary,
                exchange.request_id,
            )


def _contradicts(environ: Environ, context: RequestContext) -> bool:
    user = environ.get("HTTP_X_USER_ID")
    if user is not None and user != context.user_id:
        return True
    project = environ.get("HTTP_X_PROJECT_ID")
    if project is not None and (project or None) != (context.project_id or None):
        return True
    header = environ.get("HTTP_X_ROLES")
    if header is None:
        return False
    roles = header.split(",")
    # Mostly they are the same list, and no set needs to be made.
    return roles != context.roles and _role_set(roles) != _role_set(context.roles or ())


def _role_set(roles: Any) -> set[str]:
    return {role.strip() for role in roles} - {""}


def _served_before(environ: Environ, context: RequestContext) -> bool:
    token = environ.setdefault(_TOKEN, object())
    return context.__dict__.setdefault(MARK, token) is not token


_Check = Callable[[Environ, Any], bool]

_WITHOUT_ONE: Final[tuple[tuple[str, _Check], ...]] = (
    ("context.missing", lambda _, context: context is None),
    ("context.wrong_type", lambda _, context: context is not None),
)
_OF_A_CONTEXT: Final[tuple[tuple[str, _Check], ...]] = (
    ("context.not_confirmed", lambda environ, _: environ.get(_STATUS, _GOOD) != _GOOD),
    ("context.no_user", lambda _, context: not context.user_id),
    ("context.contradicts_headers", _contradicts),
    ("context.reused", _served_before),
)
