"""The reads of a scan, each turned into what ``views`` knows. They may be called by any thread."""

import re
from collections.abc import Mapping
from typing import Any, Final, TypeVar
from urllib.parse import quote

import msgspec
from msgspec import Struct

from placement_guard.scan.errors import CannotScanError, RefusedError, UnreadableError
from placement_guard.scan.kinds import Reads
from placement_guard.scan.reader import Reader, Version
from placement_guard.scan.views import Held, Provider, View

NEWEST: Final = (1, 39)
"""The newest microversion that is asked for."""

OLDEST: Final = (1, 14)
"""The oldest one that tells of trees."""

FLAT_USAGES: Final = (1, 37)
"""The newest microversion at which the usages of a project are not split by consumer type."""

_PART: Final = re.compile("[^/\ud800-\udfff]+")

_NOBODY: Final = "00000000-0000-0000-0000-000000000000"

_STEADY_READS: Final = 3
"""How often a provider is read, at most, until it does not change between the answers."""

Shape = TypeVar("Shape")


def is_askable(name: str) -> bool:
    """Whether an id can be a part of a path; one that is no UUID may be anything."""
    return _PART.fullmatch(name) is not None and name not in {".", ".."}


class Asking:
    """Asks for one thing a call. ``reads`` says which answers about a provider are needed."""

    def __init__(self, reader: Reader, reads: Reads) -> None:
        self._reader = reader
        self._reads = reads
        self.roots: dict[str, str | None] = {}
        """The root of each provider that was heard of; None where it was gone."""

    def version(self) -> Version:
        """Agree on a microversion. CannotScanError where this is no Placement, or too old a one."""
        told: Any = self._reader.get("/")
        try:
            least, most = (
                tuple(int(part) for part in told["versions"][0][name].split("."))
                for name in ("min_version", "max_version")
            )
        except (TypeError, LookupError, ValueError, AttributeError):
            raise CannotScanError("the address answers, but it is no Placement") from None
        found = min((most[0], most[1]), NEWEST)
        if found < max((least[0], least[1]), OLDEST):
            theirs, ours = (
                f"{_shown(a)} to {_shown(b)}" for a, b in ((least, most), (OLDEST, NEWEST))
            )
            raise CannotScanError(f"Placement's microversions are {theirs}; {ours} are known")
        self._reader.version = found
        return found

    def is_served(self) -> bool:
        """Whether Placement reads anything at all from its database."""
        try:
            self._reader.get("/resource_providers", {"uuid": _NOBODY})
        except UnreadableError:
            return False
        return True

    def providers(self, tree_of: str | None) -> dict[str, Provider]:
        """All providers by UUID, or those of one tree."""
        query = {} if tree_of is None else {"in_tree": tree_of}
        told = self._reader.get("/resource_providers", query)
        if told is None:
            raise CannotScanError("the address answers, but it has no list of providers")
        found = _shaped(told, _List).resource_providers
        self.roots.update((provider.uuid, provider.root_provider_uuid) for provider in found)
        return {provider.uuid: provider for provider in sorted(found, key=lambda p: p.uuid)}

    def names(self, of: str) -> list[str]:
        """All names of ``resource_classes`` or ``traits``."""
        found = _shaped(self._reader.get(f"/{of}") or {}, _Names)
        return found.traits or [row.name for row in found.resource_classes]

    def view(self, provider: str) -> View | None:
        """What one provider has, uses and who holds it; None where it is not there any more.

        The order of the reads makes a race harmless: a removed allocation changes no generation,
        so usages come last, and then are no larger than what was held before.
        """
        generations = set()
        found: dict[str, Any] = {}
        for read, name in _PARTS:
            if not self._reads & read:
                continue
            told = self._part(provider, name)
            if told is None:
                return None
            part = _shaped(told, _Part)
            generations.add(part.resource_provider_generation)
            found[name] = getattr(part, name)
        if "allocations" in found:
            found["allocations"] = {c: held.resources for c, held in found["allocations"].items()}
        return View(**found, generations=frozenset(generations))

    def _part(self, provider: str, name: str) -> Any:
        """One answer about a provider; None where it is not there any more.

        Placement answers 404 also where an allocation is of a class that it does not know.
        """
        path = f"/resource_providers/{quote(provider, safe='')}"
        for _ in range(2):  # it may have come back
            told = self._reader.get(f"{path}/{name}")
            if told is not None or self._reader.get(path) is None:
                return told
        raise UnreadableError(f"GET {path}/{name} is answered with HTTP 404, and it is there")

    def steady_view(self, provider: str) -> View | None:
        """A view in which no change was seen between the answers; the last one, if none is."""
        for _ in range(_STEADY_READS):
            view = self.view(provider)
            if view is None or view.of_one_moment:
                break
        return view

    def consumer(self, consumer: str) -> Held | None:
        """What a consumer is and holds; None where it holds nothing any more."""
        path = f"/allocations/{quote(consumer, safe='')}"
        told = self._reader.get(path)
        if told is None:  # not for a consumer that is gone: of that nothing is told
            raise UnreadableError(f"GET {path} is answered with HTTP 404")
        found = _shaped(told, _Consumer)
        if not found.allocations:
            return None
        allocations = {p: held.resources for p, held in found.allocations.items()}
        return Held(consumer, allocations, found.project_id, found.user_id, found.consumer_type)

    def placed_consumer(self, consumer: str) -> Held | None:
        """A consumer; and ``roots`` knows the root of each provider that it names."""
        held = self.consumer(consumer)
        for provider in held.allocations if held else ():
            if provider not in self.roots and is_askable(provider):
                told = self._reader.get(f"/resource_providers/{quote(provider, safe='')}")
                self.roots[provider] = _shaped(told, Provider).root_provider_uuid if told else None
        return held

    def project(self, project: str) -> Mapping[str, Any]:
        """What Placement counts for a project; nothing where its name fits into no query."""
        version = min(self._reader.version, FLAT_USAGES)
        try:
            told = self._reader.get("/usages", {"project_id": project}, version=version)
        except (UnicodeEncodeError, RefusedError):
            return {}
        if told is None:
            raise UnreadableError(f"GET /usages of project {project} is answered with HTTP 404")
        return _shaped(told, _Part).usages


# Only what is used of an answer; what may be damaged may be anything.


class _List(Struct):
    resource_providers: list[Provider]


class _Class(Struct):
    name: str


class _Names(Struct):
    resource_classes: list[_Class] = []
    traits: list[str] = []


class _Holding(Struct):
    resources: dict[str, Any] = {}


class _Part(Struct):
    resource_provider_generation: int | None = None
    inventories: dict[str, dict[str, Any]] = {}
    allocations: dict[str, _Holding] = {}
    usages: dict[str, int | float] = {}


class _Consumer(Struct):
    allocations: dict[str, _Holding] = {}
    project_id: str | None = None
    user_id: str | None = None
    consumer_type: str | None = None


_PARTS: Final = (
    (Reads.INVENTORIES, "inventories"),
    (Reads.ALLOCATIONS, "allocations"),
    (Reads.USAGES, "usages"),
)
"""What is read of a provider, in this order."""


def _shown(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version))


def _shaped(told: Any, shape: type[Shape]) -> Shape:
    try:
        return msgspec.convert(told, shape)
    except msgspec.ValidationError as error:
        raise CannotScanError(f"the answer is not Placement's: {error}") from None
