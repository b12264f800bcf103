"""A request as data: what is sent to both sides, what is saved, and what a finding is shrunk to.

The bytes matter here (a NUL, half a surrogate pair, a key twice), so a body is bytes and a path and
a query string are kept exactly as they stand on the request line.
"""

import base64
import io
import re
from typing import Any
from urllib.parse import unquote_to_bytes

from msgspec import Struct

KINDS = ("valid", "value", "text", "query", "path")
"""What was done to a request: nothing, or where it was changed for the worse."""

JSON = "application/json"

IDENTITY = {
    "HTTP_X_AUTH_TOKEN": "admin",
    "HTTP_X_ROLES": "admin,service,member,reader",
    "HTTP_ACCEPT": "application/json",
}
"""Somebody who may do everything: what is compared is what happens behind the policy."""


class Request(Struct, frozen=True, kw_only=True):
    """One request. ``path`` and ``query`` are percent-encoded; ``body`` is None where none is sent.

    ``route`` is the row of the operation table that it was made for, ``change`` names what was done
    to it: both are for people and for the summary, and mean nothing to the sides.
    """

    method: str
    path: str
    query: str = ""
    minor: int = 39
    body: bytes | None = None
    content_type: str = JSON
    kind: str = "valid"
    route: str = ""
    change: str = ""

    @property
    def label(self) -> str:
        return f"{self.method} {self.route}"

    @property
    def text(self) -> str:
        """Everything that was sent, to search for names and identifiers."""
        body = (self.body or b"").decode("utf-8", "replace")
        return f"{self.path} {unquote_to_bytes(self.path).decode('latin-1')} {self.query} {body}"


def environ(request: Request) -> dict[str, Any]:
    """The request as a WSGI server hands it on: bytes as latin-1, a path that is decoded."""
    made = {
        "REQUEST_METHOD": request.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(request.path).decode("latin-1"),
        "QUERY_STRING": request.query,
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "HTTP_HOST": "localhost",
        "HTTP_OPENSTACK_API_VERSION": f"placement 1.{request.minor}",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(request.body or b""),
        "wsgi.errors": io.StringIO(),
        "wsgi.multithread": False,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
        **IDENTITY,
    }
    if request.body is not None:
        made["CONTENT_LENGTH"] = str(len(request.body))
        made["CONTENT_TYPE"] = request.content_type
    return made


def to_data(request: Request) -> dict[str, Any]:
    """For a file that people read: the body is text wherever it is UTF-8."""
    data = {
        name: getattr(request, name)
        for name in ("method", "path", "query", "minor", "kind", "route", "change", "content_type")
    }
    if request.body is not None:
        try:
            data["body"] = _pieces(request.body.decode())
        except UnicodeDecodeError:
            data["body_base64"] = base64.b64encode(request.body).decode()
    return data


def from_data(data: dict[str, Any]) -> Request:
    """What ``to_data`` made."""
    known = dict(data)
    encoded, text = known.pop("body_base64", None), known.pop("body", None)
    if encoded is not None:
        body = base64.b64decode(encoded)
    else:
        body = None if text is None else _joined(text).encode()
    return Request(**known, body=body)


def _pieces(text: str) -> str | list[Any]:
    """``text``; where it repeats itself at length, a list of pieces, ``[piece, times]`` for a run."""
    pieces: list[Any] = []
    at = 0
    for run in re.finditer(r"(.{1,8}?)\1{59,}", text, re.DOTALL):
        pieces += [text[at : run.start()], [run[1], len(run[0]) // len(run[1])]]
        at = run.end()
    return [*pieces, text[at:]] if pieces else text


def _joined(pieces: str | list[Any]) -> str:
    if isinstance(pieces, str):
        return pieces
    return "".join(piece if isinstance(piece, str) else piece[0] * piece[1] for piece in pieces)
