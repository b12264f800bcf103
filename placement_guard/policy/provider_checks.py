"""What a policy rule can ask of the providers that a write touches: whose they are, and how many.

Each check costs reads of Placement, like those of :mod:`~placement_guard.policy.state_checks`.
"""

from collections.abc import Iterator
from typing import Final

from placement_guard.policy.checks import Globs, StateCheck
from placement_guard.policy.patterns import matcher, percent, quoted
from placement_guard.policy.question import Question, Reason
from placement_guard.target import same_uuid

CREATE_PROVIDER: Final = "resource_providers:create"
UPDATE_PROVIDER: Final = "resource_providers:update"
_OWNER: Final = "OWNER_"


class Owner(Globs, StateCheck):
    """``owner:OWNER_NOVA,...``: the ``OWNER_*`` traits of each provider that is touched match; one
    without such a trait passes. One read for each provider."""

    def broken(self, question: Question) -> Iterator[Reason]:
        matches = matcher(self.match, question)
        for provider in question.target.values("providers"):
            for trait in question.before.traits(provider):
                if trait.startswith(_OWNER) and not matches(trait):
                    what = f"provider {quoted(provider)} is owned by {quoted(trait)}"
                    yield Reason(f"{what}, which {self} does not allow")


class HeldClasses(Globs, StateCheck):
    """``held_classes:GLOB,...``: all that each provider that is touched has an inventory of
    matches; one without any passes. One read for each provider."""

    def broken(self, question: Question) -> Iterator[Reason]:
        matches = matcher(self.match, question)
        for provider in question.target.values("providers"):
            for name in question.before.inventories(provider):
                if not matches(name):
                    what = f"provider {quoted(provider)} has an inventory of {quoted(name)}"
                    yield Reason(f"{what}, which {self} does not allow")


class ProviderNames(Globs, StateCheck):
    """``provider_names:GLOB,...``: the name of each provider that is touched matches.

    The one that it has, and the one that it gets. One read for each provider."""

    def broken(self, question: Question) -> Iterator[Reason]:
        matches = matcher(self.match, question)
        target = question.target
        if target.operation in {CREATE_PROVIDER, UPDATE_PROVIDER}:
            name = target.document["name"]
            if not matches(name):
                yield Reason(f"the name {quoted(name)} is not allowed by {self}", ("name",))
        if target.operation == CREATE_PROVIDER:
            return
        for provider in target.values("providers"):
            there = question.before.name(provider)
            if there is not None and not matches(there):
                yield Reason(f"provider {quoted(there)} is not allowed by {self}")


class MaxTrees(StateCheck):
    """``max_trees:4``: the inventories that are written are of providers in at most so many trees.

    One read for each tree.
    """

    of_all = True

    def problem(self) -> str | None:
        usable = self.match.isdecimal() and int(self.match) > 0
        return None if usable else "is no whole number from 1 on"

    def broken(self, question: Question) -> Iterator[Reason]:
        left = {same_uuid(provider): provider for provider in question.target.inventories}
        for _ in range(int(self.match)):
            if not left:
                return
            provider = next(iter(left.values()))
            tree = {same_uuid(provider), *map(same_uuid, question.before.tree(provider))}
            left = {same: spelt for same, spelt in left.items() if same not in tree}
        if left:
            yield Reason(f"the inventories are of providers in more trees than {self} allows")


class MaxShare(StateCheck):
    """``max_tree_share:50%``, ``max_cloud_share:5%``: at most that share of providers is touched.

    Of those in each tree that the request touches, or of all there are. One provider always passes.

    One read, or one for each tree.
    """

    of_all = True

    def problem(self) -> str | None:
        return None if percent(self.match) is not None else "is no percentage from 0% to 100%"

    def broken(self, question: Question) -> Iterator[Reason]:
        touched = {same_uuid(provider) for provider in question.target.values("providers")}
        if len(touched) <= 1:
            return
        share = percent(self.match) or 0.0
        for among, known in self._among(question):
            here = len(touched & known)
            if here > 1 and here > len(known) * share:
                yield Reason(
                    f"{here} of {len(known)} providers of {among} are more than {self} allows"
                )

    def _among(self, question: Question) -> Iterator[tuple[str, set[str]]]:
        if self.kind == "max_cloud_share":
            yield "the cloud", set(map(same_uuid, question.before.cloud()))
            return
        left = dict.fromkeys(question.target.values("providers"))
        while left:
            provider = next(iter(left))
            tree = set(map(same_uuid, question.before.tree(provider)))
            yield "a tree", tree
            done = tree | {same_uuid(provider)}
            left = dict.fromkeys(p for p in left if same_uuid(p) not in done)
