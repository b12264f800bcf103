"""How the guard's answers look on the wire: the way Placement makes its own.

webob's exceptions negotiate JSON, HTML or text; the JSON is that of the OpenStack API guidelines,
``{"errors": [{"status", "title", "detail", "code", "request_id"}]}``, at every microversion.
"""

import json
from collections.abc import Iterable, Sequence
from typing import Any, Final

from webob import exc

from placement_guard.admission.shed import Shed
from placement_guard.api.conflicts import CONCURRENT_UPDATE
from placement_guard.exchange import REQUEST_ID, Environ, Exchange
from placement_guard.rejection import PLACEMENT_CODE, Rejection

HEADER: Final = "Placement-Guard"
"""A dictionary (RFC 8941) that says what the guard decided, and by which rule."""

MAX_DETAIL: Final = 4096
"""The longest ``detail`` (bytes of UTF-8) that the guard writes."""

ENV_CODE: Final = "placement.error_code"
"""Where Placement leaves the code of an error, at every microversion."""

INTERNAL_DETAIL: Final = "The log has more about it, under this request's id."

_JSON: Final = "application/json"
# Of no Accept, and of one that takes anything, the guard makes JSON.
_TAKING_JSON: Final = frozenset({"", "*/*", _JSON})

_EXCEPTIONS: Final[dict[int, type[exc.HTTPException]]] = {
    400: exc.HTTPBadRequest,
    401: exc.HTTPUnauthorized,
    403: exc.HTTPForbidden,
    404: exc.HTTPNotFound,
    413: exc.HTTPRequestEntityTooLarge,
    415: exc.HTTPUnsupportedMediaType,
}


def refuse(rejection: Rejection, environ: Environ, start_response: Any) -> Iterable[bytes]:
    """Answer with ``rejection``."""
    rule = rejection.rule
    kind = _EXCEPTIONS[rule.status]
    detail = bounded(rejection.detail)
    # Placement's wording goes Placement's way, which turns line breaks into blanks and drops what
    # looks like a tag; the guard's own is kept as it is.
    own = None if rule.placement else f"{kind.explanation}\n\n{rejection.detail}"
    header = _decision("reject", rejection)
    if _is_plain(kind, environ):
        text = f"{kind.explanation}\n\n {exc.strip_tags(detail)}  " if own is None else own
        body = json.dumps(_errors(kind.code, kind.title, text, rejection.code, environ)).encode()
        headers = [(HEADER, header), ("Content-Length", str(len(body))), ("Content-Type", _JSON)]
        start_response(f"{kind.code} {kind.title}", headers)
        return [body]
    answer = kind(detail)
    answer.headers[HEADER] = header
    return _send(answer, rejection.code, own, environ, start_response)


def _is_plain(kind: Any, environ: Environ) -> bool:
    """Whether the answer is JSON for sure, in the form that webob gives most of them.

    Mostly it is. To write it down takes a fifth of the time that webob's negotiation does.
    """
    return (
        _takes_json(environ)
        and environ["REQUEST_METHOD"] != "HEAD"
        and kind.body_template_obj is exc.WSGIHTTPException.body_template_obj
    )


def fail(
    exchange: Exchange, start_response: Any, status: int = 500, retry_after: str | None = None
) -> Iterable[bytes]:
    """Answer a 5xx without a word of what went wrong: the log has it."""
    answer = exc.status_map.get(status, exc.HTTPInternalServerError)(INTERNAL_DETAIL)
    if retry_after is not None:
        answer.headers["Retry-After"] = retry_after
    if exchange.warnings:
        answer.headers[HEADER] = warned(exchange.warnings)
    return _send(answer, PLACEMENT_CODE, None, exchange.environ, start_response)


def concurrent_update(environ: Environ, start_response: Any) -> Iterable[bytes]:
    """Placement's answer to a write that lost a race, where it makes none itself."""
    answer = exc.HTTPConflict("Another thread concurrently updated the data. Please retry.")
    return _send(answer, CONCURRENT_UPDATE, None, environ, start_response)


def told(exchange: Exchange, conflict: str) -> str:
    """The value of the header for what Placement answered: warnings, and the kind of a conflict."""
    parts = [warned(exchange.warnings)] if exchange.warnings else []
    if conflict:
        parts.append(f'conflict="{conflict}"')
    return ", ".join(parts)


def shed(exchange: Exchange, start_response: Any, shed: Shed) -> Iterable[bytes]:
    """Answer 429 or 503 to what is not let in now."""
    kind = {429: exc.HTTPTooManyRequests, 503: exc.HTTPServiceUnavailable}[shed.why.status]
    answer = kind(shed.why.message)
    answer.headers["Retry-After"] = str(shed.retry_after)
    answer.headers[HEADER] = f'decision=shed, why="{shed.why.name}"'
    code = f"placement_guard.shed.{shed.why.name}"
    return _send(answer, code, None, exchange.environ, start_response)


def warned(warnings: Sequence[Rejection]) -> str:
    """The value of the header for a request let through: the first warning, and how many more."""
    more = f", more={len(warnings) - 1}" if len(warnings) > 1 else ""
    return _decision("warn", warnings[0]) + more


def _decision(word: str, rejection: Rejection) -> str:
    """What was decided, and by which rule of which stage."""
    rule = rejection.rule
    return f'decision={word}, stage="{rule.stage}", rule="{rule.id}"'


def _send(
    answer: Any, code: str, own: str | None, environ: Environ, start_response: Any
) -> Iterable[bytes]:
    def formatter(*, body: str, status: str, title: str, environ: Environ) -> dict[str, Any]:
        text = exc.strip_tags(body) if own is None else own
        return _errors(int(status.split(None, 1)[0]), title, text, code, environ)

    answer.json_formatter = formatter
    return answer(_preferring_json(environ), start_response)


def _errors(status: int, title: str, text: str, code: str, environ: Environ) -> dict[str, Any]:
    error = {"status": status, "title": title, "detail": bounded(text), "code": code}
    if REQUEST_ID in environ:
        error["request_id"] = environ[REQUEST_ID]
    return {"errors": [error]}


def bounded(text: str) -> str:
    """``text`` in at most MAX_DETAIL bytes: its end is cut, and says so."""
    encoded = text.encode("utf-8", "replace")
    if len(encoded) <= MAX_DETAIL:
        return text
    return encoded[: MAX_DETAIL - 4].decode("utf-8", "ignore") + " ..."


def _takes_json(environ: Environ) -> bool:
    return (environ.get("HTTP_ACCEPT") or "") in _TAKING_JSON


def _preferring_json(environ: Environ) -> Environ:
    # Placement's request log does this too; not every pipeline has it.
    return {**environ, "HTTP_ACCEPT": _JSON} if _takes_json(environ) else environ


def code_and_detail(body: bytes) -> tuple[str | None, str]:
    """The code and the detail of an error body; of HTML or text, all of it is the detail."""
    try:
        error = json.loads(body)["errors"][0]
        code = error.get("code")
        return code if isinstance(code, str) else None, str(error.get("detail", ""))
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return None, body.decode("utf-8", "replace")
