"""What a policy rule can ask of a payload: checks for oslo.policy, by their entry points.

A check passes where all that the request names passes; the first that does not is the reason. Asked
by another enforcer than the guard's, which knows no payload, they pass nothing.
"""

import re
from abc import abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from oslo_policy import policy

from placement_guard.policy.patterns import Matches, globs_problem, limit, matcher, quoted
from placement_guard.policy.question import Question, Reason, UnevaluableError
from placement_guard.target import same_uuid

_SINGULAR: Final = {
    "resource_classes": "resource class",
    "providers": "provider",
    "consumers": "consumer",
    "consumer_types": "consumer type",
    "projects": "project",
    "users": "user",
    "traits": "trait",
    "aggregates": "aggregate",
}
_UUIDS: Final = frozenset({"providers", "consumers", "aggregates"})
"""Kinds whose values a database may know in several spellings."""


class PayloadCheck(policy.Check):
    """A check that sees the payload: ``kind:match`` in a rule.

    ``reads_state`` says whether it reads what is stored; ``of_all`` that it passes where all of
    several things do, so that ``not`` in front of it would let one thing hide another.
    """

    reads_state = False
    of_all = False

    def __call__(
        self,
        target: Any,
        _creds: Mapping[str, Any],
        _enforcer: Any,
        _current_rule: str | None = None,
    ) -> bool:
        if not isinstance(target, Question):
            return False
        reason = next(self.broken(target), None)
        if reason is not None:
            target.refused.append(reason)
        return reason is None

    def problem(self) -> str | None:
        """What is wrong with the part after the colon; None where nothing is."""
        return None

    @abstractmethod
    def broken(self, question: Question) -> Iterator[Reason]:
        """Why it does not pass; nothing where it does."""


class StateCheck(PayloadCheck):
    """A check that sees what is stored before the write, too."""

    reads_state = True


class Globs(PayloadCheck):
    """A check that is given a list of patterns, for all that it finds."""

    of_all = True

    def problem(self) -> str | None:
        return globs_problem(self.match)


class Named(Globs):
    """``resource_classes:GLOB,...`` and the like: all that the payload names matches.

    The kinds are those of :class:`~placement_guard.target.Target`. The first pattern that a name
    matches decides; with ``!`` in front it says no: ``!VCPU,*``. ``%(name)s`` in a pattern stands
    for what the caller is, taken literally. ``none`` matches nothing. UUIDs in any spelling.
    """

    def broken(self, question: Question) -> Iterator[Reason]:
        target, kind = question.target, self.kind
        values = target.values(kind)
        if not values and target.operation in _NAMELESS.get(kind, ()):
            raise UnevaluableError(
                f"{self} cannot judge what {target.operation} does not name; ask {_INSTEAD[kind]}"
            )
        if target.leaves_out(kind):
            raise UnevaluableError(
                f"{self} needs a microversion that names every {_SINGULAR[kind]}"
            )
        matches = self._matches(question)
        if all(map(matches, values)):
            return
        for value, path in target.named(kind):
            if not matches(value):
                yield Reason(f"{_SINGULAR[kind]} {quoted(value)} is not allowed by {self}", path)

    def _matches(self, question: Question) -> Matches:
        if self.kind not in _UUIDS:
            return matcher(self.match, question)
        matches = matcher(self.match.lower(), question)
        return lambda uuid: matches(_canonical(uuid))


def _canonical(uuid: str) -> str:
    """The usual spelling of a UUID."""
    digits = same_uuid(uuid)
    if len(digits) != 32:
        return uuid.lower()
    return "-".join(map(digits.__getitem__, _GROUPS))


_GROUPS: Final = (slice(8), slice(8, 12), slice(12, 16), slice(16, 20), slice(20, 32))

_DELETE_ALLOCATIONS: Final = frozenset({"allocations:delete"})
_NAMELESS: Final[Mapping[str, frozenset[str]]] = {
    "resource_classes": frozenset(
        {"resource_providers:inventories:delete", "resource_providers:delete"}
    ),
    "traits": frozenset({"resource_providers:traits:delete", "resource_providers:delete"}),
    "projects": _DELETE_ALLOCATIONS,
    "users": _DELETE_ALLOCATIONS,
    "consumer_types": _DELETE_ALLOCATIONS,
}
"""Operations that drop what is of a kind without naming it."""

_INSTEAD: Final = {
    "resource_classes": "dropped_classes",
    "traits": "dropped_traits",
    "projects": "released_projects",
    "users": "released_projects",
    "consumer_types": "released_projects",
}


class AtMost(PayloadCheck):
    """``max_providers:N``, ``max_consumers:N``: the request names at most so many of them."""

    def problem(self) -> str | None:
        return None if self.match.isdecimal() else "is no whole number from 0 on"

    def broken(self, question: Question) -> Iterator[Reason]:
        kind = self.kind.removeprefix("max_")
        number = len(question.target.values(kind))
        if number > int(self.match):
            yield Reason(f"{number} {kind} are more than {self} allows")


class Amounts(PayloadCheck):
    """``max_amount:VCPU=64,CUSTOM_*=8``: the request claims at most so much of each class.

    The first pattern that matches a class holds for it; a class that none matches is not limited.
    ``max_total`` likewise limits the ``total`` of each inventory that is written.
    """

    def problem(self) -> str | None:
        bad = [part for part in self.match.split(",") if not _AMOUNT.fullmatch(part)]
        return f"{bad[0]!r} is not of the form CLASS=NUMBER" if bad else None

    def broken(self, question: Question) -> Iterator[Reason]:
        for name, amount in self._written(question):
            most = limit(self.match, name)
            if most is not None and amount > int(most):
                yield Reason(f"{amount} of {quoted(name)} is more than {self} allows")

    def _written(self, question: Question) -> Iterable[tuple[str, int]]:
        if self.kind == "max_amount":
            return question.target.amounts.items()
        return (
            (name, record["total"])
            for records in question.target.inventories.values()
            for name, record in records.items()
        )


_AMOUNT: Final = re.compile(r"[^=,]+=[0-9]{1,12}")


class Release(PayloadCheck):
    """``release:true``: the request does no more than give back what consumers hold."""

    def problem(self) -> str | None:
        return None if self.match == "true" else "takes only true; put not before it otherwise"

    def broken(self, question: Question) -> Iterator[Reason]:
        if not question.target.is_release:
            yield Reason("it does more than give back what consumers hold")


class MinMicroversion(PayloadCheck):
    """``min_microversion:1.28``: the request speaks this microversion or a later one."""

    def problem(self) -> str | None:
        return None if re.fullmatch(r"1\.[0-9]{1,4}", self.match) else "is no microversion (1.N)"

    def broken(self, question: Question) -> Iterator[Reason]:
        version = question.target.exchange.version
        if version is None or version < (1, int(self.match.partition(".")[2])):
            yield Reason(f"microversion {question.target.microversion} is older than {self.match}")


class Profiles(PayloadCheck):
    """``profiles:any``: a profile of the caller's allows it, for rules ``placement_guard:...``."""

    def problem(self) -> str | None:
        return None if self.match == "any" else "takes only any"

    def broken(self, question: Question) -> Iterator[Reason]:
        if not question.in_profile():
            yield Reason("no profile of the caller allows it")
