"""What is asked: the body, decoded, and judged by its schema.

A body that breaks its schema never reaches Placement.
"""

from collections.abc import Iterator, Sequence
from typing import Any, Final

from placement_guard.api.documents import Document
from placement_guard.api.exact import Judge
from placement_guard.api.fast import FastPath
from placement_guard.api.finding import Finding
from placement_guard.api.holes import holes
from placement_guard.api.operations import OPERATIONS
from placement_guard.exchange import Exchange
from placement_guard.rejection import Rejection
from placement_guard.rules import BY_ID, Modes
from placement_guard.verdict import verdict

MAX_REFUSED: Final = 64
"""How many bodies that Placement would refuse are remembered in a process."""

MAX_REFUSED_BYTES: Final = 4096
"""The longest body (bytes) that is remembered."""


class DocumentStage:
    """The document stage. Rules ``json.*`` and ``document.*``: 400.

    The fast way first; what it cannot tell is judged the exact way, and then searched for what the
    schema lets through. Who is refused mostly sends the same again: what was said of a small body
    is remembered, for most of a refusal's time goes into its words. Who does not read those of a
    broken schema need not have them: ``worded``.
    """

    def __init__(self, modes: Modes, *, worded: bool = True) -> None:
        self._modes = modes
        documents = {d.name: d for o in OPERATIONS for _, d in o.bodies if d is not None}
        self._fast = {name: FastPath(document) for name, document in documents.items()}
        self._exact = {
            name: Judge(document.schema, worded=worded) for name, document in documents.items()
        }
        self._refused: dict[tuple[str, bytes], Sequence[Finding]] = {}

    def __call__(self, exchange: Exchange) -> Exchange | Rejection:
        expected, body = exchange.expected, exchange.body
        if expected is None or body is None:
            return exchange
        data = self._fast[expected.name].accept(body)
        if data is not None:
            return exchange.extended(document=data, accepted=True)
        found: Sequence[Finding] | None = self._refused.get((expected.name, body))
        if found is None:
            data, found = self.examine(expected, body)
            if data is not None:
                exchange = exchange.extended(document=data, accepted=not found)
            elif len(body) <= MAX_REFUSED_BYTES:
                self._remember((expected.name, body), found)
        return verdict(exchange, found, self._modes, "The body is not sound.")

    def _remember(self, asked: tuple[str, bytes], found: Sequence[Finding]) -> None:
        if len(self._refused) >= MAX_REFUSED:
            self._refused.clear()
        self._refused[asked] = tuple(found)

    def examine(self, expected: Document, body: bytes) -> tuple[Any, list[Finding]]:
        """Judge ``body`` the exact way: the document, and everything that is wrong with it.

        There is no document where Placement would have none: where the body is no JSON, is nested
        too deeply, or breaks its schema.
        """
        data, found = self._exact[expected.name].judge(body)
        decoded = data is not None  # what is too deep is not
        if decoded and not any(BY_ID[finding.rule].placement for finding in found):
            return data, [*found, *holes(expected, data)]
        return None, found

    def errors(self, expected: Document, data: Any) -> Iterator[Finding]:
        """Everything in decoded ``data`` that breaks the schema, within bounds."""
        return self._exact[expected.name].errors(data)
