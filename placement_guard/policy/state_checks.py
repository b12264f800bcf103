"""What a policy rule can ask of the state before a write. Each costs reads of Placement.

What cannot be read makes the rule one that cannot be evaluated, which refuses.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from placement_guard.policy.checks import (
    StateCheck,
    globs_problem,
    matcher,
    percent,
    quoted,
)
from placement_guard.policy.question import Question, Reason
from placement_guard.target import RESHAPE, held, same_uuid

_DELETE_INVENTORIES: Final = "resource_providers:inventories:delete"
_UPDATE_INVENTORIES: Final = "resource_providers:inventories:update"
_TRAITS: Final = frozenset({"resource_providers:traits:update", "resource_providers:traits:delete"})
_CREATE_PROVIDER: Final = "resource_providers:create"
_DELETE_PROVIDER: Final = "resource_providers:delete"
_OWNER: Final = "OWNER_"
_HOST: Final = "{host}"

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


class DroppedClasses(StateCheck):
    """``dropped_classes:GLOB,...``: each resource class whose inventory goes away matches.

    ``none`` lets nothing go away. One read for each provider.
    """

    def problem(self) -> str | None:
        return globs_problem(self.match)

    def broken(self, question: Question) -> Iterator[Reason]:
        matches = matcher(self.match, question)
        for _, name in _dropped(question):
            if not matches(name):
                yield Reason(
                    f"resource class {quoted(name)} goes away, which {self} does not allow"
                )


class AddedClasses(StateCheck):
    """``added_classes:GLOB,...``: each resource class whose inventory is new matches. One read for
    each provider."""

    def problem(self) -> str | None:
        return globs_problem(self.match)

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
    """``max_shrink:50%``: the total of no inventory that is there gets smaller by more than that
    share; one that goes away shrinks by 100 %. One read for each provider."""

    def problem(self) -> str | None:
        return None if percent(self.match) is not None else "is no percentage from 0% to 100%"

    def broken(self, question: Question) -> Iterator[Reason]:
        most = percent(self.match) or 0.0
        if most < 1:
            for _, name in _dropped(question):
                yield Reason(f"the inventory of {quoted(name)} goes away, more than {self} allows")
        for provider, records in question.target.inventories.items():
            there = question.before.inventories(provider)
            for name, record in records.items():
                before = there[name]["total"] if name in there else 0
                if record["total"] < before * (1 - most):
                    what = f"the total of {quoted(name)} shrinks from {before} to {record['total']}"
                    yield Reason(f"{what}, more than {self} allows")


class DroppedTraits(StateCheck):
    """``dropped_traits:GLOB,...``: each trait that a provider loses matches. One read."""

    def problem(self) -> str | None:
        return globs_problem(self.match)

    def broken(self, question: Question) -> Iterator[Reason]:
        target = question.target
        if target.operation not in _TRAITS:
            return
        matches, kept = matcher(self.match, question), set(target.values("traits"))
        for trait in question.before.traits(target.exchange.params["uuid"]):
            if trait not in kept and not matches(trait):
                yield Reason(f"trait {quoted(trait)} goes away, which {self} does not allow")


class ReleasedProjects(StateCheck):
    """``released_projects:GLOB,...``: the project of each consumer that gives back matches.

    One read for each consumer. ``released_projects:%(project_id)s`` is the caller's own.
    """

    def problem(self) -> str | None:
        return globs_problem(self.match)

    def broken(self, question: Question) -> Iterator[Reason]:
        matches = matcher(self.match, question)
        for consumer, body in question.target.bodies.items():
            there = question.before.allocations(consumer)
            project = there.get("project_id")
            if project is None or matches(project) or not _gives_back(there, body):
                continue
            what = f"consumer {quoted(consumer)} of project {quoted(project)} gives something back"
            yield Reason(f"{what}, which {self} does not allow")


def _gives_back(there: Mapping[str, Any], body: Mapping[str, Any]) -> bool:
    after = (
        {same_uuid(provider): amounts for provider, amounts in held(body).items()} if body else {}
    )
    return any(
        after.get(same_uuid(provider), {}).get(name, 0) < amount
        for provider, item in there["allocations"].items()
        for name, amount in item["resources"].items()
    )
