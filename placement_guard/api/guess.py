"""Which operation a body was made for, and for which microversion: told by its shape.

The schemas decide. What breaks a schema further outside speaks against it more; so a reshape with a
hundred wrong inventories is still a reshape. Only a bounded part of a body is looked at.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from functools import cache
from typing import Any, Final, NamedTuple

from jsonschema import Draft202012Validator

from placement_guard.api.documents import Document
from placement_guard.api.operations import LAST_VERSION, OPERATIONS, Operation, Version
from placement_guard.api.schemas import Schema

MAX_MEMBERS: Final = 16
"""How many members of an object or of a list are looked at."""

MAX_LEVELS: Final = 10
"""How deep is looked (levels). No schema of Placement is deeper."""

MAX_TEXT: Final = 400
"""How much of a string is looked at (characters)."""


class Candidate(NamedTuple):
    """What a body may be: an operation, a document, and the microversions at which it is that."""

    operation: Operation
    document: Document
    first: Version
    last: Version


def candidates(version: Version | None = None) -> list[Candidate]:
    """All that a body may be, or all that it may be at one microversion."""
    found = [candidate for operation in OPERATIONS for candidate in _of(operation)]
    if version is None:
        return found
    fit = (c for c in found if c.first <= version <= c.last)
    return [c._replace(first=version, last=version) for c in fit]


def _of(operation: Operation) -> Iterator[Candidate]:
    firsts = [first for first, _ in operation.bodies[1:]]
    lasts = [*((first[0], first[1] - 1) for first in firsts), LAST_VERSION]
    for (first, document), last in zip(operation.bodies, lasts, strict=False):
        if document is not None:
            yield Candidate(operation, document, first, last)


def fitting(data: Any, among: Iterable[Candidate]) -> list[Candidate]:
    """Of ``among`` those that decoded ``data`` fits best; none where it is like none of them."""
    part = _part(data, MAX_LEVELS)
    like = (candidate for candidate in among if _is_like(part, candidate.document.schema))
    scores = [(_score(part, candidate.document), candidate) for candidate in like]
    best = min((score for score, _ in scores), default=())
    return [candidate for score, candidate in scores if score == best]


def _score(part: Any, document: Document) -> tuple[int, ...]:
    """How many errors there are on each level, from the outside in."""
    levels: Counter[int] = Counter()
    for error in _validator(document.name).iter_errors(part):
        levels[len(error.absolute_path)] += 1
    return tuple(levels[level] for level in range(MAX_LEVELS + 1))


def _is_like(part: Any, schema: Schema) -> bool:
    """Whether it has anything in common with what the schema describes."""
    if schema["type"] == "array":
        return isinstance(part, list)
    if not isinstance(part, dict):
        return False
    if "properties" in schema:
        return not part.keys().isdisjoint(schema["properties"])
    # By UUID. One that is misspelt is none, but what it stands for tells.
    return any(isinstance(value, dict) and "allocations" in value for value in part.values())


@cache
def _validator(name: str) -> Any:
    documents = {c.document.name: c.document for c in candidates()}
    return Draft202012Validator(documents[name].schema)


def _part(data: Any, levels: int) -> Any:
    """A bounded part of ``data``, of the same shape."""
    if isinstance(data, str):
        return data[:MAX_TEXT]
    if isinstance(data, dict):
        members = list(data.items())[: MAX_MEMBERS if levels else 0]
        return {key: _part(value, levels - 1) for key, value in members}
    if isinstance(data, list):
        return [_part(value, levels - 1) for value in data[: MAX_MEMBERS if levels else 0]]
    return data
