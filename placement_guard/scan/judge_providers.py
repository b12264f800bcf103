"""Decides what is wrong with providers, and with what they have: data in, findings out.

The capacity of an inventory is ``int((total - reserved) * allocation_ratio)``
(``placement.objects.inventory``, openstack-placement 16).
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from oslo_utils.uuidutils import is_uuid_like

from placement_guard.scan.findings import Finding
from placement_guard.scan.names import judge_name
from placement_guard.scan.views import Provider, View, add

_COLUMNS: Final = ("total", "reserved", "min_unit", "max_unit", "step_size", "allocation_ratio")

_MOST: Final = 1e100
"""More than any column holds, and still finite when two of it are multiplied."""


# Providers -------------------------------------------------------------------------------------


def judge_provider(provider: Provider, known: Mapping[str, Provider]) -> Iterator[Finding]:
    """Its id, its name, and its place in its tree, among all that are ``known``."""
    where: dict[str, Any] = {"provider": provider.uuid, "provider_name": provider.name}
    if not is_uuid_like(provider.uuid):
        yield Finding("provider.not_uuid", f"its id is {provider.uuid}", **where)
    yield from judge_name("provider", provider.name, free=True, **where)
    wrong = _wrong_in_tree(provider, known)
    if wrong:
        parent, root = provider.parent_provider_uuid, provider.root_provider_uuid
        values = {"parent": parent, "root": root}
        yield Finding("provider.broken_tree", wrong, values=values, **where)


def _wrong_in_tree(provider: Provider, known: Mapping[str, Provider]) -> str:
    parent, root = provider.parent_provider_uuid, provider.root_provider_uuid
    if parent is None:
        # A parent that is not stored any more reads as none; the root remembers.
        if root != provider.uuid:
            return f"it has no parent, but its root is {root}"
        return ""
    if parent not in known:
        return f"its parent is missing: {parent}"
    if known[parent].root_provider_uuid != root:
        return f"its root is {root}, that of its parent {known[parent].root_provider_uuid}"
    seen = {provider.uuid}
    while parent is not None and parent in known:
        if parent == provider.uuid:
            return "it is among its own ancestors"
        if parent in seen:  # a circle further up, which is told of those that are in it
            break
        seen.add(parent)
        parent = known[parent].parent_provider_uuid
    return ""


# What a provider has and who holds it ----------------------------------------------------------


def judge_view(provider: Provider, view: View) -> Iterator[Finding]:
    """The inventories, the usages and the allocations of one provider, as far as asked."""

    def found(kind: str, what: str, /, **more: Any) -> Finding:
        return Finding(kind, what, provider=provider.uuid, provider_name=provider.name, **more)

    for name, record in (view.inventories or {}).items():
        yield from _of_inventory(name, record, found)
    if view.inventories is not None and view.usages is not None:
        yield from _overfull(view.inventories, view.usages, found)
    if view.allocations is None:
        return
    yield from _of_allocations(view.allocations, found)
    held = _sums(view.allocations)
    if view.inventories is not None:
        for name in held.keys() - view.inventories.keys():
            what = f"{held[name]} of {name} are held, and there is no inventory of it"
            yield found(
                "allocation.no_inventory", what, resource_class=name, values={"held": held[name]}
            )
    for name, used in (view.usages or {}).items():
        if used > held.get(name, 0):
            values = {"usage": used, "held": held.get(name, 0)}
            what = f"{used} of {name} are in use, of which consumers hold {values['held']}"
            yield found("allocation.no_consumer", what, resource_class=name, values=values)


_Found = Callable[..., Finding]


def _of_inventory(name: str, record: Mapping[str, Any], found: _Found) -> Iterator[Finding]:
    values: dict[str, Any] = {column: record.get(column) for column in _COLUMNS}
    told = {"resource_class": name, "values": values}
    strange = [column for column, value in values.items() if not _is_number(value)]
    if strange:
        shown = ", ".join(f"{column} is {values[column]}" for column in strange)
        yield found("inventory.not_finite", f"{name}: {shown}", **told)
        return
    total, reserved, ratio = values["total"], values["reserved"], values["allocation_ratio"]
    if ratio < 0:
        yield found("inventory.negative_ratio", f"{name}: allocation_ratio is {ratio}", **told)
    elif reserved > total:
        negative = capacity(record) < 0
        kind = "negative_capacity" if negative else "reserved_above_total"
        what = f"{name}: {reserved} reserved of {total}, capacity {capacity(record)}"
        yield found(f"inventory.{kind}", what, **told)
    elif ratio == 0:
        yield found("inventory.zero_ratio", f"{name}: none of {total} can be used", **told)
    if values["min_unit"] > values["max_unit"]:
        what = f"{name}: min_unit {values['min_unit']} is above max_unit {values['max_unit']}"
        yield found("inventory.min_above_max", what, **told)
    if values["step_size"] > max(total, total * ratio):
        what = f"{name}: step_size {values['step_size']} is above total {total}"
        yield found("inventory.step_above_total", what, **told)


def capacity(record: Mapping[str, Any]) -> int:
    """As Placement computes it. Raises OverflowError or ValueError where it is not finite."""
    return int((record["total"] - record["reserved"]) * record["allocation_ratio"])


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and abs(value) <= _MOST


def _overfull(
    inventories: Mapping[str, Mapping[str, Any]], usages: Mapping[str, Any], found: _Found
) -> Iterator[Finding]:
    for name, used in usages.items():
        record = inventories.get(name)
        if record is None or not all(_is_number(record.get(column)) for column in _COLUMNS):
            continue
        room = capacity(record)
        if used <= max(room, 0):
            continue
        # nova closes an Ironic node for new claims while an instance is on it: reserved == total
        # (nova.virt.ironic.driver). What is in use there was claimed before, within the total.
        closed = record["reserved"] == record["total"]
        if closed and used <= record["total"] * record["allocation_ratio"]:
            continue
        values = {"usage": used, "capacity": room, **{c: record[c] for c in _COLUMNS}}
        what = (
            f"{used} of {name} are in use, {room} is the capacity (total {record['total']}, "
            f"reserved {record['reserved']}, allocation_ratio {record['allocation_ratio']})"
        )
        yield found("usage.above_capacity", what, resource_class=name, values=values)


def _of_allocations(
    allocations: Mapping[str, Mapping[str, Any]], found: _Found
) -> Iterator[Finding]:
    for consumer, amounts in allocations.items():
        if not is_uuid_like(consumer):
            what = f"the consumer is {consumer}"
            yield found("consumer.not_uuid", what, consumer=consumer)
        for name, amount in amounts.items():
            if not _is_number(amount) or amount <= 0:
                yield found(
                    "allocation.not_positive",
                    f"consumer {consumer} holds {amount} of {name}",
                    resource_class=name,
                    consumer=consumer,
                    values={"held": amount},
                )


def _sums(allocations: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    held: dict[str, Any] = {}
    for amounts in allocations.values():
        add(amounts, held)
    return held


def judge_failure(what: str, of: Any) -> Finding:
    """A read on which Placement fails, each time, while it answers others; ``of`` what."""
    if isinstance(of, Provider):
        return Finding("read.fails", what, provider=of.uuid, provider_name=of.name)
    return Finding("read.fails", what)
