"""The bodies that are measured: the same bytes in every run and on every machine."""

import json
from collections.abc import Iterator
from itertools import islice
from random import Random
from typing import Any, NamedTuple
from uuid import UUID

from placement_guard.api import documents
from placement_guard.api.documents import Document

CLASSES = ("VCPU", "MEMORY_MB", "DISK_GB")

RESHAPES = {"b": (4, 5), "c": (71, 99), "d": (720, 990), "e": (7200, 9900)}
"""How many providers and consumers: 3.7 kB, 70 kB, 705 kB, 7 MB."""


LARGEST = (10_650, 14_640)
"""The same of nearly 10 MiB."""

MANY_WRONG = 20_000
"""How many amounts are wrong where many are, if there are so many."""


class Body(NamedTuple):
    """One body: the path and method of its request, its document, its bytes."""

    method: str
    path: str
    document: Document
    raw: bytes


def bodies() -> dict[str, Body]:
    """a: an inventory of three classes; b to e: reshapes at microversion 1.38."""
    random = Random(1)  # the same bytes every time are what is wanted
    path = f"/resource_providers/{_uuid(random)}/inventories"
    found = {"a": Body("PUT", path, documents.INVENTORIES, _encode(inventories(random, 3)))}
    for name, (providers, consumers) in RESHAPES.items():
        found[name] = _reshape_body(random, providers, consumers)
    return found


def largest() -> Body:
    """A reshape of nearly 10 MiB: about the largest body that the guard takes by default."""
    return _reshape_body(Random(2), *LARGEST)


def reshape_of_many(providers: int) -> bytes:
    """A reshape of so many providers, with as many consumers."""
    return _encode(_reshape(Random(3), providers, providers))


def inventories(random: Random, generation: int) -> dict[str, Any]:
    """The inventories of one provider, at a generation."""
    records = {name: _record(random) for name in CLASSES}
    return {"resource_provider_generation": generation, "inventories": records}


def _record(random: Random) -> dict[str, Any]:
    return {
        "total": random.randint(1, 4000),
        "reserved": 0,
        "min_unit": 1,
        "max_unit": random.randint(1, 400),
        "step_size": 1,
        "allocation_ratio": random.choice((1.0, 1.5, 16.0)),
    }


def _reshape(random: Random, providers: int, consumers: int) -> dict[str, Any]:
    some = uuids(random, providers)
    return {
        "inventories": {uuid: inventories(random, 3) for uuid in some},
        "allocations": {uuid: _consumer(random, some) for uuid in uuids(random, consumers)},
    }


def reshape_of(random: Random, providers: list[str], held: int = 1) -> dict[str, Any]:
    """A reshape of these providers, with so many consumers on each; all of it new."""
    many = {uuid: inventories(random, 0) for uuid in providers}
    for record in many.values():
        for of_class in record["inventories"].values():
            of_class |= {"total": 4000, "max_unit": 4000}
    consumers = [allocations(random, [uuid], None) for uuid in providers for _ in range(held)]
    return {
        "inventories": many,
        "allocations": dict(zip(uuids(random, len(consumers)), consumers, strict=True)),
    }


def allocations(random: Random, providers: list[str], generation: int | None) -> dict[str, Any]:
    """What one consumer holds of three classes, at a generation."""
    resources = dict(zip(CLASSES, (2, 1024, 20), strict=True))
    return {
        "allocations": {uuid: {"resources": resources} for uuid in providers},
        "project_id": _uuid(random),
        "user_id": _uuid(random),
        "consumer_generation": generation,
        "consumer_type": "INSTANCE",
    }


def spoiled(body: Body) -> dict[str, Body]:
    """The same reshape with something wrong in it, by what it is."""
    found = {}
    for name, spoil in _SPOILING.items():
        data = json.loads(body.raw)
        spoil(data)
        found[name] = body._replace(raw=_encode(data))
    return found


def _unknown_key(data: Any) -> None:
    data["unknown"] = 1


def _last_amount(data: Any) -> None:
    *_, (resources, name) = _amounts(data)
    resources[name] = 0


def _many_amounts(data: Any) -> None:
    for resources, name in islice(_amounts(data), MANY_WRONG):
        resources[name] = 0


_SPOILING = {
    "a key at the root": _unknown_key,
    "the last consumer": _last_amount,
    "20,000 amounts": _many_amounts,
}


def _amounts(data: Any) -> Iterator[tuple[dict[str, int], str]]:
    """Every amount that a reshape allocates: what holds it, and its resource class."""
    for consumer in data["allocations"].values():
        for allocation in consumer["allocations"].values():
            for name in allocation["resources"]:
                yield allocation["resources"], name


def _reshape_body(random: Random, providers: int, consumers: int) -> Body:
    raw = _encode(_reshape(random, providers, consumers))
    return Body("POST", "/reshaper", documents.RESHAPE_1_38, raw)


def _consumer(random: Random, providers: list[str]) -> dict[str, Any]:
    resources = {"VCPU": 2, "MEMORY_MB": 1024}
    return {
        "allocations": {uuid: {"resources": resources} for uuid in random.sample(providers, 2)},
        "project_id": _uuid(random),
        "user_id": _uuid(random),
        "consumer_generation": 1,
        "consumer_type": "INSTANCE",
    }


def uuids(random: Random, count: int) -> list[str]:
    """New UUIDs."""
    return [_uuid(random) for _ in range(count)]


def _uuid(random: Random) -> str:
    return str(UUID(int=random.getrandbits(128), version=4))


def _encode(data: Any) -> bytes:
    return json.dumps(data).encode()
