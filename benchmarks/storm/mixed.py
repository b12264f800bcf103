"""Everything at once: what nova and its operators do to the same few providers and consumers."""

from collections.abc import Callable
from multiprocessing.connection import Connection
from random import Random
from typing import Any

import msgspec
from msgspec import Struct

from benchmarks.storm.application import App
from benchmarks.storm.calls import Answer, call
from benchmarks.storm.claims import uuid
from benchmarks.storm.journal import Done, Journal
from benchmarks.storm.operations import (
    ANY,
    GENERATIONS,
    MARK,
    OLD,
    PLENTY,
    TYPES,
    VCPU,
    Create,
    Delete,
    Operation,
    Part,
    Read,
    Remove,
    Resize,
    Seen,
    Write,
    seen,
)
from benchmarks.storm.workers import Crew

MARKS = 100_000
"""How many marks a worker has for itself."""


class World(Struct):
    """What there is. A consumer has a migration, at the same place in the other list.

    fixed
        Providers whose inventories stay as they are.
    resized
        Providers whose inventories grow and shrink.
    passing
        Providers that are deleted and made again.
    """

    fixed: list[str]
    resized: list[str]
    passing: list[str]
    instances: list[str]
    migrations: list[str]
    room: int

    @property
    def providers(self) -> list[str]:
        return [*self.fixed, *self.resized, *self.passing]


class Mixture(Struct):
    """The task of one worker: ``steps`` things to do, drawn by ``seed``."""

    world: World
    steps: int
    seed: int
    mark: int

    def __call__(self, app: App, journal: Journal, _: Connection) -> None:
        _Client(self, app, journal).go()

    def rest(self, begun: list[Done]) -> "Mixture":
        """As much as is left, drawn anew: what the other had in mind is not known."""
        left = round(self.steps * max(0.0, 1 - len(begun) / (self.steps * STEP)))
        return Mixture(self.world, left, self.seed + 1_000_003, self.mark + MARKS // 10)


STEP = 2
"""How many requests a step makes, about: first it is read what there is."""


class Melee(Struct):
    """How many do how much of it."""

    workers: int = 8
    steps: int = 30
    fixed: int = 4
    resized: int = 2
    passing: int = 2
    consumers: int = 12
    room: int = 8

    @property
    def length(self) -> int:
        """How many requests it makes in all, about."""
        return self.workers * self.steps * STEP

    def prepare(self, crew: Crew, random: Random) -> World:
        """Make the providers of a round."""
        crew.ask("PUT", f"/resource_classes/{MARK}")
        numbers = (self.fixed, self.resized, self.passing, self.consumers, self.consumers)
        world = World(*([uuid(random) for _ in range(n)] for n in numbers), room=self.room)
        for provider in world.providers:
            crew.ask("POST", "/resource_providers", {"name": provider, "uuid": provider})
            path = f"/resource_providers/{provider}/inventories"
            inventories = {VCPU: {"total": self.room}, MARK: {"total": PLENTY}}
            body = {"resource_provider_generation": 0, "inventories": inventories}
            crew.ask("PUT", path, body)
        return world

    def tasks(self, world: World, random: Random, *, persistent: bool) -> list[Mixture]:
        """One for each worker. Nobody is persistent here: what a client saw may be out of date."""
        del persistent
        return [
            Mixture(world, self.steps, random.getrandbits(32), 1 + worker * MARKS)
            for worker in range(self.workers)
        ]


class _Client:
    def __init__(self, task: Mixture, app: App, journal: Journal) -> None:
        self._world, self._steps, self._mark = task.world, task.steps, task.mark
        self._random = Random(task.seed)
        self._app, self._journal = app, journal

    def go(self) -> None:
        for _ in range(self._steps):
            drawn = self._random.random()
            if drawn < 0.08:
                self._resize()
            elif drawn < 0.14:
                self._make_anew()
            else:
                self._use()

    def _do(self, operation: Operation, keep: Callable[[Answer], Any] = lambda _: None) -> Answer:
        return self._journal.record(operation, lambda: operation.send(self._app), keep=keep)

    def _look(self, consumer: str) -> Seen | None:
        def keep(answer: Answer) -> Any:
            found = seen(answer)
            return None if found is None else msgspec.to_builtins(found)

        return seen(self._do(Read(consumer), keep))

    def _resize(self) -> None:
        """Often to less than is in use."""
        provider = self._random.choice(self._world.resized)
        shown = call(self._app, "GET", f"/resource_providers/{provider}")
        if shown.status == 200:
            total = self._random.randint(1, 2 * self._world.room)
            self._do(Resize(provider, total, shown.document["generation"]))

    def _make_anew(self) -> None:
        """Delete a provider, and make it again; both are refused to one who comes too late."""
        provider = self._random.choice(self._world.passing)
        self._do(Remove(provider))
        if self._do(Create(provider)).status == 200:
            self._do(Resize(provider, self._world.room, 0))

    def _use(self) -> None:
        """Claim for a consumer, or change what it has, or release it."""
        world, random = self._world, self._random
        at = random.randrange(len(world.instances))
        instance, migration = world.instances[at], world.migrations[at]
        if random.random() < 0.25:
            instance, migration = migration, instance
        has = self._look(instance)
        if has is None:
            self._do(self._put(instance, None, self._place()))
            return
        drawn = random.random()
        if drawn < 0.2:
            self._do(self._put(instance, has, self._place()))
        elif drawn < 0.4:  # the same for another project and user
            self._do(self._put(instance, has, _vcpus(has)))
        elif drawn < 0.6:
            self._move(instance, has, migration)
        elif drawn < 0.75:
            self._do(Delete(instance))
        elif drawn < 0.87:
            self._do(self._put(instance, has, {}, minor=random.choice((GENERATIONS, TYPES))))
        else:
            minor = self._minor()
            self._do(Write("POST", minor, [self._part(instance, has, {}, minor)]))

    def _move(self, instance: str, has: Seen, migration: str) -> None:
        """The migration takes what the instance has; the instance goes elsewhere, or nowhere."""
        other, minor = self._look(migration), self._minor()
        place = self._place() if self._random.random() < 0.5 else {}
        parts = [
            self._part(migration, other, _vcpus(has), minor),
            self._part(instance, has, place, minor),
        ]
        self._random.shuffle(parts)
        self._do(Write("POST", minor, parts))

    def _put(
        self, consumer: str, has: Seen | None, held: dict[str, int], *, minor: int = 0
    ) -> Write:
        minor = minor or self._minor()
        return Write("PUT", minor, [self._part(consumer, has, held, minor)])

    def _part(self, consumer: str, has: Seen | None, held: dict[str, int], minor: int) -> Part:
        self._mark += 1
        generation = None if has is None else has.generation
        return Part(
            consumer,
            held,
            self._mark,
            project=f"project-{self._random.randrange(3)}",
            generation=ANY if minor < GENERATIONS else generation,
            type="INSTANCE" if consumer in self._world.instances else "MIGRATION",
        )

    def _place(self) -> dict[str, int]:
        """One to three providers, in any order; those that pass away are often empty."""
        world, random = self._world, self._random
        lasting = [*world.fixed, *world.resized]
        chosen = random.sample(lasting, random.randint(1, 3))
        if random.random() < 0.12:
            chosen[0] = random.choice(world.passing)
        random.shuffle(chosen)
        return {provider: random.randint(1, 3) for provider in chosen}

    def _minor(self) -> int:
        return self._random.choice((OLD, GENERATIONS, TYPES))


def _vcpus(has: Seen) -> dict[str, int]:
    return {provider: resources[VCPU] for provider, resources in has.held.items()}
