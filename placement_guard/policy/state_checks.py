"""What a policy rule can ask of the inventories and traits that are there before a write.

Each costs reads of Placement. What cannot be read makes the rule one that cannot be evaluated,
which refuses.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from placement_guard.policy.checks import Globs, StateCheck
from placement_guard.policy.patterns import limit, matcher, percent, quoted
from placement_guard.policy.question import Question, Reason
from placement_guard.target import RESHAPE

_DELETE_INVENTORIES: Final = "resource_providers:inventories:delete"
_UPDATE_INVENTORIES: Final = "resource_providers:inventories:update"
_DELETE_PROVIDER: Final = "resource_providers:delete"
_TRAITS: Final = frozenset(
    {"resource_providers:traits:update", "resource_providers:traits:delete", _DELETE_PROVIDER}
)

Records = Mapping[str, Mapping[str, Any]]


def _replaced(question: Question) -> Iterator[tuple[str, Records]]:
    """The providers whose inventory is replaced as a whole, each with its records afterwards."""
    target = question.target
    params = target.exchange.params
    if "resource_class" in params:
        return
    if target.operation in {RESHAPE, _UPDATE_INVENTORIES}:
        yield from target.inventories.items()
    elif target.operation in {_DELETE_INVENTORIES, _DELETE_PROVIDER}:
        yield params["uuid"], {}


def _dropped(question: Question) -> Iterator[tuple[str, str]]:
    """Provider and resource class of each inventory that is there, and will not be."""
    params = question.target.exchange.params
    if question.target.operation == _DELETE_INVENTORIES and "resource_class" in params:
        yield params["uuid"], params["resource_class"]
    for provider, records in _replaced(question):
        for name in question.before.inventories(provider):
            if name not in records:
                yield provider, name


class DroppedClasses(Globs, StateCheck):
    """``dropped_classes:GLOB,...``: each resource class whose inventory goes away matches.

    Because it is deleted, left out, or its provider is deleted. ``none`` lets nothing go away,
    ``!MEMORY_MB,*`` everything but memory. One read for each provider.
    """

    def broken(self, question: Question) -> Iterator[Reason]:
        matches = matcher(self.match, question)
        for _, name in _dropped(question):
            if not matches(name):
                yield Reason(
                    f"resource class {quoted(name)} goes away, which {self} does not allow"
                )


class AddedClasses(Globs, StateCheck):
    """``added_classes:GLOB,...``: each resource class whose inventory is new matches.

    One read for each provider.
    """

    def broken(self, question: Question) -> Iterator[Reason]:
        matches = matcher(self.match, question)
        for provider, records in question.target.inventories.items():
            there = question.before.inventories(provider)
            for name in records:
                if name not in there and not matches(name):
                    yield Reason(
                        f"resource class {quoted(name)} is new, which {self} does not allow"
                    )


class MaxShrink(StateCheck):
    """``max_shrink:50%``, ``max_shrink:MEMORY_MB=50%,CUSTOM_*=0%``: the total of no inventory
    gets smaller by more than that share; one that goes away shrinks by 100%.

    The first pattern that a class matches holds for it; a class that none matches may shrink. One
    read for each provider.
    """

    of_all = True

    def problem(self) -> str | None:
        for part in self._shares().split(","):
            name, found, share = part.partition("=")
            if not found or not name or percent(share) is None:
                return "is no percentage from 0% to 100%, and no list of CLASS=PERCENTAGE"
        return None

    def _shares(self) -> str:
        return self.match if "=" in self.match else f"*={self.match}"

    def broken(self, question: Question) -> Iterator[Reason]:
        for _, name in _dropped(question):
            if self._least(name, 1) > 0:
                yield Reason(f"the inventory of {quoted(name)} goes away, more than {self} allows")
        for provider, records in question.target.inventories.items():
            there = question.before.inventories(provider)
            for name, record in records.items():
                before = there[name]["total"] if name in there else 0
                if record["total"] < self._least(name, before):
                    what = f"the total of {quoted(name)} shrinks from {before} to {record['total']}"
                    yield Reason(f"{what}, more than {self} allows")

    def _least(self, name: str, before: int) -> float:
        """What must be left of so much of a class."""
        share = limit(self._shares(), name)
        return before * (1 - (percent(share) or 0.0)) if share else 0


class DroppedTraits(Globs, StateCheck):
    """``dropped_traits:GLOB,...``: each trait that a provider loses matches. One read."""

    def broken(self, question: Question) -> Iterator[Reason]:
        target = question.target
        if target.operation not in _TRAITS:
            return
        matches, kept = matcher(self.match, question), set(target.values("traits"))
        for trait in question.before.traits(target.exchange.params["uuid"]):
            if trait not in kept and not matches(trait):
                yield Reason(f"trait {quoted(trait)} goes away, which {self} does not allow")
