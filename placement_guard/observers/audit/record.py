"""The record of an audit: who did what, to what, and what came of it.

docs/audit.md tells the fields. A record is made when the exchange has ended, while its document is
still at hand, and holds nothing of it but short texts: no body, no token, nothing unbounded.
"""

import json
import os
import socket
from datetime import UTC, datetime
from typing import Any, Final

from msgspec import Struct, structs, to_builtins
from msgspec.json import Encoder
from oslo_context.context import RequestContext

from placement_guard.exchange import CONTEXT, REQUEST_ID, Exchange
from placement_guard.observers.audit.named import Named, bounded, named, without_values
from placement_guard.outcome import Ending, Outcome
from placement_guard.rejection import Rejection

SCHEMA: Final = 1
"""The version of the schema. A new field does not change it; a new meaning of an old one does."""

MAX_RECORD: Final = 8192
"""The longest line (bytes), its end included. Of a longer one values of the target are left out."""

MAX_ROLES: Final = 16
"""How many roles are recorded."""

MAX_WARNINGS: Final = 8
"""How many rules are recorded that were warned of."""

HOST: Final = socket.gethostname()

ADDRESS: Final = "REMOTE_ADDR"
FORWARDED_FOR: Final = "HTTP_X_FORWARDED_FOR"


class Service(Struct, frozen=True):
    """The service user whose token came along."""

    user_id: str | None
    user_name: str | None
    project_id: str | None
    roles: tuple[str, ...]


class User(Struct, frozen=True):
    """Who asked, as the request context says; of a request without one, nothing."""

    id: str | None = None
    name: str | None = None
    domain_id: str | None = None
    project_id: str | None = None
    project_name: str | None = None
    project_domain_id: str | None = None
    scope: str | None = None
    roles: tuple[str, ...] = ()
    service: Service | None = None


class Record(Struct, frozen=True, kw_only=True):
    """One record. ``time`` is that of the end, ``duration`` and ``placement`` are in seconds."""

    time: float
    process: int
    request_id: str | None
    global_request_id: str | None
    user: User
    address: str | None
    forwarded_for: str | None
    operation: str
    method: str
    path: str | None
    microversion: str | None
    target: dict[str, Named]
    target_complete: bool
    verdict: str
    break_glass: bool
    stage: str | None
    rule: str | None
    policy_rule: str | None
    json_path: str | None
    warnings: tuple[str, ...]
    outcome: str
    status: int
    conflict: str | None
    shed: str | None
    attempts: int
    duration: float
    placement: float | None
    body_bytes: int | None


def is_recorded(exchange: Exchange, outcome: Outcome, rejection: Rejection | None) -> bool:
    """Whether there is a record: of each mutation, and of each request that was refused.

    A read is refused by the guard, by a limit, or by Placement for want of a right; that there is
    no such thing (404) is no refusal.
    """
    return (
        exchange.operation.mutates
        or rejection is not None
        or exchange.break_glass
        or outcome.ending is Ending.SHED
        or outcome.status in {401, 403}
    )


def record_at(
    exchange: Exchange,
    outcome: Outcome,
    rejection: Rejection | None,
    ended: float,
    duration: float,
) -> Record:
    """The record of an exchange that has ended at a time (Unix), after so long (seconds)."""
    environ = exchange.environ
    context = exchange.context or environ.get(CONTEXT)
    known = context if isinstance(context, RequestContext) else None
    target, complete = named(exchange)
    decided = rejection or (exchange.warnings[0] if exchange.warnings else None)
    version = exchange.version
    return Record(
        time=ended,
        process=os.getpid(),
        request_id=bounded(environ.get(REQUEST_ID)),
        global_request_id=bounded(known.global_request_id) if known else None,
        user=_user(known) if known else _NOBODY,
        address=bounded(environ.get(ADDRESS)),
        forwarded_for=bounded(environ.get(FORWARDED_FOR)),
        operation=exchange.operation.name,
        method=bounded(exchange.method) or "",
        path=bounded(exchange.path),
        microversion=f"{version[0]}.{version[1]}" if version else None,
        target=target,
        target_complete=complete,
        verdict=_verdict(exchange, outcome, rejection),
        break_glass=exchange.break_glass,
        stage=decided.rule.stage if decided else None,
        rule=decided.rule.id if decided else None,
        policy_rule=bounded(decided.policy) if decided else None,
        json_path=(decided.path or None) if decided else None,
        warnings=tuple(warning.rule.id for warning in exchange.warnings[:MAX_WARNINGS]),
        outcome=outcome.ending.value,
        status=outcome.status,
        conflict=outcome.conflict or None,
        shed=outcome.shed or None,
        attempts=outcome.attempts if outcome.seconds is not None else 0,
        duration=round(duration, 6),
        placement=round(outcome.seconds, 6) if outcome.seconds is not None else None,
        body_bytes=len(exchange.body) if exchange.body is not None else None,
    )


def _verdict(exchange: Exchange, outcome: Outcome, rejection: Rejection | None) -> str:
    if rejection is not None:
        return "rejected"
    if outcome.ending is Ending.SHED:
        return "shed"
    if exchange.break_glass:
        return "break_glass"
    return "warned" if exchange.warnings else "served"


VERDICTS: Final = ("served", "warned", "rejected", "shed", "break_glass")
"""Every value of ``verdict``."""

_NOBODY: Final = User()


def _user(context: RequestContext) -> User:
    service = context.service_user_id
    return User(
        bounded(context.user_id),
        bounded(context.user_name),
        bounded(context.user_domain_id),
        bounded(context.project_id),
        bounded(context.project_name),
        bounded(context.project_domain_id),
        _scope(context),
        _roles(context.roles),
        Service(
            bounded(service),
            bounded(context.service_user_name),
            bounded(context.service_project_id),
            _roles(context.service_roles),
        )
        if service
        else None,
    )


def _scope(context: RequestContext) -> str | None:
    if context.system_scope:
        return "system"
    if context.project_id:
        return "project"
    return "domain" if context.domain_id else None


def _roles(roles: Any) -> tuple[str, ...]:
    return tuple([bounded(role) or "" for role in roles[:MAX_ROLES]]) if roles else ()


def fields_of(record: Record) -> dict[str, Any]:
    """The record as its line has it, whole."""
    fields: dict[str, Any] = json.loads(_written(record))
    return fields


def line_of(record: Record) -> str:
    """The record as one line of JSON: ASCII, without its end, shorter than MAX_RECORD bytes."""
    for most in (None, 4, 1, 0):
        kept = record
        if most is not None:
            kept = structs.replace(record, target=without_values(record.target, most))
        line = _written(kept)
        if len(line) < MAX_RECORD:
            break
    return line


_encode: Final = Encoder().encode


def _written(record: Record) -> str:
    """All of it. ``time`` is the first field: what comes before the others takes its place."""
    when = datetime.fromtimestamp(record.time, UTC).isoformat(timespec="milliseconds")
    _, _, others = _json(record).partition(",")
    when = when.removesuffix("+00:00")
    return f'{{"schema":{SCHEMA},"time":"{when}Z","host":{_HOST},{others}'


_HOST: Final = json.dumps(HOST)


def _json(record: Record) -> str:
    try:
        encoded = _encode(record)
    except UnicodeEncodeError:  # half a surrogate, in a JSON path
        encoded = b"\xff"
    if encoded.isascii():
        return encoded.decode("ascii")
    return json.dumps(to_builtins(record), separators=(",", ":"))
