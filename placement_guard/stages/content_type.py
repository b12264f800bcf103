"""Whether the body is declared as JSON, where a body is read at all."""

from webob.request import BaseRequest

from placement_guard.exchange import Exchange
from placement_guard.rejection import Rejection, reject

_JSON = "application/json"


def content_type(exchange: Exchange) -> Exchange | Rejection:
    """The content type stage. Rule ``http.content_type_unsupported``: 415.

    Source: ``placement.util.require_content``: parameters are ignored, case is not.
    """
    if exchange.expected is None:
        return exchange
    # webob's own reading of the header is the one that Placement goes by.
    given = BaseRequest(exchange.environ).content_type
    if given == _JSON:
        return exchange
    return reject(
        "http.content_type_unsupported",
        f"The media type {given or 'None'} is not supported, use {_JSON}",
    )
