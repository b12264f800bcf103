"""What is asked: the body, decoded, and judged by its schema.

A body that breaks its schema never reaches Placement.
"""

from placement_guard.api.exact import Judge
from placement_guard.api.fast import FastPath
from placement_guard.api.holes import holes
from placement_guard.api.operations import OPERATIONS
from placement_guard.exchange import Exchange
from placement_guard.rejection import Rejection
from placement_guard.rules import BY_ID, Modes
from placement_guard.verdict import verdict


class DocumentStage:
    """The document stage. Rules ``json.*`` and ``document.*``: 400.

    The fast way first; what it cannot tell is judged the exact way, and then searched for what the
    schema lets through.
    """

    def __init__(self, modes: Modes) -> None:
        self._modes = modes
        documents = {d.name: d for o in OPERATIONS for _, d in o.bodies if d is not None}
        self._fast = {name: FastPath(document) for name, document in documents.items()}
        self._exact = {name: Judge(document.schema) for name, document in documents.items()}

    def __call__(self, exchange: Exchange) -> Exchange | Rejection:
        expected, body = exchange.expected, exchange.body
        if expected is None or body is None:
            return exchange
        data = self._fast[expected.name].accept(body)
        if data is not None:
            return exchange.extended(document=data, accepted=True)
        data, found = self._exact[expected.name].judge(body)
        decoded = data is not None  # what is too deep is not
        if decoded and not any(BY_ID[finding.rule].placement for finding in found):
            found = [*found, *holes(expected, data)]
            exchange = exchange.extended(document=data, accepted=not found)
        return verdict(exchange, found, self._modes, "The body is not sound.")
