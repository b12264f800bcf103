"""Claims of new consumers, as nova's scheduler makes them: on one provider, or on one of many."""

from multiprocessing.connection import Connection
from random import Random
from typing import Any
from uuid import UUID

from msgspec import Struct

from benchmarks.storm.application import App
from benchmarks.storm.calls import Answer, call
from benchmarks.storm.journal import Done, Journal
from benchmarks.storm.workers import Crew

VERSION = "1.36"
"""The microversion at which nova claims."""

PROJECT, USER = "b1c4d1b0c5c04f5d8c3f9a1e6c1d2e3f", "0a9b8c7d6e5f4a3b2c1d0e9f8a7b6c5d"


class Claim(Struct):
    """One VCPU for a consumer that is new."""

    consumer: str
    provider: str


class Claims(Struct):
    """The task of one worker. ``persistent`` sends a claim again while it is told that it may."""

    claims: list[Claim]
    persistent: bool = False

    def __call__(self, app: App, journal: Journal, _: Connection) -> None:
        for claim in self.claims:
            path = f"/allocations/{claim.consumer}"
            body = {
                "allocations": {claim.provider: {"resources": {"VCPU": 1}}},
                "project_id": PROJECT,
                "user_id": USER,
                "consumer_generation": None,
            }

            def send(path: str = path, body: Any = body) -> Answer:
                return call(app, "PUT", path, body, version=VERSION)

            journal.record(claim, send, persistent=self.persistent)

    def rest(self, begun: list[Done]) -> "Claims":
        """What is left for another worker."""
        return Claims(self.claims[len(begun) :], self.persistent)


class Candidates(Struct):
    """The task of a reader: ask where one VCPU is free, again and again, until told to stop."""

    def __call__(self, app: App, journal: Journal, connection: Connection) -> None:
        def send() -> Answer:
            path, query = "/allocation_candidates", "resources=VCPU:1&limit=1000"
            return call(app, "GET", path, version=VERSION, query=query)

        while not connection.poll():
            journal.record(None, send)
        connection.recv()


class Storm(Struct):
    """How many claim how much.

    room
        How many VCPU each provider has; a claim is for one.
    """

    workers: int = 8
    claims: int = 12
    providers: int = 1
    room: int = 64

    @property
    def length(self) -> int:
        """How many requests it makes in all."""
        return self.workers * self.claims

    def prepare(self, crew: Crew, random: Random) -> list[str]:
        """Make the providers of a round; returns them."""
        providers = [uuid(random) for _ in range(self.providers)]
        for provider in providers:
            made = {"name": provider, "uuid": provider}
            crew.ask("POST", "/resource_providers", made)
            path = f"/resource_providers/{provider}/inventories"
            inventories = {"VCPU": {"total": self.room}}
            body = {"resource_provider_generation": 0, "inventories": inventories}
            crew.ask("PUT", path, body)
        return providers

    def tasks(self, providers: list[str], random: Random, *, persistent: bool) -> list[Claims]:
        """One for each worker."""
        return [
            Claims(
                [Claim(uuid(random), random.choice(providers)) for _ in range(self.claims)],
                persistent,
            )
            for _ in range(self.workers)
        ]


def uuid(random: Random) -> str:
    return str(UUID(int=random.getrandbits(128), version=4))
