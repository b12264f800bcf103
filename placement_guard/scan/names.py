"""Names, and what they must not hold."""

import unicodedata
from typing import Any, Final

from placement_guard.scan.findings import Finding

_CONTROL: Final = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
"""Unicode categories: controls, what turns the direction of text, surrogates, line separators."""

_NAME_LETTERS: Final = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_")


def has_control(text: str | None) -> bool:
    """Whether a terminal or a log could be fooled by it."""
    return any(unicodedata.category(letter) in _CONTROL for letter in text or "")


def judge_name(what: str, name: str | None, *, free: bool = False, **where: Any) -> list[Finding]:
    """A name; ``free`` is one of a provider, a project or a user, which may hold any letter.

    All others are of upper-case letters, digits and underscores: ``placement.schemas``.
    """
    if has_control(name):
        text = f"the name of a {what} holds a control character: {name}"
        return [Finding("name.control_character", text, values={"name": name}, **where)]
    if not free and not (name and _NAME_LETTERS.issuperset(name)):
        text = f"the name of a {what} is not of A-Z, 0-9 and _: {name}"
        return [Finding("name.pattern", text, values={"name": name}, **where)]
    return []
