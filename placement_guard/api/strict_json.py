"""Parse JSON as Placement does, and find what Placement should not have taken.

Placement decodes UTF-8 and calls ``json.loads``: the last of two equal keys wins, NaN, Infinity
and 1e400 are numbers, lone surrogates and NULs are text. Those end as a 500, or as damage.
"""

import json
import math
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

import msgspec

from placement_guard.api.finding import Finding, bounded
from placement_guard.api.jsonpath import Path

UNREAD: Final = "mappings"
"""The key of what Placement neither stores nor reads: no string or number in it does harm."""

MAX_DEPTH: Final = 500
"""Levels of nesting. Placement's parser gives up near 1,000 less its own call stack (a 500)."""

# One object each, as Placement's parser has them: it makes two NaNs of a list "non-unique".
_CONSTANTS: Final = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}
_plain: Final = msgspec.json.Decoder().decode
_SURROGATE: Final = re.compile("[\ud800-\udfff]")


class Loaded(NamedTuple):
    """A decoded body; ``plain`` says that its numbers are finite, and no surrogate is alone."""

    data: Any
    plain: bool


class Parsed(NamedTuple):
    """A decoded body; ``suspect`` says that :func:`findings` will find something in it."""

    data: Any
    suspect: bool


class MalformedError(ValueError):
    """The body is no JSON; the message is the one that Placement's parser gives."""


class TooDeepError(ValueError):
    """The body is nested deeper than MAX_DEPTH."""


class _Repeated(dict[str, Any]):
    """An object in which keys were there more than once."""

    __slots__ = ("keys_repeated",)
    keys_repeated: tuple[str, ...]


def load(body: bytes) -> Loaded:
    """Decode ``body`` as Placement would.

    Raises MalformedError where Placement's parser fails too, and TooDeepError where it gives up.
    """
    try:
        # What it takes it decodes to the same, in half the time, and without a copy of the text.
        return Loaded(_plain(body), plain=True)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return Loaded(_decoded(_text(body)), plain=False)


def search_plain(body: bytes, data: Any) -> list[Finding] | None:
    """What is wrong with a plain body, where that can be told from the data.

    None where it cannot: a key may be there twice. A body has a colon for each key that was
    written, and has those that stand in strings. Raises TooDeepError past MAX_DEPTH.
    """
    if _count_keys(data) != body.count(b":"):
        return None
    return findings(data) if b"\\u" in body else []


def search(body: bytes) -> tuple[Any, list[Finding]]:
    """A body that Placement's parser takes, decoded, and what is wrong with it.

    Raises as :func:`parse` does.
    """
    data, suspect = parse(body)
    return data, findings(data) if suspect else []


def parse(body: bytes) -> Parsed:
    """Decode ``body``, noting what is suspect about it.

    Raises as :func:`load` does, and TooDeepError past MAX_DEPTH.
    """
    text = _text(body)
    suspect = False

    def pairs(items: list[tuple[str, Any]]) -> dict[str, Any]:
        nonlocal suspect
        decoded = dict(items)
        if len(decoded) == len(items):
            return decoded
        suspect = True
        repeated = _Repeated(decoded)
        counts = Counter(key for key, _ in items)
        repeated.keys_repeated = tuple(key for key, count in counts.items() if count > 1)
        return repeated

    def number(text: str) -> float:
        nonlocal suspect
        value = float(text)
        suspect |= not math.isfinite(value)
        return value

    def constant(name: str) -> float:
        nonlocal suspect
        suspect = True
        return _CONSTANTS[name]

    data = _decoded(text, object_pairs_hook=pairs, parse_float=number, parse_constant=constant)
    _count_keys(data)
    # Only an escape can bring a NUL or a lone surrogate into a string that is valid UTF-8.
    return Parsed(data, suspect or "\\u" in text)


def _text(body: bytes) -> str:
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise MalformedError(str(error)) from None


def _decoded(text: str, **hooks: Any) -> Any:
    try:
        return json.loads(text, **hooks)
    except ValueError as error:
        raise MalformedError(str(error)) from None
    except RecursionError:
        raise TooDeepError from None


def _count_keys(data: Any) -> int:
    """How many keys there are. Looks at each value once; raises TooDeepError past MAX_DEPTH."""
    keys = 0
    level = [data] if isinstance(data, dict | list) else []
    for _ in range(MAX_DEPTH):
        if not level:
            return keys
        keys += sum(len(container) for container in level if isinstance(container, dict))
        level = [
            member
            for container in level
            for member in (container.values() if isinstance(container, dict) else container)
            if isinstance(member, dict | list)
        ]
    if level:
        raise TooDeepError
    return keys


def findings(data: Any) -> list[Finding]:
    """What is wrong with decoded data, in document order, at most MAX_FINDINGS by each rule."""
    return bounded(_walk(data))


def _walk(data: Any) -> Iterator[Finding]:
    stack: list[tuple[Path, Any]] = [((), data)]
    while stack:
        path, value = stack.pop()
        if isinstance(value, _Repeated):
            yield from _repeated(path, value)
        if UNREAD not in path:
            yield from _of_value(path, value)
        if isinstance(value, dict):
            stack.extend([((*path, k), v) for k, v in value.items()][::-1])
        elif isinstance(value, list):
            stack.extend([((*path, i), v) for i, v in enumerate(value)][::-1])


def _of_value(path: Path, value: Any) -> Iterator[Finding]:
    if isinstance(value, str):
        yield from _of_text(path, value, "string")
    elif isinstance(value, float) and not math.isfinite(value):
        yield Finding("json.not_finite", "the number is not finite", path)
    elif isinstance(value, dict):
        for key in value:
            yield from _of_text((*path, key), key, "key")


def _repeated(path: Path, value: _Repeated) -> Iterator[Finding]:
    for key in value.keys_repeated:
        yield Finding("json.duplicate_key", "the key stands there more than once", (*path, key))


def _of_text(path: Path, text: str, kind: str) -> Iterator[Finding]:
    if "\0" in text:
        yield Finding("json.nul_character", f"the {kind} holds a NUL character", path)
    if _SURROGATE.search(text):
        yield Finding("json.lone_surrogate", f"the {kind} holds half a surrogate pair", path)
