"""Reading from Placement in the name of the caller, beside the request that is being served."""

import json
from io import BytesIO
from typing import Any, Final

from oslo_log import log

from placement_guard.answer import Answer, WSGIApp
from placement_guard.exchange import Environ

LOG = log.getLogger(__name__)

MAX_READ: Final = 8 * 1024 * 1024
"""The longest answer (bytes) that is read: of a provider with tens of thousands of consumers."""


def look_up(app: WSGIApp, environ: Environ, path: str | None = None) -> Answer | None:
    """Placement's answer to a GET of ``path``, or of the path of the request itself.

    With the context and the microversion of the request. None where Placement fails.
    """
    asked: Environ = {
        **environ,
        "REQUEST_METHOD": "GET",
        "CONTENT_LENGTH": "0",
        "QUERY_STRING": "",
        "wsgi.input": BytesIO(),
        "HTTP_ACCEPT": "application/json",  # a read has nothing else; the write may ask for it
    }
    if path is not None:
        asked["PATH_INFO"] = path
    try:
        return Answer(app, asked)
    except Exception as error:
        LOG.warning("A look-up failed in request %s", environ.get("openstack.request_id", "-"))
        LOG.debug("It failed so:", exc_info=error)
        return None


def read(app: WSGIApp, environ: Environ, path: str) -> Any:
    """The document at ``path``; None where there is none, or where the caller may not read it."""
    answer = look_up(app, environ, path)
    if answer is None:
        return None
    try:
        return json.loads(answer.examine(MAX_READ)) if answer.status == 200 else None
    except ValueError:
        return None
    finally:
        answer.discard()
