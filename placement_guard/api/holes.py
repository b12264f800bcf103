"""What Placement's schemas let through though it cannot be meant: it ends as a 500, or as damage.

Asked only of bodies that went the exact way: the fast one takes no such body. Measured on
openstack-placement 16.0.0.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from jsonschema import Draft202012Validator
from oslo_utils.uuidutils import is_uuid_like

from placement_guard.api import documents, schemas
from placement_guard.api.documents import Document
from placement_guard.api.finding import Finding, bounded
from placement_guard.api.jsonpath import Path

UUID_COLUMN: Final = 36
"""The length (characters) of the columns that hold UUIDs."""

_CLASS: Final = re.compile(schemas.NAME_KEY)
_RECORD: Final = Draft202012Validator(
    schemas.INVENTORIES["properties"]["inventories"]["patternProperties"][schemas.NAME_KEY]
)


def holes(document: Document, data: Any) -> list[Finding]:
    """What is wrong with a body that its schema takes; at most MAX_FINDINGS by each rule."""
    search = _SEARCHES.get(document.name.partition(" 1.")[0])
    return bounded(search(data)) if search else []


def _of_inventories(data: Mapping[str, Any], at: Path = ()) -> Iterator[Finding]:
    # A key that does not match the pattern escapes the schema, and so does what it stands for. One
    # that looks like a record all the same is left to Placement, which says that it knows no such
    # class.
    for name, record in data["inventories"].items():
        if not _CLASS.search(name) and not _RECORD.is_valid(record):
            what = "neither a resource class nor an inventory"
            yield Finding("inventory.unmatched_class", what, (*at, "inventories", name))


def _of_consumers(data: Mapping[str, Any], at: Path = ()) -> Iterator[Finding]:
    for consumer, held in data.items():
        if not is_uuid_like(consumer):
            yield Finding("allocations.consumer_not_uuid", "not a UUID", (*at, consumer))
        yield from _of_consumer(held, (*at, consumer))


def _of_consumer(data: Mapping[str, Any], at: Path = ()) -> Iterator[Finding]:
    if data.get("consumer_type", "").endswith("\n"):
        yield _newline((*at, "consumer_type"))


def _of_reshape(data: Mapping[str, Any]) -> Iterator[Finding]:
    for provider, inventories in data["inventories"].items():
        yield from _of_inventories(inventories, ("inventories", provider))
    yield from _of_consumers(data["allocations"], ("allocations",))


def _of_resource_class(data: Mapping[str, Any]) -> Iterator[Finding]:
    if data["name"].endswith("\n"):
        yield _newline(("name",))


def _of_aggregates(data: Any) -> Iterator[Finding]:
    at: Path = () if isinstance(data, list) else ("aggregates",)
    for index, uuid in enumerate(data if isinstance(data, list) else data["aggregates"]):
        if len(uuid) > UUID_COLUMN:
            what = f"longer than the {UUID_COLUMN} characters that can be stored"
            yield Finding("document.too_long", what, (*at, index))


def _newline(at: Path) -> Finding:
    return Finding("document.trailing_newline", "ends in a line break", at)


_SEARCHES: Final[Mapping[str, Callable[[Any], Iterator[Finding]]]] = {
    documents.INVENTORIES.name: _of_inventories,
    documents.MANY_ALLOCATIONS.name: _of_consumers,
    documents.ALLOCATIONS.name: _of_consumer,
    documents.RESHAPE.name: _of_reshape,
    documents.RESOURCE_CLASS.name: _of_resource_class,
    documents.AGGREGATES.name: _of_aggregates,
}
"""By the name of a document without its microversion."""
