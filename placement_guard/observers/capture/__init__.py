"""Records exchanges into a file, to be judged again by ``placement-guard replay``.

A request pays for putting down what it was; everything else happens in a thread of its own. What
cannot be written is dropped and counted, never waited for. No token is looked at: what is recorded
of the headers and of the identity is a table.
"""

import time
from hashlib import blake2b, sha256
from typing import Any, Final

import msgspec
from oslo_context.context import RequestContext

from placement_guard.exchange import CONTEXT, MICROVERSION, PUBLIC_PATHS, Environ, Exchange
from placement_guard.observers.capture.key import key_of
from placement_guard.observers.capture.line import Line
from placement_guard.observers.writing.counters import SinkCounters
from placement_guard.observers.writing.file import RotatedFile
from placement_guard.observers.writing.queue import SinkQueue
from placement_guard.observers.writing.sink import Way
from placement_guard.outcome import Outcome
from placement_guard.recording.hiding import Hiding
from placement_guard.recording.lines import HEADERS, VERSION, Header, Record, encode
from placement_guard.rejection import Rejection
from placement_guard.settings import Settings
from placement_guard.version import __version__

__all__ = ["Recorder"]

MAX_WAITING: Final = 4096
"""How many records wait to be written in a process; what comes then is dropped."""

MAX_WAITING_BYTES: Final = 32 * 1024 * 1024
"""What all that waits may take (bytes)."""

FILE_MODE: Final = 0o600
"""Who may read a recording: nobody else."""

ITEM_BYTES: Final = 2048
"""What a record that waits takes beside its body, path and query (bytes), about."""

_ARRIVED: Final = "placement_guard.arrived"
_MARK: Final = "_placement_guard_recorded"
_NAMES: Final = (
    "user_name", "project_name", "domain_name", "user_domain_name", "project_domain_name",
)  # fmt: skip
_VALUES: Final = (
    "user_id", "user_domain_id", "system_scope", "domain_id", "project_id", "project_domain_id",
    "roles", "is_admin_project", "service_user_id", "service_user_domain_id",
    "service_project_id", "service_project_domain_id", "service_roles",
)  # fmt: skip
"""What of a context's policy values is recorded: all that oslo.context gives."""


class _Arrived:
    """What later stages, or Placement, change of a request."""

    __slots__ = ("headers", "query", "reused", "terminated")

    def __init__(self, environ: Environ) -> None:
        self.headers = {key: environ[key] for key in HEADERS if environ.get(key) is not None}
        self.query = environ.get("QUERY_STRING") or ""
        self.terminated = bool(environ.get("wsgi.input_terminated"))
        context = environ.get(CONTEXT)
        # Who asks for the root is not looked at: see the identity stage.
        known = isinstance(context, RequestContext) and environ.get("PATH_INFO") not in PUBLIC_PATHS
        self.reused = known and context.__dict__.setdefault(_MARK, self) is not self


class Recorder:
    """The observer that records. ``counters`` counts what becomes of the records."""

    def __init__(self, settings: Settings, counters: SinkCounters) -> None:
        self._reads = settings.capture_reads
        path, size, kept = (
            settings.capture_file, settings.capture_max_bytes, settings.capture_kept_files,
        )  # fmt: skip
        key = key_of(path) if settings.capture_bodies == "shape" else b""
        header = _header(settings, blake2b(key, digest_size=8).hexdigest() if key else "")
        self._by, head = header.id, encode(header)
        way = Way(
            "Capture",
            path,
            lambda: RotatedFile(path, size, kept, mode=FILE_MODE, head=head),
            Line(settings.capture_bodies, Hiding(key) if key else None),
        )
        self._queue = SinkQueue(way, counters, most=MAX_WAITING, most_bytes=MAX_WAITING_BYTES)
        self.flush, self.close = self._queue.flush, self._queue.close

    @staticmethod
    def arrived(environ: Environ) -> None:
        """Put down what a request is before anybody changes its environ."""
        environ[_ARRIVED] = _Arrived(environ)

    def __call__(self, exchange: Exchange, outcome: Outcome, rejection: Rejection | None) -> None:
        if not (self._reads or exchange.operation.mutates):
            return
        environ, body = exchange.environ, exchange.body
        arrived = environ.get(_ARRIVED) or _Arrived(environ)
        context = environ.get(CONTEXT)
        known = isinstance(context, RequestContext)
        version = environ.get(MICROVERSION)
        record = Record(
            at=round(time.time(), 3),
            id=exchange.request_id,
            by=self._by,
            method=exchange.method,
            path=exchange.path,
            operation=exchange.operation.name,
            status=outcome.status,
            outcome=outcome.ending.value,
            query=arrived.query,
            version=(version[0], version[1]) if version is not None else None,
            headers=arrived.headers,
            terminated=arrived.terminated,
            context="sound" if known else "missing" if context is None else "wrong_type",
            reused=arrived.reused,
            identity=_identity(context) if known else {},
            size=len(body) if body is not None else None,
            asked=outcome.seconds is not None,
            rule=rejection.rule.id if rejection is not None else "",
            policy=rejection.policy if rejection is not None else "",
            warnings=[warning.rule.id for warning in exchange.warnings],
        )
        size = ITEM_BYTES + len(record.path) + len(record.query) + len(body or b"")
        self._queue.put((record, body), size)


def _identity(context: Any) -> dict[str, Any]:
    """The policy values of a context, and the names that go with them; no token is among them."""
    values = context.to_policy_values()
    found = {name: values[name] for name in _VALUES if values.get(name)}
    for name in _NAMES:
        value = getattr(context, name, None)
        if value:
            found[name] = value
    return found


def _header(settings: Settings, key: str) -> Header:
    modes = {rule: mode.value for rule, mode in settings.modes().items()}
    digest = sha256(str(settings).encode()).hexdigest()[:16]
    header = Header(VERSION, "", __version__, digest, settings.capture_bodies, modes, key)
    return msgspec.structs.replace(header, id=sha256(encode(header)).hexdigest()[:12])
