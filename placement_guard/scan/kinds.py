"""The catalogue of what a scan can find.

The ids are public, like those of the rules; where a rule of the guard keeps the same thing from
being written, the id is the rule's.
"""

from collections.abc import Iterable, Mapping
from enum import Flag, StrEnum, auto
from typing import Final, NamedTuple


class Severity(StrEnum):
    """How sure a scan can be."""

    DAMAGE = "damage"
    """No client can have wanted it; what Placement answers proves it."""
    SUSPICIOUS = "suspicious"
    """It may be wanted, or pass by itself: someone who knows the cloud must look."""


class Reads(Flag):
    """What must be asked of Placement to find it; a scan asks for no more than its kinds need."""

    PROVIDERS = auto()
    """The list of providers: one request."""
    NAMES = auto()
    """The lists of resource classes and of traits: two requests."""
    INVENTORIES = auto()
    """One request for each provider."""
    ALLOCATIONS = auto()
    """One request for each provider."""
    USAGES = auto()
    """One request for each provider."""
    SPREAD = auto()
    """One request for each consumer that holds something in several trees."""
    CONSUMERS = auto()
    """One request for each consumer."""
    PROJECTS = auto()
    """One request for each project, and the changed providers once more."""


class Kind(NamedTuple):
    """One thing that can be found. ``summary`` completes "found, because ..."."""

    id: str
    severity: Severity
    summary: str
    reads: Reads
    racy: bool = False
    """Two reads that are not of one moment can feign it: it is looked for a second time."""
    whole: bool = False
    """It shows only in a scan of all providers."""
    since: tuple[int, int] = (1, 14)
    """The first microversion that shows it."""
    by_default: bool = True
    """Otherwise it is looked for only where ``--only`` names it."""

    @property
    def area(self) -> str:
        """What it is about: the part of the id before the dot."""
        return self.id.partition(".")[0]


_DAMAGE: Final = Severity.DAMAGE
_SUSPICIOUS: Final = Severity.SUSPICIOUS
_HELD: Final = Reads.INVENTORIES | Reads.ALLOCATIONS
_OWNED: Final = Reads.ALLOCATIONS | Reads.CONSUMERS

_ALL: Final = (
    Kind("provider.not_uuid", _DAMAGE, "the id of a provider is no UUID", Reads.PROVIDERS),
    Kind("provider.broken_tree", _DAMAGE, "a tree does not hold together", Reads.PROVIDERS),
    Kind(
        "read.fails",
        _DAMAGE,
        "Placement fails to read what it stores",
        _HELD | Reads.USAGES,
    ),
    Kind("inventory.negative_capacity", _DAMAGE, "the capacity is negative", Reads.INVENTORIES),
    Kind("inventory.negative_ratio", _DAMAGE, "the ratio is negative", Reads.INVENTORIES),
    Kind("inventory.not_finite", _DAMAGE, "a value is no finite number", Reads.INVENTORIES),
    Kind(
        "inventory.reserved_above_total",
        _SUSPICIOUS,
        "reserved is above total, and rounding hides it",
        Reads.INVENTORIES,
    ),
    Kind("inventory.zero_ratio", _SUSPICIOUS, "the ratio is 0", Reads.INVENTORIES),
    Kind("inventory.min_above_max", _SUSPICIOUS, "min_unit above max_unit", Reads.INVENTORIES),
    Kind("inventory.step_above_total", _SUSPICIOUS, "step_size above total", Reads.INVENTORIES),
    Kind(
        "usage.above_capacity",
        _DAMAGE,
        "more is in use than there is",
        Reads.INVENTORIES | Reads.USAGES,
        racy=True,
    ),
    Kind(
        "allocation.no_inventory",
        _DAMAGE,
        "a class is in use that the provider has no inventory of",
        _HELD,
        racy=True,
    ),
    Kind(
        "allocation.no_consumer",
        _DAMAGE,
        "more is in use than all consumers hold",
        Reads.USAGES | Reads.ALLOCATIONS,
        racy=True,
    ),
    Kind(
        "allocation.no_provider",
        _DAMAGE,
        "a project uses more than its consumers hold",
        Reads.PROJECTS | Reads.CONSUMERS | Reads.ALLOCATIONS,
        whole=True,
    ),
    Kind("allocation.not_positive", _DAMAGE, "an amount is 0 or less", Reads.ALLOCATIONS),
    Kind("consumer.not_uuid", _DAMAGE, "the id of a consumer is no UUID", Reads.ALLOCATIONS),
    Kind(
        "consumer.two_spellings",
        _SUSPICIOUS,
        "one UUID stands for two consumers, spelt in two ways",
        Reads.ALLOCATIONS,
        whole=True,
    ),
    Kind(
        "consumer.two_trees",
        _SUSPICIOUS,
        "a consumer holds the same class in two trees",
        Reads.ALLOCATIONS | Reads.SPREAD,
    ),
    Kind(
        "consumer.migration",
        _SUSPICIOUS,
        "a migration holds allocations",
        _OWNED,
        since=(1, 38),
    ),
    Kind(
        "consumer.twins",
        _SUSPICIOUS,
        "just two consumers of one user hold exactly the same",
        _OWNED,
        whole=True,
        by_default=False,
    ),
    Kind(
        "name.control_character",
        _DAMAGE,
        "a name holds a NUL or another control character",
        Reads.PROVIDERS | Reads.NAMES | _OWNED,
    ),
    Kind("name.pattern", _DAMAGE, "a name breaks the pattern that all have", Reads.NAMES | _OWNED),
)

KINDS: Final[Mapping[str, Kind]] = {kind.id: kind for kind in _ALL}
"""By id, in the order of the documentation."""

CHOICES: Final = frozenset(
    [*KINDS, *(kind.area for kind in _ALL), *(severity.value for severity in Severity)]
)
"""What ``--only`` takes: a kind, an area or a severity."""


def chosen(words: Iterable[str]) -> frozenset[str]:
    """The ids that ``words`` of CHOICES stand for; without any, what is looked for by default."""
    told = set(words)
    if not told:
        return frozenset(kind.id for kind in _ALL if kind.by_default)
    return frozenset(
        kind.id
        for kind in _ALL
        if kind.id in told or (kind.by_default and told.intersection({kind.area, kind.severity}))
    )


def not_shown(ids: Iterable[str], version: tuple[int, int], *, whole: bool) -> dict[str, str]:
    """Why some of these kinds cannot be found: at this microversion, or but for the ``whole``."""
    found = {}
    for name in sorted(ids):
        if version < KINDS[name].since:
            since = ".".join(map(str, KINDS[name].since))
            found[name] = f"Placement tells it from microversion {since} on"
        elif KINDS[name].whole and not whole:
            found[name] = "it shows only in a scan of all providers"
    return found


def reads_for(ids: Iterable[str]) -> Reads:
    """What must be asked to find these kinds."""
    found = Reads.PROVIDERS
    for name in ids:
        found |= KINDS[name].reads
    return found
