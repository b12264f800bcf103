"""The small cloud that every request meets: made through the API, the same on both sides.

It holds one of each: a tree, a sharing provider, aggregates, custom classes and traits, a provider
that is full, one that is bare, consumers new and old. Identifiers are fixed, so that a saved request
means the same on every day.
"""

import json
import uuid
from collections.abc import Iterator
from typing import Any

from tests.differential.requests import Request

_NAMESPACE = uuid.UUID("5d4d7ff3-5ac1-4b62-9d1f-2a3b4c5d6e7f")


def fixed(name: str) -> str:
    """The identifier of what has this name."""
    return str(uuid.uuid5(_NAMESPACE, name))


TREE = ("node1", "node1_numa0", "node1_numa1")
PROVIDERS = (*TREE, "node2", "shared", "full", "empty")
CONSUMERS = ("instance1", "instance2", "instance3", "migration1", "old")
AGGREGATES = ("rack1", "rack2")
PROJECTS, USERS = ("project1", "project2"), ("user1",)
CLASSES = ("VCPU", "MEMORY_MB", "DISK_GB", "CUSTOM_GPU")
UNUSED_CLASS, UNUSED_TRAIT = "CUSTOM_UNUSED", "CUSTOM_UNUSED_TRAIT"
TRAITS = ("HW_CPU_X86_AVX2", "STORAGE_DISK_SSD", "MISC_SHARES_VIA_AGGREGATE", "CUSTOM_FAST")

_INVENTORIES = {
    "node1": {
        "VCPU": {"total": 16, "allocation_ratio": 4.0, "max_unit": 16},
        "MEMORY_MB": {"total": 65536, "reserved": 512, "step_size": 1, "allocation_ratio": 1.5},
        "DISK_GB": {"total": 500, "min_unit": 1, "max_unit": 400},
    },
    "node1_numa0": {"CUSTOM_GPU": {"total": 4, "max_unit": 2}},
    "node1_numa1": {"VCPU": {"total": 8}, "CUSTOM_GPU": {"total": 4, "reserved": 4}},
    "node2": {"VCPU": {"total": 16}, "MEMORY_MB": {"total": 32768}},
    "shared": {"DISK_GB": {"total": 10000, "step_size": 10}},
    "full": {"VCPU": {"total": 2}},
}
_TRAITS = {
    "node1": ["HW_CPU_X86_AVX2", "CUSTOM_FAST"],
    "node2": ["STORAGE_DISK_SSD"],
    "shared": ["MISC_SHARES_VIA_AGGREGATE"],
}
_AGGREGATES = {"node1": ["rack1"], "node2": ["rack1", "rack2"], "shared": ["rack1"]}
_HELD = {
    "instance1": ("INSTANCE", {"node1": {"VCPU": 2, "MEMORY_MB": 1024}, "shared": {"DISK_GB": 20}}),
    "instance2": ("INSTANCE", {"node1": {"VCPU": 4}, "node1_numa0": {"CUSTOM_GPU": 1}}),
    "instance3": ("INSTANCE", {"full": {"VCPU": 2}}),
    "migration1": ("MIGRATION", {"node2": {"VCPU": 2, "MEMORY_MB": 1024}}),
}


def steps() -> Iterator[Request]:
    """The requests that make it, in order; each is served."""
    generations = dict.fromkeys(PROVIDERS, 0)
    for name in ("CUSTOM_GPU", UNUSED_CLASS):
        yield Request(method="PUT", path=f"/resource_classes/{name}")
    for name in ("CUSTOM_FAST", UNUSED_TRAIT):
        yield Request(method="PUT", path=f"/traits/{name}")
    for name in PROVIDERS:
        parent = fixed("node1") if "_" in name else None
        yield _json(
            "POST",
            "/resource_providers",
            {"name": name, "uuid": fixed(name), "parent_provider_uuid": parent},
        )

    def put(name: str, what: str, body: dict[str, Any]) -> Request:
        generation = generations[name]
        generations[name] += 1
        path = f"/resource_providers/{fixed(name)}/{what}"
        return _json("PUT", path, {"resource_provider_generation": generation, **body})

    for name, records in _INVENTORIES.items():
        yield put(name, "inventories", {"inventories": records})
    for name, traits in _TRAITS.items():
        yield put(name, "traits", {"traits": traits})
    for name, racks in _AGGREGATES.items():
        yield put(name, "aggregates", {"aggregates": [fixed(rack) for rack in racks]})
    for name, (kind, held) in _HELD.items():
        allocations = {fixed(provider): {"resources": r} for provider, r in held.items()}
        consumer = {
            "allocations": allocations,
            "project_id": PROJECTS[name == "instance2"],
            "user_id": USERS[0],
            "consumer_generation": None,
            "consumer_type": kind,
        }
        yield _json("PUT", f"/allocations/{fixed(name)}", consumer)
    entry = {"resource_provider": {"uuid": fixed("node2")}, "resources": {"VCPU": 1}}
    yield _json("PUT", f"/allocations/{fixed('old')}", {"allocations": [entry]}, minor=0)


def _json(method: str, path: str, body: Any, minor: int = 39) -> Request:
    return Request(method=method, path=path, body=json.dumps(body).encode(), minor=minor)


class Cloud:
    """What is stored before each request, as the generator asks for it; made of canonical rows."""

    def __init__(self, rows: list[str]) -> None:
        self.inventories: dict[str, dict[str, dict[str, Any]]] = {}
        self.generation: dict[str, int] = {}
        self.consumers: dict[str, dict[str, Any]] = {}
        self.held: dict[str, dict[str, dict[str, int]]] = {}
        self.used: dict[tuple[str, str], int] = {}
        # Sorted: the stream of requests must not hang on the order in which a database reads.
        for row in map(json.loads, sorted(rows)):
            self._add(row.pop("table"), row)

    def _add(self, table: str, row: dict[str, Any]) -> None:
        if table == "resource_providers":
            self.generation[row["uuid"]] = row["generation"]
        elif table == "inventories":
            records = self.inventories.setdefault(row.pop("provider"), {})
            records[row.pop("class")] = row
        elif table == "consumers":
            self.consumers[row["uuid"]] = row
        elif table == "allocations":
            provider, name = row["provider"], row["class"]
            self.held.setdefault(row["consumer"], {}).setdefault(provider, {})[name] = row["used"]
            self.used[provider, name] = self.used.get((provider, name), 0) + row["used"]
