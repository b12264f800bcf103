"""A recorded request as a guard would meet it: its environ, its body, its user."""

import io
from base64 import b64decode
from typing import Any, Final

from oslo_config import cfg
from oslo_context.context import RequestContext

from placement_guard.exchange import MICROVERSION, REQUEST_ID, Environ
from placement_guard.recording.lines import Record
from placement_guard.replay.doubt import UNREAD, Doubts, Missing
from placement_guard.stages.gate_policy import enforcer_of
from placement_guard.stages.identity import MARK

MAX_ASKED: Final = 65536
"""How many answers of a policy are kept."""

MAX_USERS: Final = 4096
"""How many users are remembered."""

_KNOWN: Final = "_placement_guard_values"

_NAMES: Final = (
    "user_id", "user_name", "user_domain_id", "user_domain_name", "project_id", "project_name",
    "project_domain_id", "project_domain_name", "domain_id", "domain_name", "system_scope",
    "is_admin_project", "roles", "service_user_id", "service_user_domain_id",
    "service_project_id", "service_project_domain_id", "service_roles",
)  # fmt: skip
_EMPTY: Final[dict[str, Any]] = {
    **dict.fromkeys(_NAMES), "roles": [], "service_roles": [], "is_admin_project": False,
}  # fmt: skip

_HIDDEN_HEADERS: Final = frozenset({"HTTP_X_USER_ID", "HTTP_X_PROJECT_ID"})
_INCOMPLETE: Final = "body.incomplete"


class User(RequestContext):
    """A recorded user's context. It answers for itself, as Placement's own does: by ``policy``."""

    policy: "Policy"

    def can(self, action: str, _target: Any = None, *, fatal: bool = True) -> bool:
        """As Placement's; ``fatal`` makes its wording, which nobody reads here."""
        del fatal
        return self.policy(self, action)

    def to_policy_values(self) -> Any:
        """Those of the user, put together once."""
        found = self.__dict__.get(_KNOWN)
        if found is None:
            found = self.__dict__[_KNOWN] = _Values(super().to_policy_values().items())
        return found

    def again(self, request_id: str) -> "User":
        """The same user with another request: stages mark a context as that of one."""
        found = User.__new__(User)
        found.__dict__.update(self.__dict__)
        found.request_id = request_id
        return found


class Policy:
    """The policy of ``conf``, asked once about each user and rule: its files are those of the
    start."""

    def __init__(self, conf: cfg.ConfigOpts | None) -> None:
        self._ask = enforcer_of(conf)
        self._answers: dict[tuple[str, str], bool] = {}
        self._users: dict[str, User] = {}

    def __call__(self, user: User, rule: str) -> bool:
        asked = rule, repr(user.to_policy_values())
        known = self._answers.get(asked)
        if known is None:
            known = self._ask(user, rule)
            if len(self._answers) >= MAX_ASKED:
                self._answers.clear()
            self._answers[asked] = known
        return known

    def context_of(self, record: Record, doubts: Doubts) -> Any:
        """The context of a record's user, or what stood in its place; None where nothing did."""
        if record.context != "sound":
            return None if record.context == "missing" else object()
        user = None if record.hidden else self._users.get(str(record.identity))
        context = (user or self._user_of(record, doubts)).again(record.id)
        if record.reused:
            setattr(context, MARK, object())
        return context

    def _user_of(self, record: Record, doubts: Doubts) -> User:
        values = {name: record.identity.get(name, empty) for name, empty in _EMPTY.items()}
        if record.hidden:
            values = _veiled(values, doubts)
        found = User(overwrite=False, **values)
        found.policy = self
        found.to_policy_values()
        if not record.hidden:
            if len(self._users) >= MAX_USERS:
                self._users.clear()
            self._users[str(record.identity)] = found
        return found


class _Values(dict[str, Any]):
    """Policy values that are written down once: a gate knows a user by what that looks like."""

    __slots__ = ("_written",)
    _written: str

    def __repr__(self) -> str:
        try:
            return self._written
        except AttributeError:
            self._written = super().__repr__()
            return self._written


def _veiled(values: dict[str, Any], doubts: Doubts) -> dict[str, Any]:
    return {
        name: doubts.veiled(value)
        if isinstance(value, str) and value and name != "system_scope"
        else value
        for name, value in values.items()
    }


def environ_of(record: Record, doubts: Doubts) -> Environ:
    """The environ of a record, without its context."""
    environ: Environ = {
        "REQUEST_METHOD": record.method,
        "PATH_INFO": record.path,
        "QUERY_STRING": record.query,
        "wsgi.input": _input(record, doubts),
        REQUEST_ID: record.id,
        **record.headers,
    }
    if record.terminated:
        environ["wsgi.input_terminated"] = True
    if record.left_out:
        environ["CONTENT_LENGTH"] = str(record.size)
    if record.version is not None:
        environ[MICROVERSION] = record.version
    if record.hidden:
        doubts.hidden.update(v for k, v in record.headers.items() if k in _HIDDEN_HEADERS)
    return environ


def _input(record: Record, doubts: Doubts) -> Any:
    """Where the body is read: as many bytes as there were, or a doubt where nobody has read it."""
    if record.body is not None:
        return io.BytesIO(b64decode(record.body) if record.base64 else record.body.encode())
    if record.size is not None:
        return io.BytesIO(bytes(record.size))
    if _INCOMPLETE in (record.rule, *record.warnings):
        return io.BytesIO()
    return Missing(doubts, UNREAD)
