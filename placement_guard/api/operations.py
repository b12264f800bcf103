"""Every route and method of Placement's API, as one table.

Source: ``placement.handler.ROUTE_DECLARATIONS``, ``placement.policies`` and the version decorators
of the handlers, openstack-placement 16. ``tests/placement/test_table.py`` compares them.
"""

from typing import Final

from msgspec import Struct

from placement_guard.api import documents
from placement_guard.api.documents import Document

Version = tuple[int, int]

FIRST_VERSION: Final[Version] = (1, 0)
LAST_VERSION: Final[Version] = (1, 39)
"""The newest microversion that the table knows. A newer one is served by the rows of this one."""


def told(version: Version) -> str:
    """A microversion as clients write it: ``1.39``."""
    return f"{version[0]}.{version[1]}"


READING_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
"""Methods that never change anything; every other one is held to be a mutation."""


class Operation(Struct, frozen=True, kw_only=True):
    """One method of one route.

    ``name`` is Placement's policy rule without its prefix, and is a metric label. ``since`` is the
    first microversion that has it; below, Placement answers 404 or 405 and does nothing.
    ``bodies`` holds the document from each microversion on, oldest first; None where the body is
    ignored. ``provider_first`` marks the handlers that look up the provider (404) before they judge
    the body (400): there the guard's 400 for a bad body comes before Placement's 404, unless
    ``provider_asked``, where the guard lets Placement look before it refuses.
    """

    name: str
    method: str = ""
    path: str = ""
    since: Version = FIRST_VERSION
    bodies: tuple[tuple[Version, Document | None], ...] = ()
    provider_first: bool = False
    provider_asked: bool = False
    public: bool = False

    @property
    def rule(self) -> str | None:
        """Placement's policy rule, or None where it asks for none."""
        return None if self.public or not self.method else f"placement:{self.name}"

    @property
    def mutates(self) -> bool:
        return self.method not in READING_METHODS

    def document(self, version: Version) -> Document | None:
        """The document that a body must be at ``version``, or None where no body is read."""
        for first, document in reversed(self.bodies):  # most clients speak a new one
            if version >= first:
                return document
        return None


UNMATCHED: Final = Operation(name="unmatched")
"""Stands for every request that no row of the table matches."""

_PROVIDER = "/resource_providers/{uuid}"
_INVENTORIES = _PROVIDER + "/inventories"
_INVENTORY = _INVENTORIES + "/{resource_class}"
_CONSUMER = "/allocations/{consumer_uuid}"

OPERATIONS: Final[tuple[Operation, ...]] = (
    # The root answers everybody, with or without a token. Placement has no rule for it.
    Operation(name="root:show", method="GET", path="/", public=True),
    Operation(name="root:show", method="GET", path="", public=True),
    Operation(name="resource_classes:list", method="GET", path="/resource_classes", since=(1, 2)),
    Operation(
        name="resource_classes:create",
        method="POST",
        path="/resource_classes",
        since=(1, 2),
        bodies=(((1, 2), documents.RESOURCE_CLASS),),
    ),
    Operation(
        name="resource_classes:show", method="GET", path="/resource_classes/{name}", since=(1, 2)
    ),
    Operation(
        name="resource_classes:update",
        method="PUT",
        path="/resource_classes/{name}",
        since=(1, 2),
        # From 1.7 on the name is in the path, and the body is ignored.
        bodies=(((1, 2), documents.RESOURCE_CLASS), ((1, 7), None)),
    ),
    Operation(
        name="resource_classes:delete",
        method="DELETE",
        path="/resource_classes/{name}",
        since=(1, 2),
    ),
    Operation(name="resource_providers:list", method="GET", path="/resource_providers"),
    Operation(
        name="resource_providers:create",
        method="POST",
        path="/resource_providers",
        bodies=(
            ((1, 0), documents.NEW_PROVIDER),
            ((1, 14), documents.NEW_PROVIDER_1_14),  # parent_provider_uuid
        ),
    ),
    Operation(name="resource_providers:show", method="GET", path=_PROVIDER),
    Operation(
        name="resource_providers:update",
        method="PUT",
        path=_PROVIDER,
        bodies=(
            ((1, 0), documents.PROVIDER),
            ((1, 14), documents.PROVIDER_1_14),  # parent_provider_uuid
        ),
        provider_first=True,
    ),
    Operation(name="resource_providers:delete", method="DELETE", path=_PROVIDER),
    Operation(name="resource_providers:inventories:list", method="GET", path=_INVENTORIES),
    Operation(
        name="resource_providers:inventories:create",
        method="POST",
        path=_INVENTORIES,
        bodies=(((1, 0), documents.NEW_INVENTORY),),
        provider_first=True,
    ),
    Operation(
        name="resource_providers:inventories:update",
        method="PUT",
        path=_INVENTORIES,
        bodies=(((1, 0), documents.INVENTORIES),),
        provider_first=True,
    ),
    Operation(
        name="resource_providers:inventories:delete",
        method="DELETE",
        path=_INVENTORIES,
        since=(1, 5),  # below: 405
    ),
    Operation(name="resource_providers:inventories:show", method="GET", path=_INVENTORY),
    Operation(
        name="resource_providers:inventories:update",
        method="PUT",
        path=_INVENTORY,
        bodies=(((1, 0), documents.INVENTORY),),
        provider_first=True,
    ),
    Operation(name="resource_providers:inventories:delete", method="DELETE", path=_INVENTORY),
    Operation(name="resource_providers:usages", method="GET", path=_PROVIDER + "/usages"),
    Operation(
        name="resource_providers:aggregates:list",
        method="GET",
        path=_PROVIDER + "/aggregates",
        since=(1, 1),
    ),
    Operation(
        name="resource_providers:aggregates:update",
        method="PUT",
        path=_PROVIDER + "/aggregates",
        since=(1, 1),
        bodies=(
            ((1, 1), documents.AGGREGATES),
            ((1, 19), documents.AGGREGATES_1_19),  # with the provider's generation
        ),
        provider_first=True,
        # Placement's own tests rely on the 404. Elsewhere a cheap refusal counts for more.
        provider_asked=True,
    ),
    Operation(
        name="resource_providers:allocations:list", method="GET", path=_PROVIDER + "/allocations"
    ),
    Operation(
        name="resource_providers:traits:list",
        method="GET",
        path=_PROVIDER + "/traits",
        since=(1, 6),
    ),
    Operation(
        name="resource_providers:traits:update",
        method="PUT",
        path=_PROVIDER + "/traits",
        since=(1, 6),
        bodies=(((1, 6), documents.TRAITS),),
    ),
    Operation(
        name="resource_providers:traits:delete",
        method="DELETE",
        path=_PROVIDER + "/traits",
        since=(1, 6),
    ),
    Operation(
        name="allocations:manage",
        method="POST",
        path="/allocations",
        since=(1, 13),
        bodies=(
            ((1, 13), documents.MANY_ALLOCATIONS),
            ((1, 28), documents.MANY_ALLOCATIONS_1_28),  # consumer_generation
            ((1, 34), documents.MANY_ALLOCATIONS_1_34),  # mappings
            ((1, 38), documents.MANY_ALLOCATIONS_1_38),  # consumer_type
        ),
    ),
    Operation(name="allocations:list", method="GET", path=_CONSUMER),
    Operation(
        name="allocations:update",
        method="PUT",
        path=_CONSUMER,
        bodies=(
            ((1, 0), documents.ALLOCATIONS),
            ((1, 8), documents.ALLOCATIONS_1_8),  # project_id, user_id
            ((1, 12), documents.ALLOCATIONS_1_12),  # an object by provider
            ((1, 28), documents.ALLOCATIONS_1_28),  # consumer_generation, may be empty
            ((1, 34), documents.ALLOCATIONS_1_34),  # mappings
            ((1, 38), documents.ALLOCATIONS_1_38),  # consumer_type
        ),
    ),
    Operation(name="allocations:delete", method="DELETE", path=_CONSUMER),
    Operation(
        name="allocation_candidates:list",
        method="GET",
        path="/allocation_candidates",
        since=(1, 10),
    ),
    Operation(name="traits:list", method="GET", path="/traits", since=(1, 6)),
    Operation(name="traits:show", method="GET", path="/traits/{name}", since=(1, 6)),
    # The name is in the path; the body is ignored.
    Operation(name="traits:update", method="PUT", path="/traits/{name}", since=(1, 6)),
    Operation(name="traits:delete", method="DELETE", path="/traits/{name}", since=(1, 6)),
    Operation(name="usages", method="GET", path="/usages", since=(1, 9)),
    Operation(
        name="reshaper:reshape",
        method="POST",
        path="/reshaper",
        since=(1, 30),
        bodies=(
            ((1, 30), documents.RESHAPE),
            ((1, 34), documents.RESHAPE_1_34),  # mappings
            ((1, 38), documents.RESHAPE_1_38),  # consumer_type
        ),
    ),
)

NAMES: Final[tuple[str, ...]] = tuple(
    sorted({operation.name for operation in (*OPERATIONS, UNMATCHED)})
)
"""Every value of the ``operation`` metric label."""
