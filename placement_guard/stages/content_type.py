"""Whether the body is declared as JSON, where a body is read at all."""

from webob.request import BaseRequest

from placement_guard.exchange import Exchange
from placement_guard.rejection import Rejection, reject

_JSON = "application/json"


def content_type(exchange: Exchange) -> Exchange | Rejection:
    """The content type stage. Rule ``http.content_type_unsupported``: 415.

    Source: ``placement.util.require_content``: parameters are ignored, case is not.
    """
    if exchange.expected is None or exchange.environ.get("CONTENT_TYPE") == _JSON:
        return exchange
    # webob's own reading of the header is the one that Placement goes by.
    request = BaseRequest(exchange.environ)
    if request.content_type == _JSON:
        return exchange
    # webob's own sentence quotes the header; Placement, too, puts this word there.
    request.content_type = request.content_type or "None"
    return reject(
        "http.content_type_unsupported",
        f"The media type {request.content_type} is not supported, use {_JSON}",
    )
