"""What a policy rule can ask of the providers that a write touches: whose they are, and how many.

Each check costs reads of Placement, like those of :mod:`~placement_guard.policy.state_checks`.
"""

import re
from collections.abc import Iterator
from typing import Final

from placement_guard.policy.checks import StateCheck, globs_problem, matcher, percent, quoted
from placement_guard.policy.question import Question, Reason, UnevaluableError
from placement_guard.target import same_uuid

_CREATE_PROVIDER: Final = "resource_providers:create"
_UPDATE_PROVIDER: Final = "resource_providers:update"
_OWNER: Final = "OWNER_"
_HOST: Final = "{host}"


class Owner(StateCheck):
    """``owner:OWNER_NOVA,...``: the ``OWNER_*`` traits of each provider that is touched match; one
    without such a trait passes. One read for each provider."""

    def problem(self) -> str | None:
        return globs_problem(self.match)

    def broken(self, question: Question) -> Iterator[Reason]:
        matches = matcher(self.match, question)
        for provider in question.target.values("providers"):
            for trait in question.before.traits(provider):
                if trait.startswith(_OWNER) and not matches(trait):
                    what = f"provider {quoted(provider)} is owned by {quoted(trait)}"
                    yield Reason(f"{what}, which {self} does not allow")


class ProviderNames(StateCheck):
    """``provider_names:GLOB,...``: the name of each provider that is touched matches.

    The one that it has, and the one that it gets. One read for each provider."""

    def problem(self) -> str | None:
        return globs_problem(self.match)

    def broken(self, question: Question) -> Iterator[Reason]:
        matches = matcher(self.match, question)
        target = question.target
        if target.operation in {_CREATE_PROVIDER, _UPDATE_PROVIDER}:
            name = target.exchange.document["name"]
            if not matches(name):
                yield Reason(f"the name {quoted(name)} is not allowed by {self}", ("name",))
        if target.operation == _CREATE_PROVIDER:
            return
        for provider in target.values("providers"):
            there = question.before.name(provider)
            if there is not None and not matches(there):
                yield Reason(f"provider {quoted(there)} is not allowed by {self}")


class OwnTree(StateCheck):
    """``own_tree:nova-compute-{host}``: each provider that is touched is in the tree whose root has
    the name that stands for ``{host}`` in the name of the caller.

    For services that have a user for each host. One or two reads for each provider.
    """

    def problem(self) -> str | None:
        return None if self.match.count(_HOST) == 1 else "has no {host} in it, or several"

    def broken(self, question: Question) -> Iterator[Reason]:
        host, target = self._host(question), question.target
        if target.operation == _CREATE_PROVIDER:
            yield from self._created(question, host)
            return
        for provider in target.values("providers"):
            yield from self._in(question, provider, host)
        if target.operation == _UPDATE_PROVIDER:
            # A root may change neither its name nor its tree: it would be another host's.
            yield from self._moved(question, host)

    def _host(self, question: Question) -> str:
        head, _, tail = self.match.partition(_HOST)
        found = re.fullmatch(
            re.escape(head) + "(.+)" + re.escape(tail), question.get("user_name", "")
        )
        if found is None:
            raise UnevaluableError(f"the name of the caller is not of the form of {self}")
        return found[1]

    def _created(self, question: Question, host: str) -> Iterator[Reason]:
        document = question.target.exchange.document
        parent = document.get("parent_provider_uuid")
        if parent is not None:
            yield from self._in(question, parent, host)
        elif document["name"] != host:
            yield Reason(f"{quoted(document['name'])} is not the caller's host ({self})", ("name",))

    def _moved(self, question: Question, host: str) -> Iterator[Reason]:
        document, provider = (
            question.target.exchange.document,
            question.target.exchange.params["uuid"],
        )
        parent = document.get("parent_provider_uuid")
        if parent is not None:
            yield from self._in(question, parent, host)
        elif question.before.root(provider) == provider and document["name"] != host:
            yield Reason(f"{quoted(document['name'])} is not the caller's host ({self})", ("name",))

    def _in(self, question: Question, provider: str, host: str) -> Iterator[Reason]:
        root = question.before.root(provider)
        if root is None:
            return  # Placement says that it does not exist
        name = question.before.name(root)
        if name != host:
            what = f"provider {quoted(provider)} is in the tree of {quoted(name)}"
            yield Reason(f"{what}, not of the caller's host ({self})")


class MaxShare(StateCheck):
    """``max_tree_share:50%``, ``max_cloud_share:5%``: at most that share of providers is touched.

    Of those in each tree that the request touches, or of all there are. One provider always passes.

    One read, or one for each tree.
    """

    def problem(self) -> str | None:
        return None if percent(self.match) is not None else "is no percentage from 0% to 100%"

    def broken(self, question: Question) -> Iterator[Reason]:
        touched = {same_uuid(provider) for provider in question.target.values("providers")}
        if len(touched) <= 1:
            return
        share = percent(self.match) or 0.0
        for among, known in self._among(question, touched):
            here = len(touched & known)
            if here > 1 and here > len(known) * share:
                yield Reason(
                    f"{here} of {len(known)} providers of {among} are more than {self} allows"
                )

    def _among(self, question: Question, touched: set[str]) -> Iterator[tuple[str, set[str]]]:
        if self.kind == "max_cloud_share":
            yield "the cloud", set(map(same_uuid, question.before.cloud()))
            return
        left = set(touched)
        while left:
            provider = min(left)
            tree = set(map(same_uuid, question.before.tree(provider)))
            yield "a tree", tree
            left -= tree | {provider}
