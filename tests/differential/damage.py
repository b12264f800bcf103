"""Damage: what a request leaves stored that no client can have wanted, seen in the rows themselves.

Sound rules may refuse a request that a bare Placement serves only where this shows the damage.
"""

import json
import math
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from placement_guard.api.operations import OPERATIONS
from tests.differential.answers import Answer
from tests.differential.requests import Request

_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}|[0-9a-fA-F]{32}")
_MAX_INT = 2**31 - 1

ROWS = {(row.method, row.path): row for row in OPERATIONS}
"""The operation table by method and route."""


def repeated_keys(body: bytes | None) -> list[str]:
    """The keys that stand twice in one object; none if the body is not JSON."""
    found: list[str] = []

    def pairs(members: list[tuple[str, Any]]) -> dict[str, Any]:
        names = [name for name, _ in members]
        found.extend(name for name in set(names) if names.count(name) > 1)
        return dict(members)

    try:
        json.loads(body or b"", object_pairs_hook=pairs, parse_int=float)
    except (ValueError, RecursionError):
        return []
    return found


def _strings(row: dict[str, Any]) -> Iterator[str]:
    return (value for key, value in row.items() if key != "table" and isinstance(value, str))


def _nul(row: dict[str, Any]) -> bool:
    return any("\0" in text for text in _strings(row))


def _newline(row: dict[str, Any]) -> bool:
    """Behind an identifier or a name that has a pattern: what ``$`` lets pass."""
    free = {"external_id", "project", "user"}
    if row["table"] == "resource_providers":
        free |= {"name"}
    return any(
        isinstance(value, str) and value.endswith(("\n", "\r"))
        for key, value in row.items()
        if key not in free
    )


_LENGTHS = {
    ("resource_providers", "name"): 200,
    ("resource_providers", "uuid"): 36,
    ("consumers", "uuid"): 36,
    ("placement_aggregates", "uuid"): 36,
}


def _long(row: dict[str, Any]) -> bool:
    """Longer than its column, which SQLite does not mind; names are 255 at most elsewhere."""
    return any(
        isinstance(value, str) and len(value) > _LENGTHS.get((row["table"], key), 255)
        for key, value in row.items()
    )


def _pattern(row: dict[str, Any]) -> bool:
    """A name that breaks the pattern that all such names have."""
    named = row["table"] in ("resource_classes", "traits", "consumer_types")
    return named and not re.fullmatch("[A-Z0-9_]+", row["name"])


def _surrogate(row: dict[str, Any]) -> bool:
    return any("\ud800" <= letter <= "\udfff" for text in _strings(row) for letter in text)


def _identifier(row: dict[str, Any]) -> bool:
    """A provider, a consumer or an aggregate that is no UUID at all, in whatever spelling."""
    names = {
        "resource_providers": ("uuid",),
        "consumers": ("uuid",),
        "placement_aggregates": ("uuid",),
        "allocations": ("consumer",),
    }
    told = [row[name] for name in names.get(row["table"], ())]
    bare = (re.sub(r"^(urn:)?(uuid:)?", "", text).strip("{}") for text in told if text)
    return any(not _UUID.fullmatch(text.replace("-", "")) for text in bare)


def _numbers(row: dict[str, Any]) -> bool:
    if row["table"] not in ("inventories", "allocations"):
        return False
    told = [v for v in row.values() if isinstance(v, int | float)]
    if any(isinstance(v, float) and not math.isfinite(v) for v in told):
        return True
    # Something in a column of integers that is none, or that no column of integers holds.
    names = ("total", "reserved", "min_unit", "max_unit", "step_size", "used")
    values = [row[name] for name in names if name in row]
    return any(not isinstance(v, int) or abs(v) > _MAX_INT for v in values)


def _capacity(row: dict[str, Any]) -> bool:
    """An inventory whose capacity is below zero."""
    if row["table"] != "inventories":
        return False
    try:
        return int((row["total"] - row["reserved"]) * row["allocation_ratio"]) < 0
    except (ValueError, OverflowError, TypeError):
        return False  # told by the numbers


def _ratio(row: dict[str, Any]) -> bool:
    """A ratio below zero: whatever is changed next, the capacity turns negative."""
    return row["table"] == "inventories" and (row["allocation_ratio"] or 0) < 0


def _orphan(row: dict[str, Any]) -> bool:
    return "missing" in row.values()


STORED: dict[str, Callable[[dict[str, Any]], bool]] = {
    "NUL stored": _nul,
    "newline behind a name": _newline,
    "longer than its column": _long,
    "a name against its pattern": _pattern,
    "half a surrogate pair stored": _surrogate,
    "not a UUID": _identifier,
    "not a number for that column": _numbers,
    "negative capacity": _capacity,
    "negative ratio": _ratio,
    "points to nothing": _orphan,
}
"""Damage by its name: whether a stored row shows it."""

REPEATED = "a key twice"
"""Damage that no row can show: a part of what was sent is gone."""


def damage(request: Request, answer: Answer) -> set[str]:
    """The damage that a request did which was served."""
    if not answer.served:
        return set()
    rows = [json.loads(line) for line in answer.added]
    found = {name for name, shows in STORED.items() if any(map(shows, rows))}
    row = ROWS.get((request.method, request.route))
    read = row is not None and row.document((1, request.minor)) is not None
    if read and repeated_keys(request.body):
        found.add(REPEATED)
    return found


DAMAGE: dict[str, Iterable[str]] = {
    "json.duplicate_key": (REPEATED,),
    "json.nul_character": ("NUL stored",),
    "json.not_finite": ("not a number for that column", "negative capacity"),
    "json.lone_surrogate": ("half a surrogate pair stored",),
}
"""By the id of a rule, the damage that justifies it."""


def justified(rule: str, found: set[str]) -> bool:
    """Whether a sound rule had reason to refuse what was served with this damage.

    A rule that is not in ``DAMAGE`` needs damage of any kind that rows show.
    """
    return bool(found.intersection(DAMAGE.get(rule, STORED)))
