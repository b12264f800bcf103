"""What is stored before a write, read through Placement itself in the name of the caller.

Only rules that ask for it pay for it. A write that comes in between is not seen: where the request
carries a provider's or a consumer's generation, Placement refuses it then.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import quote

from placement_guard.target import RESHAPE

MAX_READS: Final = 16
"""How much is read for one request (answers of Placement)."""

MAX_READS_RESHAPE: Final = 256
"""The same for a reshape, which names all providers of a host (answers of Placement)."""

Read = Callable[[str, str], tuple[int, Any]]
"""Path and query to the status and the document of a GET; status 0 where Placement failed."""

_UUID: Final = re.compile(r"\A[0-9a-fA-F-]{32,36}\Z")
_NOTHING: Final[Mapping[str, Any]] = {}


class NotReadError(Exception):
    """What was there before cannot be told; the message says why."""


def unread(_path: str, _query: str) -> tuple[int, Any]:
    """The Read of who has no Placement to ask."""
    raise NotReadError("there is no Placement to ask what is stored")


class Before:
    """The state before one write. Each thing is read once. NotReadError where it cannot be."""

    def __init__(self, read: Read = unread, operation: str = "") -> None:
        self._read = read
        self._most = MAX_READS_RESHAPE if operation == RESHAPE else MAX_READS
        self._found: dict[tuple[str, str], Any] = {}

    def inventories(self, provider: str) -> Mapping[str, Mapping[str, Any]]:
        """The inventory records of a provider, by resource class; none where it does not exist."""
        return self._of_provider(provider, "/inventories").get("inventories", _NOTHING)

    def traits(self, provider: str) -> list[str]:
        """The traits of a provider; none where it does not exist."""
        return list(self._of_provider(provider, "/traits").get("traits", ()))

    def name(self, provider: str) -> str | None:
        """The name of a provider; None where it does not exist."""
        return self._of_provider(provider).get("name")

    def root(self, provider: str) -> str | None:
        """The UUID of the root of the tree that a provider is in; None where it does not exist."""
        return self._of_provider(provider).get("root_provider_uuid")

    def tree(self, provider: str) -> list[str]:
        """The UUIDs of all providers in the tree of this one."""
        return [p["uuid"] for p in self._providers(f"in_tree={_uuid(provider)}")]

    def tree_of(self, name: str) -> list[str]:
        """The UUIDs of all providers in the tree whose root has this name."""
        for provider in self._providers(f"name={quote(name, safe='')}"):
            if provider["name"] == name and provider["root_provider_uuid"] == provider["uuid"]:
                return self.tree(provider["uuid"])
        return []

    def cloud(self) -> list[str]:
        """The UUIDs of all providers that there are."""
        return [p["uuid"] for p in self._providers("")]

    def allocations(self, consumer: str) -> Mapping[str, Any]:
        """What a consumer holds, as ``GET /allocations/{consumer_uuid}`` says: ``allocations`` by
        provider, and ``project_id`` and ``user_id`` where it holds anything."""
        found: Mapping[str, Any] = self._get(f"/allocations/{_uuid(consumer)}") or _NOTHING
        return found

    def held_of(self, provider: str) -> Mapping[str, Mapping[str, Any]]:
        """What consumers hold of a provider: ``resources`` by consumer."""
        return self._of_provider(provider, "/allocations").get("allocations", _NOTHING)

    def _of_provider(self, provider: str, part: str = "") -> Mapping[str, Any]:
        found: Mapping[str, Any] = (
            self._get(f"/resource_providers/{_uuid(provider)}{part}") or _NOTHING
        )
        return found

    def _providers(self, query: str) -> list[Mapping[str, Any]]:
        found = self._get("/resource_providers", query) or _NOTHING
        return list(found.get("resource_providers", ()))

    def _get(self, path: str, query: str = "") -> Any:
        """The document; None where there is none (404)."""
        asked = (path, query)
        if asked not in self._found:
            if len(self._found) >= self._most:
                raise NotReadError(f"it would take more than {self._most} reads of what is stored")
            self._found[asked] = _NOT_READ  # and stays so, whoever asks again
            status, document = self._read(path, query)
            if status in {200, 404}:
                self._found[asked] = document if status == 200 else None
        if self._found[asked] is _NOT_READ:
            raise NotReadError("what is stored could not be read")
        return self._found[asked]


_NOT_READ: Final = object()


def _uuid(text: str) -> str:
    """A UUID that can stand in a path."""
    if not _UUID.fullmatch(text):
        raise NotReadError("what is stored of something without a UUID cannot be read")
    return text
