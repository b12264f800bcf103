"""What a policy rule can ask of a payload: checks for oslo.policy, by their entry points.

A check passes where all that the request names passes; the first that does not is the reason. Asked
by another enforcer than the guard's, which knows no payload, they pass nothing.
"""

import re
from abc import abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from fnmatch import translate
from functools import lru_cache
from typing import Any, Final, Protocol

from oslo_policy import policy

from placement_guard.policy.question import Question, Reason, UnevaluableError

MAX_QUOTED: Final = 128
"""How much of a name that a client wrote is quoted in a reason (characters)."""

NONE: Final = "none"
"""Stands for no pattern at all: nothing of this kind passes."""

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
_GLOB: Final = re.compile(r"([*?[])")
_INTERPOLATED: Final = re.compile(r"%\((\w+)\)s")


class PayloadCheck(policy.Check):
    """A check that sees the payload: ``kind:match`` in a rule.

    ``reads_state`` says whether it reads what is stored.
    """

    reads_state = False

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


class Named(PayloadCheck):
    """``resource_classes:GLOB,...`` and the like: all that the payload names matches one of them.

    The kinds are those of :class:`~placement_guard.target.Target`. ``%(name)s`` in a pattern stands
    for what the caller is, taken literally. ``none`` matches nothing.
    """

    def problem(self) -> str | None:
        return globs_problem(self.match)

    def broken(self, question: Question) -> Iterator[Reason]:
        target, kind = question.target, self.kind
        if target.operation in _NAMELESS.get(kind, ()) and not target.values(kind):
            raise UnevaluableError(f"{self} cannot judge a deletion of all; ask {_INSTEAD[kind]}")
        if target.leaves_out(kind):
            raise UnevaluableError(
                f"{self} needs a microversion that names every {_SINGULAR[kind]}"
            )
        matches = matcher(self.match, question)
        if all(map(matches, target.values(kind))):
            return
        for value, path in target.named(kind):
            if not matches(value):
                yield Reason(f"{_SINGULAR[kind]} {quoted(value)} is not allowed by {self}", path)


_NAMELESS: Final[Mapping[str, frozenset[str]]] = {
    "resource_classes": frozenset({"resource_providers:inventories:delete"}),
    "traits": frozenset({"resource_providers:traits:delete"}),
}
"""Operations that drop everything of a kind without naming it."""

_INSTEAD: Final = {"resource_classes": "dropped_classes", "traits": "dropped_traits"}


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
            most = next((most for matches, most in _limits(self.match) if matches(name)), None)
            if most is not None and amount > most:
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


# Patterns --------------------------------------------------------------------------------------


class Matches(Protocol):
    def __call__(self, text: str, /) -> Any: ...


def globs_problem(text: str) -> str | None:
    """What is wrong with a list of patterns."""
    if not all(text.split(",")):
        return "has an empty pattern; separate patterns by one comma, and write none for none"
    unknown = [n for n in _INTERPOLATED.findall(text) if n not in _QUESTION_NAMES]
    return f"there is no %({unknown[0]})s" if unknown else None


def matcher(text: str, question: Question) -> Matches:
    """Whether a value matches one of the patterns; ``%(name)s`` is filled in first."""
    if "%(" in text:
        text = _INTERPOLATED.sub(lambda found: _literally(question, found[1]), text)
    return _compiled(text)


def _literally(question: Question, name: str) -> str:
    value = question.get(name)
    if not value or "," in value:
        raise UnevaluableError(f"the caller has no {name} that a pattern can hold")
    return _GLOB.sub(r"[\1]", value)


@lru_cache(maxsize=1024)
def _compiled(text: str) -> Matches:
    if text == NONE:
        return lambda _: False
    return re.compile("|".join(map(translate, text.split(",")))).match


@lru_cache(maxsize=256)
def _limits(text: str) -> list[tuple[Matches, int]]:
    parts = [part.split("=") for part in text.split(",")]
    return [(_compiled(pattern), int(most)) for pattern, most in parts]


def percent(text: str) -> float | None:
    """A percentage as a share, 0 to 1; None where it is none."""
    found = re.fullmatch(r"([0-9]{1,3}(?:\.[0-9]{1,3})?)%", text)
    share = float(found[1]) / 100 if found else 2.0
    return share if share <= 1 else None


def quoted(value: Any) -> str:
    """What a client wrote, for a message: ASCII, bounded, on one line."""
    text = ascii(value)[1:-1] if isinstance(value, str) else ascii(value)
    return text if len(text) <= MAX_QUOTED else f"{text[:MAX_QUOTED]}..."


_QUESTION_NAMES: Final = frozenset(
    {"operation", "microversion", "user_id", "user_name", "user_domain_id", "user_domain_name",
     "project_id", "project_name", "project_domain_id", "project_domain_name"}
)  # fmt: skip
"""What ``%(name)s`` may stand for in a pattern."""
