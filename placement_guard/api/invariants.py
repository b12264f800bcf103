"""What a schema cannot say of an inventory, or of a reshape.

The capacity of an inventory is ``int((total - reserved) * allocation_ratio)``. Placement refuses a
negative one (below 1.26 also zero) where one provider's inventory is written, but not in a reshape.
Source: ``placement.handlers.inventory``, openstack-placement 16.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from placement_guard.api import documents
from placement_guard.api.documents import Document
from placement_guard.api.finding import Finding, bounded
from placement_guard.api.jsonpath import Path
from placement_guard.api.schemas import MAX_INT

Record = Mapping[str, Any]

# What stands for a key that escapes the schema may be anything, and a ratio may be no number: other
# rules are there for that.
_NO_RECORD: Final = (TypeError, AttributeError, KeyError, ValueError)

RESERVED_CAN_BE_TOTAL: Final = (1, 26)
"""The first microversion at which a capacity of zero may be written."""


def invariants(document: Document, data: Any, version: tuple[int, int]) -> list[Finding]:
    """What is wrong with the inventories of a body; empty for documents without.

    Of a reshape at most MAX_FINDINGS by each rule.
    """
    kind = document.name.partition(" 1.")[0]
    if kind == documents.RESHAPE.name:
        return bounded(_of_reshape(data))
    if kind == documents.INVENTORIES.name:
        at: Path = ("inventories",)
        return _of_provider([((*at, k), r) for k, r in data["inventories"].items()], version)
    if kind in {documents.INVENTORY.name, documents.NEW_INVENTORY.name}:
        return _of_provider([((), data)], version)
    return []


def _of_provider(records: list[tuple[Path, Record]], version: tuple[int, int]) -> list[Finding]:
    """One provider's inventory. What Placement itself refuses is left to it, and to its order."""
    least = 0 if version >= RESERVED_CAN_BE_TOTAL else 1
    found: list[Finding] = []
    for at, record in records:
        try:
            if _capacity(record) < least:
                return []
        except OverflowError:
            what = "the capacity is not finite"
            return [Finding("inventory.capacity_overflow", what, (*at, "allocation_ratio"))]
        except _NO_RECORD:
            continue
        found += _of_record(at, record)
    return found


def _of_reshape(data: Any) -> Iterator[Finding]:
    for provider, inventories in data["inventories"].items():
        for name, record in inventories["inventories"].items():
            capacity = _capacity_or_none(record)
            if capacity is None:
                continue
            at: Path = ("inventories", provider, "inventories", name)
            if capacity < 0 <= record.get("allocation_ratio", 1.0):
                what = "reserved is above total: the capacity is negative"
                yield Finding("inventory.negative_capacity", what, at)
            yield from _of_record(at, record)
    yield from _overfull(data["allocations"], data["inventories"])


def _of_record(at: Path, record: Record) -> list[Finding]:
    found = []
    try:
        ratio, total = record.get("allocation_ratio", 1.0), record["total"]
        if ratio < 0:
            found.append(Finding("inventory.negative_ratio", "negative", (*at, "allocation_ratio")))
        elif ratio == 0:
            what = "nothing can be used"
            found.append(Finding("inventory.zero_ratio", what, (*at, "allocation_ratio")))
        if record.get("min_unit", 1) > record.get("max_unit", MAX_INT):
            what = "above max_unit: no amount can be claimed"
            found.append(Finding("inventory.min_above_max", what, (*at, "min_unit")))
        if record.get("step_size", 1) > max(total, total * ratio):
            what = "above total: no amount can be claimed"
            found.append(Finding("inventory.step_above_total", what, (*at, "step_size")))
    except _NO_RECORD:
        return []
    return found


def _overfull(allocations: Any, inventories: Any) -> Iterator[Finding]:
    """Allocations of a reshape that exceed the inventory of the same reshape.

    Legitimate as long as the usage gets no worse: Placement decides.
    """
    used: dict[tuple[str, str], int] = {}
    for held in allocations.values():
        for provider, allocation in held["allocations"].items():
            for name, amount in allocation["resources"].items():
                used[provider, name] = used.get((provider, name), 0) + amount
    for (provider, name), amount in used.items():
        if provider not in inventories:
            continue
        capacity = _capacity_or_none(inventories[provider]["inventories"].get(name))
        if capacity is not None and amount > capacity:
            at: Path = ("inventories", provider, "inventories", name)
            yield Finding("reshape.exceeds_inventory", f"{amount} used of {capacity}", at)


def _capacity_or_none(record: Any) -> int | None:
    """None of what is no record; a negative one where it is not finite."""
    try:
        return _capacity(record)
    except OverflowError:
        return -1
    except _NO_RECORD:
        return None


def _capacity(record: Record) -> int:
    """As Placement computes it; OverflowError where it is not finite."""
    return int((record["total"] - record.get("reserved", 0)) * record.get("allocation_ratio", 1.0))
