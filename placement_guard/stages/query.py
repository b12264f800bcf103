"""Whether Placement can take the query string of a read."""

from typing import Final
from urllib.parse import unquote_to_bytes

from webob.request import BaseRequest

from placement_guard.api import queries
from placement_guard.api.finding import Finding
from placement_guard.exchange import Exchange
from placement_guard.rejection import Rejection, reject

MAX_PLAIN: Final = 640
"""The longest query string (bytes) that holds no number too long for Python, whatever its limit."""

_TOTALS: Final = "usages"
_CANDIDATES: Final = "allocation_candidates:list"


def query(exchange: Exchange) -> Exchange | Rejection:
    """The query stage. Rules ``query.undecodable`` and ``query.unreadable_limit``: 400.

    What fails in Placement for sure; anything else is blamed after it has failed. A query string
    without anything suspect is scanned once.
    """
    text = exchange.environ.get("QUERY_STRING")
    if not text:
        return exchange
    name = exchange.operation.name
    if name == _TOTALS:
        suspect = "%" in text or not text.isascii()
    elif name == _CANDIDATES:
        suspect = _perhaps_unreadable(text)
    else:
        return exchange
    if not suspect or not exchange.served:
        return exchange
    found = _finding(exchange, name)
    if found is None or not _json_accepted(exchange):
        return exchange
    # Placement reads the query of GET /usages before it asks the policy, any other one after.
    if name == _CANDIDATES and _forbidden(exchange):
        return exchange
    return reject(found.rule, found.what)


def _perhaps_unreadable(text: str) -> bool:
    """Whether ``limit`` can be there twice, or with many digits. Never wrong about a no."""
    if len(text) > MAX_PLAIN:
        return True
    if "%" not in text:
        return text.count("limit") > 1
    return unquote_to_bytes(text).count(b"limit") > 1


def _finding(exchange: Exchange, name: str) -> Finding | None:
    try:
        # Kept in environ, where Placement finds it.
        pairs = tuple(BaseRequest(exchange.environ).GET.items())
    except UnicodeDecodeError as error:
        return queries.undecodable(error) if name == _TOTALS else None
    if name == _TOTALS or exchange.version is None:
        return None
    return queries.unreadable_limit(pairs, exchange.version)


def _json_accepted(exchange: Exchange) -> bool:
    """Whether Placement would go on, or answer 406."""
    accept = BaseRequest(exchange.environ).accept
    return not accept or bool(accept.acceptable_offers(["application/json"]))


def _forbidden(exchange: Exchange) -> bool:
    """Whether Placement would answer 403, as far as the context can tell."""
    can = getattr(exchange.context, "can", None)
    return can is not None and not can(exchange.operation.rule, fatal=False)
