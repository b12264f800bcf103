"""The kinds of 409 that Placement answers, and how each shows.

Placement's ``code`` is missing below microversion 1.23, and is ``placement.concurrent_update``
for several kinds: so the wording decides, and the code only where the wording does not. Source: the
handlers of openstack-placement 16.
"""

from typing import Final, NamedTuple

CONCURRENT_UPDATE: Final = "placement.concurrent_update"
UNDEFINED_CODE: Final = "placement.undefined_code"


class ConflictKind(NamedTuple):
    """A kind, what it means, and the wordings that tell it (any of them, as a part)."""

    name: str
    meaning: str
    wordings: tuple[str, ...]


# More telling wordings first: several details quote another one behind a colon.
KINDS: Final[tuple[ConflictKind, ...]] = (
    ConflictKind(
        "consumer_generation",
        "the client's view of the consumer is stale",
        ("consumer generation conflict",),
    ),
    ConflictKind(
        "provider_generation",
        "the client's view of the provider is stale",
        ("resource provider generation conflict", "generation already changed"),
    ),
    ConflictKind(
        "inventory_in_use",
        "inventory that has allocations would vanish",
        ("in use.",),
    ),
    ConflictKind(
        "inventory_exists",
        "the provider has inventory of that class already",
        # Placement passes on what the database says: SQLite, MariaDB, PostgreSQL.
        ("UNIQUE constraint failed", "Duplicate entry", "duplicate key value"),
    ),
    ConflictKind(
        "lost_race",
        "another write came between Placement's reading and its writing",
        (
            "Inventory and/or allocations changed while attempting to allocate",
            "because the inventory was updated by another process",
            "Race condition detected",
            # "the data", or "the resource provider data".
            "Another thread concurrently updated the",
            "Max retries of DB transaction exceeded",
        ),
    ),
    ConflictKind(
        "deadlock",
        "the database undid one of two writes that waited for each other",
        (),  # Placement has no words for it: it fails, and the guard tells by the exception
    ),
    ConflictKind(
        "capacity",
        "the claim does not fit, or breaks the inventory's units",
        ("Unable to allocate inventory",),
    ),
    ConflictKind(
        "duplicate_name",
        "the name or the uuid is taken",
        (
            "Conflicting resource provider",
            "Resource class already exists",
            "Conflicting resource class already exists",
        ),
    ),
    ConflictKind(
        "provider_in_use",
        "the provider has allocations",
        ("Unable to delete resource provider",),
    ),
    ConflictKind(
        "provider_has_children",
        "the provider is a parent",
        ("Unable to delete parent resource provider",),
    ),
    ConflictKind(
        "name_in_use",
        "the trait or the resource class is in use",
        ("Error in delete resource class", "is in use by a resource provider"),
    ),
)

OTHER: Final = "other"
"""A 409 that none of the wordings tells."""

KIND_NAMES: Final[tuple[str, ...]] = (*(kind.name for kind in KINDS), OTHER)

_BY_CODE: Final = {
    "placement.inventory.inuse": "inventory_in_use",
    "placement.duplicate_name": "duplicate_name",
    "placement.resource_provider.inuse": "provider_in_use",
    "placement.resource_provider.cannot_delete_parent": "provider_has_children",
}


def kind_of(code: str | None, detail: str) -> str:
    """The kind of a 409 with this ``code`` (None below 1.23) and ``detail``."""
    if code in _BY_CODE:
        return _BY_CODE[code]
    for kind in KINDS:
        if any(wording in detail for wording in kind.wordings):
            return kind.name
    return "lost_race" if code == CONCURRENT_UPDATE else OTHER
