"""Changes to the value of a body: each class of damage has its own, and chance picks where."""

import copy
import random
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from tests.differential.strange import KEYS, NAMES, NUMBERS, TEXTS, VALUES, Raw, uuids

Place = tuple[Any, Any]
"""A container and the key or index in it."""

_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


def changed(body: Any, rng: random.Random) -> tuple[Any, str]:
    """The body with one to three parts changed, and what was done."""
    holder = [copy.deepcopy(body)]
    done = []
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        for _ in range(20):  # not every change finds a place in every body
            change = rng.choice(_CHANGES)
            if change(holder, rng):
                done.append(change.__name__.strip("_"))
                break
    return holder[0], "+".join(done)


def _places(value: Any) -> Iterator[Place]:
    """Every place inside a value, from the outside in."""
    for key in list(value) if isinstance(value, dict) else range(len(value)):
        yield value, key
        if isinstance(value[key], dict | list):
            yield from _places(value[key])


def _one(rng: random.Random, options: Sequence[Any]) -> Any:
    """One of the options, as a copy: what is changed next must not change the options."""
    return copy.deepcopy(rng.choice(options))


def _any(
    holder: list[Any], rng: random.Random, wanted: Callable[[Any, Any], bool]
) -> tuple[Any, Any] | None:
    found = [place for place in _places(holder) if wanted(place[1], place[0][place[1]])]
    return rng.choice(found) if found else None


def _records(holder: list[Any]) -> list[dict[str, Any]]:
    return [c[k] for c, k in _places(holder) if isinstance(c[k], dict) and "total" in c[k]]


def _rename(container: dict[str, Any], old: str, new: str) -> None:
    """Give a member another key, in its place."""
    items = [(new if key == old else key, member) for key, member in container.items()]
    container.clear()
    container.update(items)


# Each returns whether it found a place to change.


def _escaping_class(holder: list[Any], rng: random.Random) -> bool:
    """A resource class whose name escapes the schema, with a value of any type."""
    place = _any(holder, rng, lambda key, value: key == "inventories" and isinstance(value, dict))
    if place is None:
        return False
    records, name = place[0][place[1]], rng.choice(NAMES)
    if records and rng.random() < 0.5:
        old = rng.choice(list(records))
        _rename(records, old, name)
    if name not in records or rng.random() < 0.7:
        records[name] = _one(rng, (*VALUES, {"total": rng.choice(NUMBERS)}, {"total": 1}))
    return True


def _odd_class(holder: list[Any], rng: random.Random) -> bool:
    place = _any(holder, rng, lambda key, value: key == "resources" and isinstance(value, dict))
    if place is None:
        return False
    resources, name = place[0][place[1]], rng.choice(NAMES)
    if resources:
        _rename(resources, rng.choice(list(resources)), name)
    if rng.random() < 0.3:
        resources[name] = _one(rng, VALUES)
    return True


def _number(holder: list[Any], rng: random.Random) -> bool:
    place = _any(holder, rng, lambda _, value: type(value) in (int, float))
    if place is None:
        return False
    value = place[0][place[1]]
    as_float = Raw(f"{value}.0") if isinstance(value, int) else value
    place[0][place[1]] = rng.choice((*NUMBERS, as_float, as_float, as_float, str(value)))
    return True


def _ratio(holder: list[Any], rng: random.Random) -> bool:
    records = _records(holder)
    if not records:
        return False
    odd = (0, 0.0, -1, -1.5, -1e-9, 5e-324, 1e-320, 1e-7, 1e30, 3.40282e38, 3.5e38, 1e308, 2**63)
    odd += tuple(map(Raw, ("NaN", "-Infinity", "Infinity", "1e400", "-1e400", "-0.0", "-3.5e38")))
    rng.choice(records)["allocation_ratio"] = rng.choice(odd)
    return True


def _units(holder: list[Any], rng: random.Random) -> bool:
    """An inventory that makes no sense, or less than it did."""
    records = _records(holder)
    if not records:
        return False
    record = rng.choice(records)
    total = record["total"] if isinstance(record["total"], int) else 1
    # Python writes what is too long to be written only if it is not a number any more.
    total = min(max(total, -(2**70)), 2**70)
    record |= rng.choice(
        (
            {"reserved": total + 1},
            {"reserved": total},
            {"reserved": 2**31 - 1},
            {"reserved": total + 1, "allocation_ratio": 0.0},
            {"reserved": total + 1, "allocation_ratio": 1e-9},
            {"min_unit": 5, "max_unit": 2},
            {"step_size": total + 1},
            {"total": 1},
            {"min_unit": total + 1},
            {"max_unit": total + 1},
        )
    )
    return True


def _uuid(holder: list[Any], rng: random.Random) -> bool:
    """An identifier in another spelling: as a value, or as a key."""

    def wanted(key: Any, value: Any) -> bool:
        return any(isinstance(part, str) and _UUID.fullmatch(part) for part in (key, value))

    place = _any(holder, rng, wanted)
    if place is None:
        return False
    container, key = place
    if isinstance(key, str) and _UUID.fullmatch(key):
        _rename(container, key, rng.choice(uuids(key)))
    else:
        container[key] = rng.choice(uuids(container[key]))
    return True


def _text(holder: list[Any], rng: random.Random) -> bool:
    place = _any(holder, rng, lambda _, value: isinstance(value, str))
    if place is None:
        return False
    value = place[0][place[1]]
    spoilt = (
        value + "\n",
        value + "\0",
        value + "\ud800",
        value.lower(),
        value + " ",
        "\0" + value,
    )
    place[0][place[1]] = rng.choice((*TEXTS, *spoilt, *spoilt))
    return True


def _stranger(holder: list[Any], rng: random.Random) -> bool:
    """A reference to what is not there, or a generation that is not the one."""
    place = _any(holder, rng, lambda key, _: isinstance(key, str) and "generation" in key)
    if place is None:
        return False
    place[0][place[1]] = rng.choice((99, 0, 1, None, -1, *NUMBERS))
    return True


def _empty(holder: list[Any], rng: random.Random) -> bool:
    place = _any(holder, rng, lambda _, value: isinstance(value, dict | list))
    if place is None:
        return False
    place[0][place[1]] = rng.choice(({}, [], None))
    return True


def _value(holder: list[Any], rng: random.Random) -> bool:
    container, key = _any(holder, rng, lambda *_: True) or (holder, 0)
    container[key] = _one(rng, VALUES)
    return True


def _key(holder: list[Any], rng: random.Random) -> bool:
    """A key too many, a key missing, or one renamed."""
    place = _any(holder, rng, lambda _, value: isinstance(value, dict))
    if place is None:
        return False
    members, choice = place[0][place[1]], rng.random()
    if choice < 0.4 or not members:
        members[rng.choice((*KEYS, *NAMES))] = _one(
            rng, (*VALUES, 1, 1, {"resources": {"VCPU": 1}})
        )
    elif choice < 0.7:
        del members[rng.choice(list(members))]
    else:
        _rename(members, rng.choice(list(members)), rng.choice((*KEYS, *NAMES)))
    return True


def _mapping(holder: list[Any], rng: random.Random) -> bool:
    place = _any(holder, rng, lambda key, value: key == "mappings" and isinstance(value, dict))
    if place is None:
        return False
    place[0][place[1]][rng.choice((*NAMES, *KEYS, "a\n", "x" * 65))] = rng.choice(
        ([], None, ["x"], [uuids()[0]], [uuids()[1]], [uuids()[5]], "a", [1])
    )
    return True


def _element(holder: list[Any], rng: random.Random) -> bool:
    place = _any(holder, rng, lambda _, value: isinstance(value, list) and bool(value))
    if place is None:
        return False
    members = place[0][place[1]]
    again = rng.choice(members)
    members.insert(rng.randint(0, len(members)), _one(rng, (again, *TEXTS, *VALUES)))
    return True


_CHANGES = (
    *(_escaping_class, _escaping_class, _odd_class, _number, _number, _ratio, _units, _units),
    *(_uuid, _uuid, _text, _text, _stranger, _empty, _value, _key, _mapping, _element),
)
