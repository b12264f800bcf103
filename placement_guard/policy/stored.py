"""What is stored, as somebody tells it: for judging without a Placement."""

from collections.abc import Iterator, Mapping
from typing import Any, Final
from urllib.parse import unquote

from msgspec import Struct, field

from placement_guard.target import same_uuid

_PROVIDERS: Final = "/resource_providers"
_NOT_THERE: Final[tuple[int, Any]] = (404, None)


class StoredProvider(Struct, frozen=True, forbid_unknown_fields=True):
    """A provider: its name, its parent (UUID), its inventory records by class, its traits."""

    name: str = ""
    parent: str | None = None
    inventories: dict[str, Any] = {}
    traits: list[str] = []


class StoredConsumer(Struct, frozen=True, forbid_unknown_fields=True):
    """A consumer: what it holds, by class by provider, and whose it is."""

    project_id: str = ""
    user_id: str = ""
    allocations: dict[str, dict[str, int]] = {}


class Stored(Struct, frozen=True, forbid_unknown_fields=True):
    """All that there is, by UUID; what is not in it does not exist.

    Called like a :data:`~placement_guard.policy.before.Read`, it answers as Placement would.
    """

    providers: dict[str, StoredProvider] = field(default_factory=dict)
    consumers: dict[str, StoredConsumer] = field(default_factory=dict)

    def __call__(self, path: str, query: str) -> tuple[int, Any]:
        head, *rest = path.removeprefix("/").split("/")
        if head == "allocations":
            return 200, self._allocations(rest[0])
        if path == _PROVIDERS:
            return 200, {"resource_providers": list(self._listed(query))}
        uuid = self._known(rest[0])
        if uuid is None:
            return _NOT_THERE
        provider = self.providers[uuid]
        if rest[1:] == ["inventories"]:
            return 200, {"inventories": provider.inventories}
        if rest[1:] == ["traits"]:
            return 200, {"traits": provider.traits}
        if rest[1:] == ["allocations"]:
            return 200, {"allocations": dict(self._held_of(uuid))}
        return 200, {"uuid": uuid, "name": provider.name, "root_provider_uuid": self._root(uuid)}

    def _allocations(self, consumer: str) -> Mapping[str, Any]:
        for uuid, held in self.consumers.items():
            if same_uuid(uuid) == same_uuid(consumer):
                by_provider = {p: {"resources": r} for p, r in held.allocations.items()}
                whose = {"project_id": held.project_id, "user_id": held.user_id}
                return {"allocations": by_provider, **whose}
        return {"allocations": {}}

    def _held_of(self, provider: str) -> Iterator[tuple[str, Any]]:
        for uuid, held in self.consumers.items():
            for where, resources in held.allocations.items():
                if same_uuid(where) == same_uuid(provider):
                    yield uuid, {"resources": resources}

    def _listed(self, query: str) -> Iterator[dict[str, str]]:
        """All providers, those ``in_tree=UUID``, or those with ``name=NAME``."""
        key, _, text = query.partition("=")
        known = self._known(text) if key == "in_tree" else None
        for uuid, provider in self.providers.items():
            root = self._root(uuid)
            found = {
                "": True,
                "in_tree": known is not None and root == self._root(known),
                "name": provider.name == unquote(text),
            }[key]
            if found:
                yield {"uuid": uuid, "name": provider.name, "root_provider_uuid": root}

    def _known(self, uuid: str) -> str | None:
        return next((u for u in self.providers if same_uuid(u) == same_uuid(uuid)), None)

    def _root(self, uuid: str) -> str:
        """Of a provider that is there; a circle of parents ends somewhere in it."""
        seen = [uuid]
        while (parent := self.providers[seen[-1]].parent) is not None:
            known = self._known(parent)
            if known is None or known in seen:
                break
            seen.append(known)
        return seen[-1]
