"""Each host its own tree: for services that have a user for each host.

What a host reports reaches a little beyond its own tree, and may: a reshape names the providers
that it shares with others, as they are, and allocations of its instances are held there, too.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from placement_guard.policy.checks import StateCheck
from placement_guard.policy.consumer_checks import amounts_after, amounts_before
from placement_guard.policy.patterns import quoted
from placement_guard.policy.provider_checks import CREATE_PROVIDER, UPDATE_PROVIDER
from placement_guard.policy.question import Question, Reason, UnevaluableError
from placement_guard.target import RESHAPE, held, same_uuid

_HOST: Final = "{host}"
_SHARING: Final = "MISC_SHARES_VIA_AGGREGATE"

FEW: Final = 4
"""Of so many consumers each is read; of more, what is held of a provider is read as a whole."""


class OwnTree(StateCheck):
    """``own_tree:nova-compute-{host}``: each provider that is written is in the tree whose root has
    the name that stands for ``{host}`` in the name of the caller.

    Each consumer that is written has something there, before or after, and gets no more elsewhere
    but of providers that share. A root keeps its name, and nothing leaves its tree. Two reads, and
    one for each consumer that holds nothing there afterwards, and for each other provider.
    """

    of_all = True

    def problem(self) -> str | None:
        return None if self.match.count(_HOST) == 1 else "has no {host} in it, or several"

    def broken(self, question: Question) -> Iterator[Reason]:
        host, target = self._host(question), question.target
        if target.operation == CREATE_PROVIDER:
            yield from self._placed(question, host, target.document.get("parent_provider_uuid"))
            return
        own = set(map(same_uuid, question.before.tree_of(host)))
        if target.operation == UPDATE_PROVIDER:
            yield from self._kept(question, host, own)
        elif target.bodies or target.operation == RESHAPE:
            yield from self._unchanged(question, own)
            for consumer, body in target.bodies.items():
                yield from self._of(question, own, consumer, body)
        else:
            for provider in target.values("providers"):
                yield from self._in(question, own, provider)

    def _host(self, question: Question) -> str:
        head, _, tail = self.match.partition(_HOST)
        name = question.get("user_name", "")
        found = re.fullmatch(re.escape(head) + "(.+)" + re.escape(tail), name)
        if found is None:
            raise UnevaluableError(f"the name of the caller is not of the form of {self}")
        return found[1]

    def _placed(self, question: Question, host: str, parent: str | None) -> Iterator[Reason]:
        if parent is not None:
            own = set(map(same_uuid, question.before.tree_of(host)))
            yield from self._in(question, own, parent)
        elif question.target.document["name"] != host:
            name = quoted(question.target.document["name"])
            yield Reason(f"{name} is not the caller's host ({self})", ("name",))

    def _kept(self, question: Question, host: str, own: set[str]) -> Iterator[Reason]:
        """A root that gets another name, or a child that becomes a root, would be another host."""
        document, provider = question.target.document, question.target.exchange.params["uuid"]
        yield from self._in(question, own, provider)
        parent = document.get("parent_provider_uuid")
        if parent is not None:
            yield from self._in(question, own, parent)
        root = question.before.root(provider)
        is_root = root is not None and same_uuid(root) == same_uuid(provider)
        leaves = "parent_provider_uuid" in document and parent is None and not is_root
        if leaves or (is_root and document["name"] != host):
            name = quoted(document["name"])
            yield Reason(f"{name} is not the caller's host ({self})", ("name",))

    def _in(self, question: Question, own: set[str], provider: str) -> Iterator[Reason]:
        # Of one that does not exist Placement says so.
        if same_uuid(provider) not in own and question.before.name(provider) is not None:
            yield Reason(self._elsewhere(provider))

    def _elsewhere(self, provider: str) -> str:
        return f"provider {quoted(provider)} is not in the tree of the caller's host ({self})"

    def _unchanged(self, question: Question, own: set[str]) -> Iterator[Reason]:
        """What a reshape names of other trees must be what is there."""
        for provider, records in question.target.inventories.items():
            if same_uuid(provider) in own:
                continue
            there = question.before.inventories(provider)
            if there.keys() != records.keys() or not all(
                record.items() <= there[name].items() for name, record in records.items()
            ):
                yield Reason(self._elsewhere(provider), ("inventories", provider))

    def _of(
        self, question: Question, own: set[str], consumer: str, body: Mapping[str, Any]
    ) -> Iterator[Reason]:
        after = amounts_after(body)
        for provider, resources in held(body).items() if body else ():
            if same_uuid(provider) in own:
                continue
            before = _held_before(question, consumer, provider)
            grown = [name for name, amount in resources.items() if amount > before.get(name, 0)]
            if grown and _SHARING not in question.before.traits(provider):
                yield Reason(self._elsewhere(provider))
        if not any(provider in own for provider, _ in after):
            there = amounts_before(question.before.allocations(consumer))
            if there and not any(provider in own for provider, _ in there):
                what = f"consumer {quoted(consumer)} has nothing in the tree of the caller's host"
                yield Reason(f"{what} ({self})")


def _held_before(question: Question, consumer: str, provider: str) -> Mapping[str, int]:
    """What a consumer holds of a provider, by resource class."""
    if len(question.target.bodies) > FEW:
        of_consumer = question.before.held_of(provider).get(consumer, {})
    else:
        there = question.before.allocations(consumer).get("allocations", {})
        of_consumer = there.get(provider, {})
    resources: Mapping[str, int] = of_consumer.get("resources", {})
    return resources
