"""The words of checks: patterns of names, percentages, and how a client's words are quoted."""

import re
from collections.abc import Mapping
from fnmatch import translate
from functools import lru_cache
from typing import Any, Final, Protocol

from placement_guard.policy.question import UnevaluableError

MAX_QUOTED: Final = 128
"""How much of a name that a client wrote is quoted in a reason (characters)."""

NONE: Final = "none"
"""Stands for no pattern at all: nothing of this kind passes."""

_GLOB: Final = re.compile(r"([*?[])")
_INTERPOLATED: Final = re.compile(r"%\((\w+)\)s")
_SHARE: Final = re.compile(r"([0-9]{1,3}(?:\.[0-9]{1,3})?)%")

NAMES: Final = frozenset(
    {"operation", "microversion", "user_id", "user_name", "user_domain_id", "user_domain_name",
     "project_id", "project_name", "project_domain_id", "project_domain_name"}
)  # fmt: skip
"""What ``%(name)s`` may stand for in a pattern."""


class Matches(Protocol):
    def __call__(self, text: str, /) -> Any: ...


def globs_problem(text: str) -> str | None:
    """What is wrong with a list of patterns."""
    parts = text.split(",")
    if not all(part.removeprefix("!") for part in parts):
        return "has an empty pattern; separate patterns by one comma, and write none for none"
    if all(part.startswith("!") for part in parts):
        return "only excludes; put ,* behind it for everything else"
    if "%" in _INTERPOLATED.sub("", text):
        return "has a % that is no %(name)s"
    unknown = [n for n in _INTERPOLATED.findall(text) if n not in NAMES]
    return f"there is no %({unknown[0]})s" if unknown else None


def matcher(text: str, names: Mapping[str, Any]) -> Matches:
    """Whether a value matches the patterns; the first that it matches decides, and one with ``!``
    in front says no. ``%(name)s`` is filled in first, from ``names``. UnevaluableError."""
    if "%(" in text:
        text = _INTERPOLATED.sub(lambda found: _literally(names, found[1]), text)
    return _compiled(text)


def _literally(names: Mapping[str, Any], name: str) -> str:
    value = names.get(name)
    if not value or "," in value or value.startswith("!"):
        raise UnevaluableError(f"the caller has no {name} that a pattern can hold")
    return _GLOB.sub(r"[\1]", value)


@lru_cache(maxsize=1024)
def _compiled(text: str) -> Matches:
    if text == NONE:
        return lambda _: False
    parts = text.split(",")
    if "!" not in text:
        return re.compile("|".join(map(translate, parts))).match
    ordered = [(re.compile(translate(p.removeprefix("!"))).match, p[0] != "!") for p in parts]
    return lambda value: next((says for match, says in ordered if match(value)), False)


@lru_cache(maxsize=256)
def limits(text: str) -> list[tuple[Matches, str]]:
    """``CLASS=VALUE,...``: what tells whether a name matches, and the value."""
    parts = [part.split("=") for part in text.split(",")]
    return [(_compiled(pattern), value) for pattern, value in parts]


def limit(text: str, name: str) -> str | None:
    """The value of the first pattern that ``name`` matches."""
    return next((value for matches, value in limits(text) if matches(name)), None)


def percent(text: str) -> float | None:
    """A percentage as a share, 0 to 1; None where it is none."""
    found = _SHARE.fullmatch(text)
    share = float(found[1]) / 100 if found else 2.0
    return share if share <= 1 else None


def quoted(value: Any) -> str:
    """What a client wrote, for a message: ASCII, bounded, on one line."""
    text = ascii(value)[1:-1] if isinstance(value, str) else ascii(value)
    return text if len(text) <= MAX_QUOTED else f"{text[:MAX_QUOTED]}..."
