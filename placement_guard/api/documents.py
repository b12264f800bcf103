"""The bodies of Placement's mutations: type, JSON Schema, and the parts to be proven in bulk."""

from collections.abc import Callable, Collection, Iterable, Mapping
from collections.abc import Set as AbstractSet
from itertools import chain
from operator import itemgetter
from typing import Any, Final

from msgspec import Struct

from placement_guard.api import bodies, schemas
from placement_guard.api.schemas import Schema

Parts = tuple[Collection[str], AbstractSet[str]]
"""What a type cannot vouch for: the UUIDs, and the names, which must match ``[A-Z0-9_]+``."""


class Document(Struct, frozen=True, kw_only=True):
    """One kind of body: ``name`` for messages, its type, Placement's schema, its parts.

    ``parts`` takes the decoded body and the number of colons in its bytes. It returns None where
    the keys do not account for the colons: then a key was there twice, or one is unknown.
    """

    name: str
    type: Any
    schema: Schema
    parts: Callable[[Any, int], Parts | None]


# The parts of each document --------------------------------------------------------------------

_flat = chain.from_iterable
_values = dict.values
_inventories = itemgetter("inventories")
_allocations = itemgetter("allocations")
_resources = itemgetter("resources")
_type = itemgetter("consumer_type")
_NONE: Final[frozenset[str]] = frozenset()
# Takes the hashes that the keys of a dictionary have already: half the time of a set that is made
# of the keys one by one.
_union = _NONE.union


def _lengths(containers: Iterable[Any]) -> int:
    return sum(map(len, containers))


def _accounts(keys: int, free: Iterable[str], colons: int) -> bool:
    """Whether ``keys`` decoded keys account for all colons but those in ``free`` strings.

    A body has a colon for each key that was written, and has those that stand in strings. At
    least as many keys were written as decoded: as many colons as decoded keys settle it, and no
    string needs to be looked at.
    """
    return colons == keys or colons == keys + "\n".join(free).count(":")


def _provider_parts(document: Mapping[str, Any], colons: int) -> Parts | None:
    if not _accounts(len(document), (document["name"],), colons):
        return None
    uuids = [document[k] for k in ("uuid", "parent_provider_uuid") if document.get(k) is not None]
    return uuids, _NONE


def _inventory_parts(document: Mapping[str, Any], colons: int) -> Parts | None:
    if colons != len(document):
        return None
    name = document.get("resource_class")
    return (), _NONE if name is None else {name}


def _inventories_parts(document: bodies.Inventories, colons: int) -> Parts | None:
    records = document["inventories"]
    if colons != 2 + len(records) + _lengths(records.values()):
        return None
    return (), records.keys()


def _aggregates_parts(document: list[str], colons: int) -> Parts | None:
    uuids = set(document)
    return (uuids, _NONE) if colons == 0 and len(uuids) == len(document) else None


def _aggregates_119_parts(document: bodies.Aggregates119, colons: int) -> Parts | None:
    return _aggregates_parts(document["aggregates"], colons - 2)


def _traits_parts(document: bodies.Traits, colons: int) -> Parts | None:
    return ((), _NONE) if _accounts(2, document["traits"], colons) else None


def _resource_class_parts(_: bodies.ResourceClass, colons: int) -> Parts | None:
    return ((), _NONE) if colons == 1 else None


def _listed_parts(document: Mapping[str, Any], colons: int) -> Parts | None:
    entries = document["allocations"]
    resources = list(map(_resources, entries))
    # Each entry has two keys, and its provider one.
    keys = len(document) + 3 * len(entries) + _lengths(resources)
    free = [document[key] for key in ("project_id", "user_id") if key in document]
    if not _accounts(keys, free, colons):
        return None
    uuids = [entry["resource_provider"]["uuid"] for entry in entries]
    return uuids, _union(*resources)


class _Consumers(Struct, frozen=True):
    """The parts of what consumers hold: ``keys`` is the number of keys that each of them must have;
    ``typed`` says whether the consumer type is one."""

    keys: int
    typed: bool = False

    def one(self, document: Any, colons: int) -> Parts | None:
        return self._parts([document], colons)

    def many(self, document: dict[str, Any], colons: int) -> Parts | None:
        return self._parts(document.values(), colons - len(document), (document,))

    def reshape(self, document: Any, colons: int) -> Parts | None:
        inventories, consumers = document["inventories"], document["allocations"]
        records = list(map(_inventories, inventories.values()))
        # The document has two keys; each provider is one, and has two.
        keys = 2 + 3 * len(inventories) + len(consumers) + _lengths(records)
        keys += _lengths(_flat(map(_values, records)))
        uuids = (inventories, consumers)
        return self._parts(consumers.values(), colons - keys, uuids, records)

    def _parts(
        self,
        consumers: Collection[Any],
        colons: int,
        uuids: Iterable[Iterable[str]] = (),
        names: Iterable[Iterable[str]] = (),
    ) -> Parts | None:
        """The parts of ``consumers``, and those that were found elsewhere."""
        providers = list(map(_allocations, consumers))
        resources = list(map(_resources, _flat(map(_values, providers))))
        # Each allocation is one key, and has one.
        keys = self.keys * len(consumers) + 2 * len(resources) + _lengths(resources)
        found = _union(*uuids, *providers)
        if colons != keys:
            # What may be there besides: generations, mappings, and colons in strings.
            mappings = [c["mappings"] for c in consumers if "mappings" in c]
            keys += _lengths(consumers) - self.keys * len(consumers) + _lengths(mappings)
            keys += _lengths(_flat(map(_values, providers))) - len(resources)
            free = chain(_flat((c["project_id"], c["user_id"]) for c in consumers), *mappings)
            if not _accounts(keys, free, colons):
                return None
            found = found.union(*_flat(map(_values, mappings)))
        types = map(_type, consumers) if self.typed else ()
        return found, _union(types, *names, *resources)


_consumers_1_12 = _Consumers(3)
_consumers_1_28 = _Consumers(4)
_consumers_1_38 = _Consumers(5, typed=True)


def _document(
    name: str, of: Any, schema: Schema, parts: Callable[[Any, int], Parts | None]
) -> Document:
    return Document(name=name, type=of, schema=schema, parts=parts)


NEW_PROVIDER: Final = _document(
    "new provider", bodies.NewProvider, schemas.NEW_PROVIDER, _provider_parts
)
NEW_PROVIDER_1_14: Final = _document(
    "new provider 1.14", bodies.NewProvider114, schemas.NEW_PROVIDER_1_14, _provider_parts
)
PROVIDER: Final = _document("provider", bodies.Provider, schemas.PROVIDER, _provider_parts)
PROVIDER_1_14: Final = _document(
    "provider 1.14", bodies.Provider114, schemas.PROVIDER_1_14, _provider_parts
)
NEW_INVENTORY: Final = _document(
    "new inventory", bodies.NewInventory, schemas.NEW_INVENTORY, _inventory_parts
)
INVENTORY: Final = _document("inventory", bodies.Inventory, schemas.INVENTORY, _inventory_parts)
INVENTORIES: Final = _document(
    "inventories", bodies.Inventories, schemas.INVENTORIES, _inventories_parts
)
AGGREGATES: Final = _document("aggregates", list[str], schemas.AGGREGATES, _aggregates_parts)
AGGREGATES_1_19: Final = _document(
    "aggregates 1.19", bodies.Aggregates119, schemas.AGGREGATES_1_19, _aggregates_119_parts
)
TRAITS: Final = _document("traits", bodies.Traits, schemas.TRAITS, _traits_parts)
RESOURCE_CLASS: Final = _document(
    "resource class", bodies.ResourceClass, schemas.RESOURCE_CLASS, _resource_class_parts
)
ALLOCATIONS: Final = _document(
    "allocations", bodies.Allocations, schemas.ALLOCATIONS, _listed_parts
)
ALLOCATIONS_1_8: Final = _document(
    "allocations 1.8", bodies.Allocations18, schemas.ALLOCATIONS_1_8, _listed_parts
)
ALLOCATIONS_1_12: Final = _document(
    "allocations 1.12", bodies.Allocations112, schemas.ALLOCATIONS_1_12, _consumers_1_12.one
)
ALLOCATIONS_1_28: Final = _document(
    "allocations 1.28", bodies.Consumer128, schemas.ALLOCATIONS_1_28, _consumers_1_28.one
)
ALLOCATIONS_1_34: Final = _document(
    "allocations 1.34", bodies.Consumer134, schemas.ALLOCATIONS_1_34, _consumers_1_28.one
)
ALLOCATIONS_1_38: Final = _document(
    "allocations 1.38", bodies.Consumer138, schemas.ALLOCATIONS_1_38, _consumers_1_38.one
)
MANY_ALLOCATIONS: Final = _document(
    "many allocations", bodies.ByConsumer, schemas.MANY_ALLOCATIONS, _consumers_1_12.many
)
MANY_ALLOCATIONS_1_28: Final = _document(
    "many allocations 1.28",
    bodies.ByConsumer128,
    schemas.MANY_ALLOCATIONS_1_28,
    _consumers_1_28.many,
)
MANY_ALLOCATIONS_1_34: Final = _document(
    "many allocations 1.34",
    bodies.ByConsumer134,
    schemas.MANY_ALLOCATIONS_1_34,
    _consumers_1_28.many,
)
MANY_ALLOCATIONS_1_38: Final = _document(
    "many allocations 1.38",
    bodies.ByConsumer138,
    schemas.MANY_ALLOCATIONS_1_38,
    _consumers_1_38.many,
)
RESHAPE: Final = _document("reshape", bodies.Reshape, schemas.RESHAPE, _consumers_1_28.reshape)
RESHAPE_1_34: Final = _document(
    "reshape 1.34", bodies.Reshape134, schemas.RESHAPE_1_34, _consumers_1_28.reshape
)
RESHAPE_1_38: Final = _document(
    "reshape 1.38", bodies.Reshape138, schemas.RESHAPE_1_38, _consumers_1_38.reshape
)
