"""The bodies of Placement's mutations: type, JSON Schema, and the parts to be proven in bulk."""

from collections.abc import Callable, Iterable, Mapping
from itertools import chain
from operator import itemgetter
from typing import Any, Final, NamedTuple

from msgspec import Struct

from placement_guard.api import bodies, schemas
from placement_guard.api.schemas import Schema


class Parts(NamedTuple):
    """What a type cannot vouch for, taken out of a document for bulk checks.

    ``keys`` counts all its JSON object keys, ``names`` must match ``[A-Z0-9_]+``, ``free`` are the
    strings that may hold anything.
    """

    keys: int
    uuids: list[str]
    names: Iterable[str] = ()
    free: Iterable[str] = ()


class Document(Struct, frozen=True, kw_only=True):
    """One kind of body: ``name`` for messages, its type, Placement's schema, its parts."""

    name: str
    type: Any
    schema: Schema
    parts: Callable[[Any], Parts | None]


# The parts of each document --------------------------------------------------------------------

_flat = chain.from_iterable
_values = dict.values
_inventories = itemgetter("inventories")
_allocations = itemgetter("allocations")
_resources = itemgetter("resources")
_project = itemgetter("project_id")
_user = itemgetter("user_id")
_type = itemgetter("consumer_type")


def _lengths(containers: Iterable[Any]) -> int:
    return sum(map(len, containers))


def _provider_parts(document: Mapping[str, Any]) -> Parts:
    uuids = [document[k] for k in ("uuid", "parent_provider_uuid") if document.get(k) is not None]
    return Parts(len(document), uuids, (), (document["name"],))


def _inventory_parts(document: Mapping[str, Any]) -> Parts:
    name = document.get("resource_class")
    return Parts(len(document), [], () if name is None else (name,))


def _inventories_parts(document: bodies.Inventories) -> Parts:
    records = document["inventories"]
    return Parts(len(document) + len(records) + _lengths(records.values()), [], records)


def _aggregates_parts(document: list[str]) -> Parts | None:
    return Parts(0, document) if len(set(document)) == len(document) else None


def _aggregates_119_parts(document: bodies.Aggregates119) -> Parts | None:
    uuids = document["aggregates"]
    return Parts(2, uuids) if len(set(uuids)) == len(uuids) else None


def _listed_parts(document: Mapping[str, Any]) -> Parts:
    entries = document["allocations"]
    resources = list(map(_resources, entries))
    # Each entry has two keys, and its provider one.
    keys = len(document) + 3 * len(entries) + _lengths(resources)
    uuids = [entry["resource_provider"]["uuid"] for entry in entries]
    free = [document[key] for key in ("project_id", "user_id") if key in document]
    return Parts(keys, uuids, _flat(resources), free)


def _consumers_parts(consumers: list[Any], version: int) -> Parts:
    """The parts of many consumers' allocations, as of microversion 1.``version``."""
    by_provider = list(map(_allocations, consumers))
    allocations = list(_flat(map(_values, by_provider)))
    resources = list(map(_resources, allocations))
    keys = _lengths(consumers) + _lengths(by_provider) + _lengths(allocations) + _lengths(resources)
    uuids = list(_flat(by_provider))
    names: Iterable[str] = _flat(resources)
    free: Iterable[str] = chain(map(_project, consumers), map(_user, consumers))
    if version >= 34:
        for consumer in consumers:
            if "mappings" in consumer:
                mappings = consumer["mappings"]
                keys += len(mappings)
                uuids.extend(_flat(mappings.values()))
                free = chain(free, mappings)
    if version >= 38:
        names = chain(names, map(_type, consumers))
    return Parts(keys, uuids, names, free)


def _one_consumer(version: int) -> Callable[[Any], Parts]:
    return lambda document: _consumers_parts([document], version)


def _many_consumers(version: int) -> Callable[[dict[str, Any]], Parts]:
    def parts(document: dict[str, Any]) -> Parts:
        found = _consumers_parts(list(document.values()), version)
        found.uuids.extend(document)
        return found._replace(keys=found.keys + len(document))

    return parts


def _reshape(version: int) -> Callable[[Any], Parts]:
    def parts(document: Any) -> Parts:
        by_provider, by_consumer = document["inventories"], document["allocations"]
        found = _consumers_parts(list(by_consumer.values()), version)
        providers = list(by_provider.values())
        records = list(map(_inventories, providers))
        # The document has two keys; each provider is one, and has two.
        keys = 2 + 3 * len(by_provider) + len(by_consumer) + _lengths(records)
        keys += _lengths(_flat(map(_values, records)))
        found.uuids.extend(by_provider)
        found.uuids.extend(by_consumer)
        return Parts(found.keys + keys, found.uuids, chain(_flat(records), found.names), found.free)

    return parts


def _document(name: str, of: Any, schema: Schema, parts: Callable[[Any], Parts | None]) -> Document:
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
TRAITS: Final = _document(
    "traits", bodies.Traits, schemas.TRAITS, lambda document: Parts(2, [], (), document["traits"])
)
RESOURCE_CLASS: Final = _document(
    "resource class", bodies.ResourceClass, schemas.RESOURCE_CLASS, lambda _: Parts(1, [])
)
ALLOCATIONS: Final = _document(
    "allocations", bodies.Allocations, schemas.ALLOCATIONS, _listed_parts
)
ALLOCATIONS_1_8: Final = _document(
    "allocations 1.8", bodies.Allocations18, schemas.ALLOCATIONS_1_8, _listed_parts
)
ALLOCATIONS_1_12: Final = _document(
    "allocations 1.12", bodies.Allocations112, schemas.ALLOCATIONS_1_12, _one_consumer(12)
)
ALLOCATIONS_1_28: Final = _document(
    "allocations 1.28", bodies.Consumer128, schemas.ALLOCATIONS_1_28, _one_consumer(28)
)
ALLOCATIONS_1_34: Final = _document(
    "allocations 1.34", bodies.Consumer134, schemas.ALLOCATIONS_1_34, _one_consumer(34)
)
ALLOCATIONS_1_38: Final = _document(
    "allocations 1.38", bodies.Consumer138, schemas.ALLOCATIONS_1_38, _one_consumer(38)
)
MANY_ALLOCATIONS: Final = _document(
    "many allocations", bodies.ByConsumer, schemas.MANY_ALLOCATIONS, _many_consumers(13)
)
MANY_ALLOCATIONS_1_28: Final = _document(
    "many allocations 1.28",
    bodies.ByConsumer128,
    schemas.MANY_ALLOCATIONS_1_28,
    _many_consumers(28),
)
MANY_ALLOCATIONS_1_34: Final = _document(
    "many allocations 1.34",
    bodies.ByConsumer134,
    schemas.MANY_ALLOCATIONS_1_34,
    _many_consumers(34),
)
MANY_ALLOCATIONS_1_38: Final = _document(
    "many allocations 1.38",
    bodies.ByConsumer138,
    schemas.MANY_ALLOCATIONS_1_38,
    _many_consumers(38),
)
RESHAPE: Final = _document("reshape", bodies.Reshape, schemas.RESHAPE, _reshape(28))
RESHAPE_1_34: Final = _document(
    "reshape 1.34", bodies.Reshape134, schemas.RESHAPE_1_34, _reshape(34)
)
RESHAPE_1_38: Final = _document(
    "reshape 1.38", bodies.Reshape138, schemas.RESHAPE_1_38, _reshape(38)
)
