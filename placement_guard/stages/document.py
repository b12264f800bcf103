"""What is asked: the body, decoded, and judged by its schema.

A body that breaks its schema never reaches Placement.
"""

from placement_guard.api.exact import Judge
from placement_guard.api.fast import FastPath
from placement_guard.api.jsonpath import json_path
from placement_guard.api.operations import OPERATIONS
from placement_guard.api.strict_json import Finding
from placement_guard.exchange import Exchange
from placement_guard.rejection import Rejection, reject
from placement_guard.rules import BY_ID


class DocumentStage:
    """The document stage. Rules ``json.*`` and ``document.*``: 400.

    The fast way first; what it cannot tell is judged the exact way.
    """

    def __init__(self) -> None:
        documents = {d.name: d for o in OPERATIONS for _, d in o.bodies if d is not None}
        self._fast = {name: FastPath(document) for name, document in documents.items()}
        self._exact = {name: Judge(document.schema) for name, document in documents.items()}

    def __call__(self, exchange: Exchange) -> Exchange | Rejection:
        expected, body = exchange.expected, exchange.body
        if expected is None or body is None:
            return exchange
        data = self._fast[expected.name].accept(body)
        if data is None:
            data, found = self._exact[expected.name].judge(body)
            if found:
                return _rejection(found)
        return exchange.extended(document=data)


def _rejection(found: list[Finding]) -> Rejection:
    first = found[0]
    path = json_path(first.path)
    if BY_ID[first.rule].placement:
        return reject(first.rule, first.what, path)
    # A line each; the last line of a detail is what some clients show.
    lines = [f"{finding.what}: {json_path(finding.path)}" for finding in found]
    return reject(first.rule, "\n".join(["The body is not sound JSON.", *lines]), path)
