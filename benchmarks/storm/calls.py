"""Requests as direct WSGI calls, as nova's client makes them, and what their answers mean."""

import json
import logging
from io import BytesIO
from typing import Any, NamedTuple

from benchmarks.storm.application import App

LOG = logging.getLogger(__name__)

RETRY = "placement.concurrent_update"
"""The error code on which clients send a request again."""

MAX_DETAIL = 300
"""How much of an error's text (characters) is kept."""

SERVED = "served"
FULL = "full"
CONFLICT = "conflict"
STALE = "stale consumer"
FAILED = "failed"
AWAY = "told to come again"
UNANSWERED = "unanswered"

_KINDS = (
    # By the text: below microversion 1.23 there is no code, and where there is one it can be that
    # of an earlier attempt inside Placement.
    ("consumer generation conflict", STALE),
    ("resource provider generation conflict", "stale provider"),
    ("Inventory and/or allocations changed", CONFLICT),
    ("Unable to allocate inventory", FULL),
    ("concurrently updated the resource provider", "stale provider"),
    ("Another thread concurrently updated", CONFLICT),
    ("Conflicting resource provider", "there already"),
    ("that does not exist", "no such provider"),
    ("No resource provider with uuid", "no such provider"),
    ("has allocations", "in use"),
    ("in use", "in use"),
)


class Answer(NamedTuple):
    """What the client got. ``kind`` says what it means; ``retry`` that it is told to try again.

    AWAY is a 503 with a Retry-After; any other 5xx is FAILED.
    """

    status: int
    kind: str
    retry: bool = False
    detail: str = ""
    document: Any = None


def call(
    app: App, method: str, path: str, body: Any = None, *, version: str = "1.36", query: str = ""
) -> Answer:
    """One request. What escapes the application is a 500, as every server makes it."""
    raw = b"" if body is None else json.dumps(body).encode()
    environ = _environ(method, path, query, raw, version)
    statuses: list[int] = []
    later: list[bool] = []

    def start_response(status: str, headers: Any, _exc_info: Any = None) -> Any:
        statuses.append(int(status[:3]))
        later.append(any(name.lower() == "retry-after" for name, _ in headers))
        return lambda _: None

    chunks: Any = ()
    try:
        chunks = app(environ, start_response)
        answer = b"".join(chunks)
    except Exception as error:
        LOG.exception("escaped the application")
        return Answer(500, FAILED, detail=f"escaped: {error!r}"[:MAX_DETAIL])
    finally:
        if hasattr(chunks, "close"):
            chunks.close()
    return _understood(statuses[-1], answer, later=later[-1])


def _environ(method: str, path: str, query: str, raw: bytes, version: str) -> dict[str, Any]:
    environ = {
        "REQUEST_METHOD": method,
        "SCRIPT_NAME": "",
        "PATH_INFO": path,
        "QUERY_STRING": query,
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "HTTP_HOST": "localhost",
        "HTTP_ACCEPT": "application/json",
        "HTTP_X_AUTH_TOKEN": "admin",
        "HTTP_X_ROLES": "admin,service,member,reader",
        "HTTP_OPENSTACK_API_VERSION": f"placement {version}",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": BytesIO(raw),
        "wsgi.errors": None,
        "wsgi.multithread": False,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
    if raw:
        environ |= {"CONTENT_TYPE": "application/json", "CONTENT_LENGTH": str(len(raw))}
    return environ


def _understood(status: int, raw: bytes, *, later: bool) -> Answer:
    try:
        document = json.loads(raw) if raw else None
    except ValueError:
        document = None
    if status < 400:
        return Answer(status, SERVED, document=document)
    try:
        error = document["errors"][0]
        code, detail = error.get("code", ""), " ".join(error["detail"].split())
    except (TypeError, KeyError, IndexError):
        code, detail = "", raw.decode("utf-8", "replace")
    kind = FAILED if status >= 500 else f"other {status}"
    if status == 503 and later:
        kind = AWAY
    if status in {400, 404, 409}:
        kind = next((kind for text, kind in _KINDS if text in detail), kind)
    return Answer(status, kind, code == RETRY, detail[:MAX_DETAIL])
