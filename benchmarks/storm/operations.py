"""The requests of the mixed storm, as data: sent by a worker, judged afterwards.

Each write of allocations has a mark of its own: the amount that it asks for of a class of which
there is plenty, and the name of its user. So each row that is stored, and each answer to a read,
says which write it comes from.
"""

from typing import Any

from msgspec import Struct

from benchmarks.storm.application import App
from benchmarks.storm.calls import Answer, call

VCPU, MARK = "VCPU", "CUSTOM_MARK"

PLENTY = 2**31 - 1
"""How much there is of MARK: the most that the database holds."""

ANY = -1
"""The generation of a write that names none: below microversion 1.28 there is no field for it."""

OLD, GENERATIONS, TYPES = 20, 28, 39
"""Minor microversions that are used: without consumer generations, with them, with types."""

TYPED = 38
"""The minor microversion from which on a consumer has a type."""


class Part(Struct):
    """What one consumer is to hold: VCPU by provider; nothing is a release.

    generation
        That of the consumer as the client knows it: None for a new one, ANY for none given.
    """

    consumer: str
    held: dict[str, int]
    mark: int
    project: str
    generation: int | None = None
    type: str = "INSTANCE"

    @property
    def user(self) -> str:
        return f"user-{self.mark}"

    def body(self, minor: int) -> dict[str, Any]:
        allocations = {
            provider: {"resources": {VCPU: amount, MARK: self.mark}}
            for provider, amount in self.held.items()
        }
        body = {"allocations": allocations, "project_id": self.project, "user_id": self.user}
        if minor >= GENERATIONS:
            body["consumer_generation"] = self.generation
        if minor >= TYPED:
            body["consumer_type"] = self.type
        return body


class Write(Struct, tag=True):
    """A PUT of one consumer's allocations, or a POST of several's."""

    method: str
    minor: int
    parts: list[Part]

    def send(self, app: App) -> Answer:
        version = f"1.{self.minor}"
        if self.method == "PUT":
            (part,) = self.parts
            path = f"/allocations/{part.consumer}"
            return call(app, "PUT", path, part.body(self.minor), version=version)
        body = {part.consumer: part.body(self.minor) for part in self.parts}
        return call(app, "POST", "/allocations", body, version=version)


class Delete(Struct, tag=True):
    """DELETE of a consumer's allocations."""

    consumer: str

    def send(self, app: App) -> Answer:
        return call(app, "DELETE", f"/allocations/{self.consumer}", version="1.0")


class Read(Struct, tag=True):
    """GET of a consumer's allocations."""

    consumer: str

    def send(self, app: App) -> Answer:
        return call(app, "GET", f"/allocations/{self.consumer}", version=f"1.{TYPES}")


class Seen(Struct):
    """What a read told of a consumer that holds something."""

    generation: int
    held: dict[str, dict[str, int]]
    project: str
    user: str


def seen(answer: Answer) -> Seen | None:
    """What a served read told; None of a consumer that holds nothing."""
    document = answer.document or {}
    if not document.get("allocations"):
        return None
    held = {p: entry["resources"] for p, entry in document["allocations"].items()}
    generation = document["consumer_generation"]
    return Seen(generation, held, document["project_id"], document["user_id"])


class Resize(Struct, tag=True):
    """PUT of a provider's inventories: so many VCPU from now on."""

    provider: str
    total: int
    generation: int

    def send(self, app: App) -> Answer:
        body = {
            "resource_provider_generation": self.generation,
            "inventories": {VCPU: {"total": self.total}, MARK: {"total": PLENTY}},
        }
        path = f"/resource_providers/{self.provider}/inventories"
        return call(app, "PUT", path, body, version="1.26")


class Remove(Struct, tag=True):
    """DELETE of a provider."""

    provider: str

    def send(self, app: App) -> Answer:
        return call(app, "DELETE", f"/resource_providers/{self.provider}", version="1.20")


class Create(Struct, tag=True):
    """POST of a provider, of the same uuid each time."""

    provider: str

    def send(self, app: App) -> Answer:
        body = {"name": self.provider, "uuid": self.provider}
        return call(app, "POST", "/resource_providers", body, version="1.20")


Operation = Write | Delete | Read | Resize | Remove | Create
