"""The status page and what programs read of it, on the listener of the metrics: read only.

It names users and providers, so it is given to nobody who reaches it by another name: a page that
a browser is showing elsewhere cannot read it, whatever its own name resolves to.
"""

import base64
import hashlib
import ipaddress
import socket
from collections.abc import Iterable, Mapping
from html import escape
from pathlib import Path
from string import Template
from typing import Any, Final

import msgspec
from oslo_log import log

from placement_guard.observers.board.facts import Status
from placement_guard.observers.board.render import parts
from placement_guard.observers.board.shelf import Shelf

LOG = log.getLogger(__name__)

_HERE: Final = Path(__file__).parent
_STYLE: Final = (_HERE / "page.css").read_text(encoding="utf-8")
_SCRIPT: Final = (_HERE / "page.js").read_text(encoding="utf-8")
_PAGE: Final = Template((_HERE / "page.html").read_text(encoding="utf-8"))


def _hash(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"


POLICY: Final = (
    f"default-src 'none'; style-src {_hash(_STYLE)}; script-src {_hash(_SCRIPT)}; "
    "connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
"""The Content-Security-Policy: nothing but what the page itself holds."""

HEADERS: Final = (
    ("Content-Security-Policy", POLICY),
    ("X-Content-Type-Options", "nosniff"),
    ("X-Frame-Options", "DENY"),
    ("Referrer-Policy", "no-referrer"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    ("Permissions-Policy", "camera=(), geolocation=(), microphone=()"),
    ("Cache-Control", "no-store"),
)
"""Of every answer."""


class Page:
    """Answers ``/``, ``/status.json`` and ``/hot``; None to anything else.

    shelf
        Knows what is shown.
    host
        The name that the listener is bound to.
    """

    def __init__(self, shelf: Shelf, host: str) -> None:
        self.shelf = shelf
        self._names = {"localhost", host.lower(), *_own_names()}

    def __call__(self, environ: Mapping[str, Any], start_response: Any) -> Iterable[bytes] | None:
        make = _MAKERS.get(environ.get("PATH_INFO") or "/")
        if make is None:
            return None
        if not self._is_ours(environ.get("HTTP_HOST", "")):
            return _answer(
                start_response, "403 Forbidden", "text/plain",
                b"Ask by the address of this host, or by its own name.\n",
            )  # fmt: skip
        try:
            kind, body = make(self.shelf.status())
        except Exception:
            LOG.exception("The status page cannot be made")
            return _answer(
                start_response, "500 Internal Server Error", "text/plain",
                b"The status cannot be shown; the log says why.\n",
            )  # fmt: skip
        return _answer(start_response, "200 OK", kind, body)

    def _is_ours(self, host: str) -> bool:
        """Whether a Host header is an address, or a name of this machine."""
        name = host.rpartition("]")[0].lstrip("[") or host.partition(":")[0]
        try:
            ipaddress.ip_address(name)
        except ValueError:
            return name.lower() in self._names
        return True


def _own_names() -> set[str]:
    name = socket.gethostname().lower()
    return {name, name.partition(".")[0]}


def _html(status: Status) -> tuple[str, bytes]:
    made = _PAGE.substitute(parts(status), host=escape(status.host), style=_STYLE, script=_SCRIPT)
    return "text/html; charset=utf-8", made.encode()


def _json(status: Status) -> tuple[str, bytes]:
    return "application/json", msgspec.json.format(msgspec.json.encode(status), indent=1) + b"\n"


def _hot(status: Status) -> tuple[str, bytes]:
    found = {"seconds": 3600, "providers": status.hot}
    return "application/json", msgspec.json.format(msgspec.json.encode(found), indent=1) + b"\n"


_MAKERS: Final = {"/": _html, "/status.json": _json, "/hot": _hot}


def _answer(start_response: Any, status: str, kind: str, body: bytes) -> Iterable[bytes]:
    headers = [("Content-Type", kind), ("Content-Length", str(len(body))), *HEADERS]
    start_response(status, headers)
    return [body]
