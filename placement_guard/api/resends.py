"""Which conflicts the guard cures by sending the whole request again, and why.

A request is sent again only where its transaction was rolled back whole and nothing in it is older
than the request itself. A generation is: what holds one that the client has read is the client's to
send again.
"""

from typing import Final, NamedTuple

from placement_guard.api.races import DEADLOCK, LOST_RACE


class Resend(NamedTuple):
    """An operation, a kind of conflict, whether it is sent again, and the reason."""

    operation: str
    kind: str
    again: bool
    reason: str


_FRESH: Final = (
    "Placement reads the providers anew; a consumer's generation is checked anew, and a stale one "
    "gets its 409 then."
)
_ROLLED_BACK: Final = "The database has rolled it back, and it holds no generation."
_THEIRS: Final = "It holds a provider's generation that the client has read."
_STALE: Final = "What the client has read is stale: sending it again cannot help."

_CLAIMS: Final = ("allocations:update", "allocations:manage", "reshaper:reshape")
_WITHOUT_GENERATION: Final = (
    "allocations:delete",
    "resource_providers:create",
    "resource_providers:update",
    "resource_providers:delete",
    "resource_classes:create",
    "resource_classes:update",
    "resource_classes:delete",
    "traits:update",
    "traits:delete",
)
_WITH_GENERATION: Final = (
    "resource_providers:inventories:create",
    "resource_providers:inventories:update",
    "resource_providers:inventories:delete",
    "resource_providers:traits:update",
    "resource_providers:traits:delete",
    "resource_providers:aggregates:update",
)

TABLE: Final[tuple[Resend, ...]] = (
    *(Resend(name, kind, True, _FRESH) for name in _CLAIMS for kind in (LOST_RACE, DEADLOCK)),
    *(
        Resend(name, kind, False, _STALE)
        for name in _CLAIMS
        for kind in ("consumer_generation", "provider_generation")
    ),
    *(Resend(name, DEADLOCK, True, _ROLLED_BACK) for name in _WITHOUT_GENERATION),
    *(
        Resend(name, kind, False, _THEIRS)
        for name in _WITH_GENERATION
        for kind in (LOST_RACE, DEADLOCK, "provider_generation")
    ),
)
"""Every pair that one could think of sending again. What is not here is not sent again."""

AGAIN: Final = frozenset((row.operation, row.kind) for row in TABLE if row.again)
"""The pairs that are sent again."""

OPERATIONS: Final = frozenset(operation for operation, _ in AGAIN)
"""The operations of which something is sent again."""
