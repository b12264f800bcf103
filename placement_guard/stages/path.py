"""Whether the path names what can be named, before the body is read."""

from placement_guard.api.paths import path_finding
from placement_guard.exchange import Exchange
from placement_guard.rejection import Rejection, reject


def path(exchange: Exchange) -> Exchange | Rejection:
    """The path stage. Rules ``allocations.malformed_consumer`` and ``path.*``: 400.

    Only for mutations that Placement has at this microversion.
    """
    if exchange.version is None or not exchange.served or not exchange.operation.mutates:
        return exchange
    found = path_finding(exchange.operation.name, exchange.params, exchange.version)
    return exchange if found is None else reject(found.rule, found.what)
