"""Reading from Placement in the name of the caller, beside the request that is being served."""

import json
from collections.abc import Callable
from enum import StrEnum
from io import BytesIO
from typing import Any, Final

from oslo_log import log

from placement_guard.answer import Answer, WSGIApp
from placement_guard.api.operations import LAST_VERSION, Version
from placement_guard.exchange import MICROVERSION, Environ, Exchange
from placement_guard.stages.target_policy import Reading

LOG = log.getLogger(__name__)

MAX_READ: Final = 8 * 1024 * 1024
"""The longest answer (bytes) that is read: of a provider with tens of thousands of consumers."""


def look_up(
    app: WSGIApp,
    environ: Environ,
    path: str | None = None,
    query: str = "",
    version: Version | None = None,
) -> Answer | None:
    """Placement's answer to a GET of ``path``, or of the path of the request itself.

    With the context of the request, and with its microversion or ``version``. None where Placement
    fails.
    """
    asked: Environ = {
        **environ,
        "REQUEST_METHOD": "GET",
        "CONTENT_LENGTH": "0",
        "QUERY_STRING": query,
        "wsgi.input": BytesIO(),
        "HTTP_ACCEPT": "application/json",  # a read has nothing else; the write may ask for it
    }
    if path is not None:
        asked["PATH_INFO"] = path
    spoken = environ.get(MICROVERSION)
    if version is not None and spoken is not None:
        # A copy: the type is the middleware's, and the object the request's.
        newest = tuple(getattr(spoken, "max_version", version))
        asked[MICROVERSION] = _version(spoken, min(version, newest) if newest > (1, 0) else version)
    try:
        return Answer(app, asked)
    except Exception as error:
        LOG.warning("A look-up failed in request %s", environ.get("openstack.request_id", "-"))
        LOG.debug("It failed so:", exc_info=error)
        return None


def _version(spoken: Any, wanted: tuple[int, ...]) -> Any:
    """A microversion of the same type, and within the same bounds, as what the request speaks."""
    made = type(spoken)(*wanted)
    if hasattr(spoken, "__dict__"):
        made.__dict__.update(spoken.__dict__)
    return made


class ReadResult(StrEnum):
    """What came of reading for a policy rule; a value of the ``result`` metric label."""

    FOUND = "found"
    MISSING = "missing"
    FAILED = "failed"


_RESULTS: Final = {200: ReadResult.FOUND, 404: ReadResult.MISSING}


def reading(app: WSGIApp, told: Callable[[ReadResult], None]) -> Reading:
    """How policy reads what is stored: through ``app``, as the caller.

    At the newest microversion, whatever the request speaks. ``told`` counts each read.
    """

    def for_request(exchange: Exchange) -> Callable[[str, str], tuple[int, Any]]:
        def read_one(path: str, query: str) -> tuple[int, Any]:
            answer = look_up(app, exchange.environ, path, query, LAST_VERSION)
            status, document = (0, None) if answer is None else (answer.status, _document(answer))
            if status == 200 and document is None:  # too long, or no JSON
                status = 0
            told(_RESULTS.get(status, ReadResult.FAILED))
            return status, document

        return read_one

    return for_request


def read(app: WSGIApp, environ: Environ, path: str) -> Any:
    """The document at ``path``; None where there is none, or where the caller may not read it."""
    answer = look_up(app, environ, path)
    return None if answer is None else _document(answer)


def _document(answer: Answer) -> Any:
    """The document of an answer, which is spent then; None where it has none."""
    try:
        return json.loads(answer.examine(MAX_READ)) if answer.status == 200 else None
    except ValueError:
        return None
    finally:
        answer.discard()
