"""Valid requests: for each row of the operation table one that Placement serves, in the cloud.

``test_fuzz.py`` holds that nearly all of them are served: a harness whose valid requests fail
compares two refusals and proves nothing about what may pass.
"""

import random
import uuid
from collections.abc import Callable
from typing import Any

from placement_guard.api.operations import OPERATIONS, Operation
from tests.differential import cloud, queries
from tests.differential.cloud import Cloud, fixed

ROWS = [row for row in OPERATIONS if row.path]
"""The rows by which requests are made: each route and method but the empty path."""

Body = dict[str, Any] | list[Any]


class Valid:
    """Makes paths, queries and bodies that fit the cloud. ``rng`` decides which."""

    def __init__(self, world: Cloud, rng: random.Random) -> None:
        self.world, self.rng = world, rng

    # Paths ----------------------------------------------------------------------------------------

    def parameters(self, row: Operation) -> dict[str, str]:
        """What stands in the path, by the name of the placeholder."""
        chosen: dict[str, str] = {}
        if "{uuid}" in row.path:
            chosen["uuid"] = self.provider(row)
        if "{resource_class}" in row.path:
            chosen["uuid"], chosen["resource_class"] = self._inventory_of(row)
        if "{consumer_uuid}" in row.path:
            chosen["consumer_uuid"] = self.consumer()
        if "{name}" in row.path:
            chosen["name"] = self._name(row)
        return chosen

    def provider(self, row: Operation | None = None) -> str:
        if row is not None and row.method == "DELETE" and row.path.endswith(("{uuid}", "ies")):
            return fixed("empty" if self.rng.random() < 0.6 else "node1_numa1")
        if row is not None and row.method == "POST":
            return fixed(self.rng.choice(("empty", "node1_numa0", "full", "node2")))
        return fixed(self.rng.choice(cloud.PROVIDERS))

    def consumer(self) -> str:
        if self.rng.random() < 0.3:
            return str(uuid.UUID(int=self.rng.getrandbits(128), version=4))
        return fixed(self.rng.choice(cloud.CONSUMERS))

    def _inventory_of(self, row: Operation) -> tuple[str, str]:
        """A provider and a class that it has; one that nobody uses, if it is to be deleted."""
        held = [(provider, name) for provider, r in self.world.inventories.items() for name in r]
        if row.method == "DELETE":
            held = [pair for pair in held if pair not in self.world.used]
        return self.rng.choice(held)

    def _name(self, row: Operation) -> str:
        unused = cloud.UNUSED_TRAIT if "traits" in row.path else cloud.UNUSED_CLASS
        known = cloud.TRAITS if "traits" in row.path else cloud.CLASSES
        if row.method == "DELETE":
            return unused
        if row.method == "PUT":
            new = f"CUSTOM_NEW_{self.rng.randrange(100)}"
            return unused if "classes" in row.path or self.rng.random() < 0.3 else new
        return self.rng.choice((unused, *known))

    def query(self, row: Operation, minor: int) -> str:
        return queries.valid(row, minor, self.rng) if row.method == "GET" else ""

    # Bodies ---------------------------------------------------------------------------------------

    def body(self, row: Operation, parameters: dict[str, str], minor: int) -> Body | None:
        """A valid body, or None where none is read at this version."""
        make = _BODIES.get((row.method, row.path))
        if make is None or row.document((1, minor)) is None:
            return None
        return make(self, parameters, minor)

    def _resource_class(self, parameters: dict[str, str], minor: int) -> Body:
        return {"name": f"CUSTOM_NEW_{self.rng.randrange(100)}"}

    def _new_provider(self, parameters: dict[str, str], minor: int) -> Body:
        body: dict[str, Any] = {"name": self.rng.choice(("new node", "nœud-9", "n" * 200, "n.é:1"))}
        if self.rng.random() < 0.8:
            body["uuid"] = str(uuid.UUID(int=self.rng.getrandbits(128), version=4))
        if minor >= 14 and self.rng.random() < 0.6:
            body["parent_provider_uuid"] = self.rng.choice((fixed("node1"), fixed("empty"), None))
        return body

    def _provider(self, parameters: dict[str, str], minor: int) -> Body:
        body: dict[str, Any] = {"name": f"renamed {self.rng.randrange(100)}"}
        if minor >= 14 and parameters["uuid"] == fixed("empty"):
            body["parent_provider_uuid"] = self.rng.choice((fixed("node2"), None))
        elif minor >= 14 and "-numa" in parameters["uuid"]:
            body["parent_provider_uuid"] = fixed("node1")
        return body

    def record(self, least: int = 0) -> dict[str, Any]:
        """One inventory with room for ``least``."""
        total = least + self.rng.choice((1, 2, 64, 4096, 2**31 - 1 - least))
        record: dict[str, Any] = {"total": total}
        if self.rng.random() < 0.5:
            record["reserved"] = self.rng.choice((0, (total - least) // 2))
        if self.rng.random() < 0.4:
            record |= {"min_unit": 1, "max_unit": total, "step_size": 1}
        if self.rng.random() < 0.4:
            record["allocation_ratio"] = self.rng.choice((1.0, 1, 1.5, 16.0, 9.99, 1e3))
        return record

    def _new_inventory(self, parameters: dict[str, str], minor: int) -> Body:
        held = self.world.inventories.get(parameters["uuid"], {})
        free = [name for name in (*cloud.CLASSES, "PGPU") if name not in held]
        return {"resource_class": self.rng.choice(free), **self.record()}

    def _inventories(self, parameters: dict[str, str], minor: int) -> Body:
        provider = parameters["uuid"]
        records = {
            name: self.record(self.world.used.get((provider, name), 0))
            for name in self.world.inventories.get(provider, {})
            if (provider, name) in self.world.used or self.rng.random() < 0.7
        }
        if self.rng.random() < 0.5:
            records[self.rng.choice((*cloud.CLASSES, "PCPU"))] = self.record(8192)
        return self._generation(provider) | {"inventories": records}

    def _inventory(self, parameters: dict[str, str], minor: int) -> Body:
        provider, name = parameters["uuid"], parameters["resource_class"]
        return self._generation(provider) | self.record(self.world.used.get((provider, name), 0))

    def _generation(self, provider: str) -> dict[str, Any]:
        return {"resource_provider_generation": self.world.generation.get(provider, 0)}

    def _aggregates(self, parameters: dict[str, str], minor: int) -> Body:
        racks = [fixed(rack) for rack in (*cloud.AGGREGATES, "rack3")]
        chosen = self.rng.sample(racks, self.rng.randint(0, 3))
        if minor < 19:
            return chosen
        return {"aggregates": chosen} | self._generation(parameters["uuid"])

    def _traits(self, parameters: dict[str, str], minor: int) -> Body:
        chosen = self.rng.sample(cloud.TRAITS, self.rng.randint(0, len(cloud.TRAITS)))
        return {"traits": chosen} | self._generation(parameters["uuid"])

    def _claims(self, count: int) -> dict[str, dict[str, int]]:
        """By provider, what can be claimed now."""
        chosen = self.rng.sample(
            [fixed(name) for name in ("node1", "node1_numa0", "node2", "shared")], count
        )
        claims = {}
        for provider in chosen:
            names = list(self.world.inventories[provider])
            picked = self.rng.sample(names, self.rng.randint(1, len(names)))
            records = self.world.inventories[provider]
            claims[provider] = {name: records[name]["step_size"] for name in picked}
        return claims

    def consumer_body(self, consumer: str, claims: dict[str, Any], minor: int) -> dict[str, Any]:
        """What one consumer is to hold, for the versions from 1.12 on."""
        known = self.world.consumers.get(consumer)
        allocations: dict[str, Any] = {p: {"resources": r} for p, r in claims.items()}
        if allocations and self.rng.random() < 0.2:
            provider = next(iter(allocations))
            allocations[provider]["generation"] = self.world.generation[provider]
        body: dict[str, Any] = {
            "allocations": allocations,
            "project_id": known["project"] if known else "project1",
            "user_id": self.rng.choice(("user1", "user-new")),
        }
        if minor >= 28:
            body["consumer_generation"] = known["generation"] if known else None
        if minor >= 34 and self.rng.random() < 0.5:
            mapped = list(claims) or [fixed("node1")]
            body["mappings"] = {self.rng.choice(("", "1", "_NET1")): mapped}
        if minor >= 38:
            body["consumer_type"] = (known and known["type"]) or "INSTANCE"
        return body

    def _allocations(self, parameters: dict[str, str], minor: int) -> Body:
        consumer = parameters["consumer_uuid"]
        least = 0 if minor >= 28 and consumer in self.world.consumers else 1
        claims = self._claims(self.rng.randint(least, 2))
        if minor >= 12:
            return self.consumer_body(consumer, claims, minor)
        entries = [
            {"resource_provider": {"uuid": provider}, "resources": resources}
            for provider, resources in claims.items()
        ]
        owner = {"project_id": "project1", "user_id": "user1"} if minor >= 8 else {}
        return {"allocations": entries, **owner}

    def _many(self, parameters: dict[str, str], minor: int) -> Body:
        consumers = {self.consumer() for _ in range(self.rng.randint(1, 3))}
        return {
            consumer: self.consumer_body(
                consumer,
                self._claims(self.rng.randint(consumer not in self.world.consumers, 2)),
                minor,
            )
            for consumer in sorted(consumers)
        }

    def _reshape(self, parameters: dict[str, str], minor: int) -> Body:
        """Inventories get other numbers, consumers keep what they hold or let go of it."""
        providers = self.rng.sample(cloud.PROVIDERS, self.rng.randint(1, 3))
        consumers = self.rng.sample(cloud.CONSUMERS[:4], self.rng.randint(0, 2))
        return {
            "inventories": {
                fixed(name): self._inventories({"uuid": fixed(name)}, minor) for name in providers
            },
            "allocations": {
                fixed(name): self.consumer_body(
                    fixed(name),
                    self.world.held[fixed(name)] if self.rng.random() < 0.8 else {},
                    minor,
                )
                for name in consumers
            },
        }


_PROVIDER = "/resource_providers/{uuid}"
_BODIES: dict[tuple[str, str], Callable[[Valid, dict[str, str], int], Body]] = {
    ("POST", "/resource_classes"): Valid._resource_class,
    ("PUT", "/resource_classes/{name}"): Valid._resource_class,
    ("POST", "/resource_providers"): Valid._new_provider,
    ("PUT", _PROVIDER): Valid._provider,
    ("POST", _PROVIDER + "/inventories"): Valid._new_inventory,
    ("PUT", _PROVIDER + "/inventories"): Valid._inventories,
    ("PUT", _PROVIDER + "/inventories/{resource_class}"): Valid._inventory,
    ("PUT", _PROVIDER + "/aggregates"): Valid._aggregates,
    ("PUT", _PROVIDER + "/traits"): Valid._traits,
    ("POST", "/allocations"): Valid._many,
    ("PUT", "/allocations/{consumer_uuid}"): Valid._allocations,
    ("POST", "/reshaper"): Valid._reshape,
}
