"""Whether it makes sense: what no schema can say of what is asked."""

from placement_guard.api.invariants import invariants
from placement_guard.exchange import Exchange
from placement_guard.rejection import Rejection
from placement_guard.rules import Modes
from placement_guard.verdict import verdict


class Invariants:
    """The invariants stage. Rules ``inventory.*`` and ``reshape.*``: 400, or a warning.

    All violations are reported, each with its JSON path.
    """

    def __init__(self, modes: Modes) -> None:
        self._modes = modes

    def __call__(self, exchange: Exchange) -> Exchange | Rejection:
        expected, version = exchange.expected, exchange.version
        if expected is None or version is None or exchange.document is None:
            return exchange
        found = invariants(expected, exchange.document, version)
        if not found:
            return exchange
        return verdict(exchange, found, self._modes, "The inventory makes no sense.")
