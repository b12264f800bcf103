"""Records exchanges into a file, to be judged again by ``placement-guard replay``.

A request pays for putting down what it was; everything else happens in a thread of its own. What
cannot be written is dropped and counted, never waited for. No token is looked at: what is recorded
of the headers and of the identity is a table.
"""

import contextlib
import os
import re
import time
from base64 import b64encode
from collections.abc import Callable, Mapping
from hashlib import blake2b, sha256
from pathlib import Path
from typing import Any, Final

import msgspec
from oslo_context.context import RequestContext
from oslo_log import log

from placement_guard.exchange import CONTEXT, MICROVERSION, PUBLIC_PATHS, Environ, Exchange
from placement_guard.observers.line_file import LineFile
from placement_guard.observers.line_writer import LineWriter
from placement_guard.outcome import Outcome
from placement_guard.recording.hiding import Hiding
from placement_guard.recording.lines import HEADERS, MAX_BODY, VERSION, Header, Record, encode
from placement_guard.rejection import Rejection
from placement_guard.settings import Settings
from placement_guard.version import __version__

LOG = log.getLogger(__name__)

KEY_BYTES: Final = 32

ITEM_BYTES: Final = 2048
"""What a record that waits takes beside its body (bytes), about."""

MAX_TARGET: Final = 1024 * 1024
"""The longest path and query (characters, together) that are recorded; servers take less."""

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

_SECRET: Final = r"(?:pass(?:word|wd)|secret|token|credential|api_?key|signature)"  # noqa: S105
_IN_BODY: Final = re.compile(
    rb'"[^"\\]{0,64}' + _SECRET.encode() + rb'[^"\\]{0,64}"\s*:', re.IGNORECASE
)
_IN_QUERY: Final = re.compile(r"(^|&)([^=&]{0,64}" + _SECRET + r"[^=&]{0,64})=[^&]*", re.IGNORECASE)


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
    """The observer that records. ``told`` counts what becomes of the records, by RESULTS."""

    def __init__(self, settings: Settings, told: Mapping[str, Callable[[float], None]]) -> None:
        self._bodies = settings.capture_bodies
        self._reads = settings.capture_reads
        path = settings.capture_file
        key = _key_of(path) if self._bodies == "shape" else b""
        self._hiding = Hiding(key) if key else None
        header = _header(settings, blake2b(key, digest_size=8).hexdigest() if key else "")
        self._by = header.id
        file = LineFile(
            path,
            max_bytes=settings.capture_max_bytes,
            kept=settings.capture_kept_files,
            head=encode(header),
        )
        self._writer = LineWriter(file, self._line, told)
        self.flush, self.close = self._writer.flush, self._writer.close

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
        self._writer.put((record, body), ITEM_BYTES + len(body or b""))

    def _line(self, item: tuple[Record, bytes | None]) -> bytes:
        record, body = item
        if len(record.path) + len(record.query) > MAX_TARGET:
            raise ValueError("path and query are too long")
        record.query = _IN_QUERY.sub(r"\1\2=removed", record.query)
        if body:
            self._put_body(record, body)
        if self._hiding is not None:
            self._hide(record, self._hiding)
        return encode(record)

    def _put_body(self, record: Record, body: bytes) -> None:
        if self._bodies == "none":
            record.left_out = "none"
        elif len(body) > MAX_BODY:
            record.left_out = "too_long"
        elif _IN_BODY.search(body):  # no body of Placement's has such a key
            record.left_out = "secret"
        elif self._hiding is not None:
            record.left_out = "shape"
            names = not record.operation.startswith("resource_classes:")
            with contextlib.suppress(ValueError, RecursionError):
                document = msgspec.json.decode(body)
                record.shape = self._hiding.shape(document, names=names)
        else:
            try:
                record.body = body.decode()
            except UnicodeDecodeError:
                record.body, record.base64 = b64encode(body).decode(), True

    def _hide(self, record: Record, hiding: Hiding) -> None:
        record.hidden = True
        record.path = hiding.path(record.path)
        record.query = hiding.query(record.query) if record.query else ""
        record.identity = hiding.identity(record.identity)
        for name in ("HTTP_X_USER_ID", "HTTP_X_PROJECT_ID"):
            if name in record.headers:
                record.headers[name] = hiding.name(record.headers[name])


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


def _key_of(path: str) -> bytes:
    """The key in ``<path>.key``: made by the first process that needs it, read by the others.

    Where it can be neither, one that this process alone has.
    """
    made = os.urandom(KEY_BYTES)
    mine = f"{path}.key.{os.getpid()}.{made[:4].hex()}"
    try:
        descriptor = os.open(mine, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            os.write(descriptor, made)
        finally:
            os.close(descriptor)
        with contextlib.suppress(FileExistsError):
            Path(path + ".key").hardlink_to(mine)
        key = Path(path + ".key").read_bytes()
        if len(key) == KEY_BYTES:
            return key
        LOG.error("%s.key is no key; what this process hides, it hides by another", path)
    except OSError as error:
        LOG.error("%s.key cannot be used: %s", path, error)  # noqa: TRY400
    finally:
        with contextlib.suppress(OSError):
            Path(mine).unlink()
    return made
