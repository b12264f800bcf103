"""The line of a record: without secrets, and with as much of the body as is wanted."""

import contextlib
import re
from base64 import b64encode
from typing import Final

import msgspec

from placement_guard.recording.hiding import Hiding
from placement_guard.recording.lines import MAX_BODY, Record, encode

MAX_TARGET: Final = 1024 * 1024
"""The longest path and query (characters, together) that are recorded; servers take less."""

_SECRET: Final = r"(?:pass(?:word|wd)|secret|token|credential|api_?key|signature)"  # noqa: S105
_IN_BODY: Final = re.compile(
    rb'"[^"\\]{0,64}' + _SECRET.encode() + rb'[^"\\]{0,64}"\s*:', re.IGNORECASE
)
_IN_QUERY: Final = re.compile(r"(^|&)([^=&]{0,64}" + _SECRET + r"[^=&]{0,64})=[^&]*", re.IGNORECASE)


class Line:
    """Makes the line of a record and its body. ValueError: there is none.

    bodies
        What is kept of a body: whole, shape or none.
    hiding
        Hides names and UUIDs; None where they are kept.
    """

    def __init__(self, bodies: str, hiding: Hiding | None) -> None:
        self._bodies, self._hiding = bodies, hiding

    def __call__(self, item: tuple[Record, bytes | None]) -> bytes:
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
