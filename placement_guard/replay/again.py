"""A recorded request as a guard would meet it: its environ, its body, its user."""

import io
from base64 import b64decode
from collections.abc import Callable
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

Contexts = Callable[[Record, Doubts], Any]


def contexts_of(conf: cfg.ConfigOpts | None) -> Contexts:
    """Makes the context of a record's user, who is let do what the policy of ``conf`` says.

    The policy is asked once about each user and rule: its files are those of the start.
    """
    ask = enforcer_of(conf)
    answers: dict[tuple[str, str], bool] = {}

    class Context(RequestContext):
        """Answers for itself, as Placement's own does."""

        def can(self, action: str, _target: Any = None, *, fatal: bool = True) -> bool:
            """As Placement's; ``fatal`` makes its wording, which nobody reads here."""
            del fatal
            asked = action, repr(self.to_policy_values())
            known = answers.get(asked)
            if known is None:
                known = ask(self, action)
                if len(answers) >= MAX_ASKED:
                    answers.clear()
                answers[asked] = known
            return known

    def context_of(record: Record, doubts: Doubts) -> Any:
        if record.context != "sound":
            return None if record.context == "missing" else object()
        values = {name: record.identity.get(name, empty) for name, empty in _EMPTY.items()}
        if record.hidden:
            values = _veiled(values, doubts)
        context = Context(overwrite=False, request_id=record.id, **values)
        if record.reused:
            setattr(context, MARK, object())
        return context

    return context_of


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
