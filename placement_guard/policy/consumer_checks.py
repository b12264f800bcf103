"""What a policy rule can ask of what consumers hold before a write, and after it.

One read for each consumer. An operation that touches no consumer passes all of them.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from placement_guard.policy.checks import Globs, StateCheck
from placement_guard.policy.patterns import matcher, quoted
from placement_guard.policy.question import Question, Reason
from placement_guard.shapes import ODD
from placement_guard.target import UnreadableTargetError, held, same_uuid

Amounts = Mapping[tuple[str, str], int]
"""By provider, in one spelling, and resource class."""


def amounts_before(there: Mapping[str, Any]) -> Amounts:
    """Of what ``GET /allocations/{consumer_uuid}`` says."""
    return {
        (same_uuid(provider), name): amount
        for provider, item in there.get("allocations", {}).items()
        for name, amount in item["resources"].items()
    }


def amounts_after(body: Mapping[str, Any]) -> Amounts:
    """Of what is written of a consumer. UnreadableTargetError."""
    try:
        return {
            (same_uuid(provider), name): amount
            for provider, resources in (held(body) if body else {}).items()
            for name, amount in resources.items()
        }
    except ODD:
        raise UnreadableTargetError("the allocations are not as the schema says") from None


class ReleasedProjects(Globs, StateCheck):
    """``released_projects:GLOB,...``: the project of each consumer that loses something matches.

    It loses what it does not hold any more, and all of it where the consumer becomes another
    project's. ``released_projects:%(project_id)s`` is the caller's own.
    """

    def broken(self, question: Question) -> Iterator[Reason]:
        matches = matcher(self.match, question)
        for consumer, body in question.target.bodies.items():
            there = question.before.allocations(consumer)
            project = there.get("project_id")
            if project is None or matches(project):
                continue
            before, after = amounts_before(there), amounts_after(body)
            # Below 1.8 a write names no project, and the consumer loses the one it had.
            taken = body.get("project_id") != project
            if taken or any(after.get(what, 0) < amount for what, amount in before.items()):
                what = f"consumer {quoted(consumer)} of project {quoted(project)} loses something"
                yield Reason(f"{what}, which {self} does not allow")


class ChangedClasses(Globs, StateCheck):
    """``changed_classes:GLOB,...``: each resource class of which a consumer holds more or less
    than before matches."""

    def broken(self, question: Question) -> Iterator[Reason]:
        matches = matcher(self.match, question)
        for consumer, body in question.target.bodies.items():
            before = amounts_before(question.before.allocations(consumer))
            after = amounts_after(body)
            for what in sorted(before.keys() | after.keys()):
                if before.get(what, 0) != after.get(what, 0) and not matches(what[1]):
                    yield Reason(
                        f"consumer {quoted(consumer)} holds another amount of {quoted(what[1])}, "
                        f"which {self} does not allow"
                    )


class NoGrowth(StateCheck):
    """``no_growth:true``: no consumer holds more of anything than before. A release passes, and so
    does one that leaves something."""

    of_all = True

    def problem(self) -> str | None:
        return None if self.match == "true" else "takes only true"

    def broken(self, question: Question) -> Iterator[Reason]:
        for consumer, body in question.target.bodies.items():
            after = amounts_after(body)
            if not after:
                continue
            before = amounts_before(question.before.allocations(consumer))
            for what, amount in after.items():
                if amount > before.get(what, 0):
                    yield Reason(f"consumer {quoted(consumer)} gets more of {quoted(what[1])}")
