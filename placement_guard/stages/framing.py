"""What HTTP itself says of the body. Placement asks this before it looks at the route."""

from placement_guard.exchange import Exchange
from placement_guard.rejection import Rejection, reject


def framing(exchange: Exchange) -> Exchange | Rejection:
    """The framing stage. Rules ``http.content_length_invalid``, ``http.content_type_missing``: 400.

    Source: ``placement.handler.PlacementHandler.__call__``. A chunked body has no Content-Length,
    and passes.
    """
    length = exchange.environ.get("CONTENT_LENGTH")
    if not length:
        return exchange
    try:
        positive = int(length) > 0
    except ValueError:
        return reject("http.content_length_invalid", "content-length header must be an integer")
    if positive and not exchange.environ.get("CONTENT_TYPE"):
        return reject(
            "http.content_type_missing", "content-type header required when content-length > 0"
        )
    return exchange
