"""Takes what is private out of a record: the same for the same key, and not to be turned back.

A UUID becomes another UUID in the same spelling, so that what is equal stays equal, and a path
still is one. Any other name becomes ``~`` and 24 hexadecimal digits. Classes, traits and consumer
types stay. A number becomes ``{"~": bits}``, the number of its binary digits, below zero negative.
"""

import re
from hashlib import blake2b
from typing import Any, Final

MAX_DEPTH: Final = 32
"""How deeply nested a document may be whose shape is kept; those of Placement have 6 levels."""

HIDDEN: Final = "~"
"""What a hidden name begins with, and the key that stands for a number."""

_UUID: Final = re.compile(
    r"[0-9a-fA-F]{8}(-?)[0-9a-fA-F]{4}\1[0-9a-fA-F]{4}\1[0-9a-fA-F]{4}\1[0-9a-fA-F]{12}"
)
_SYMBOL: Final = re.compile(r"[A-Z][A-Z0-9_]{0,254}\n?")
_WORDS: Final = frozenset({
    "aggregates", "allocation_candidates", "allocations", "inventories", "reshaper",
    "resource_classes", "resource_providers", "traits", "usages",
})  # fmt: skip
_KEYS: Final = _WORDS | frozenset({
    "allocation_ratio", "consumer_generation", "consumer_type", "generation", "mappings",
    "max_unit", "min_unit", "name", "parent_provider_uuid", "project_id", "reserved",
    "resource_class", "resource_provider", "resource_provider_generation", "resources",
    "step_size", "total", "user_id", "uuid",
})  # fmt: skip
_PLAIN_QUERY: Final = re.compile(
    r"(resources|required|limit|group_policy|consumer_type)[A-Za-z0-9_-]{0,64}"
)
_ALWAYS_HIDDEN: Final = frozenset({"project_id", "user_id"})


def is_plain(text: str) -> bool:
    """Whether a string is none that is hidden: a key of a document, a class, a trait, a type."""
    return text in _KEYS or bool(_SYMBOL.fullmatch(text) and not _UUID.fullmatch(text))


class Hiding:
    """Hides by ``key`` (16 to 64 bytes), which nothing that is recorded holds."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def name(self, text: str) -> str:
        """``text`` in hidden form: a UUID as a UUID, else as a name; nothing stays nothing."""
        if not text:
            return text
        found = _UUID.fullmatch(text)
        return self._uuid(found) if found else f"{HIDDEN}{self._digest(text)[:24]}"

    def _digest(self, text: str) -> str:
        encoded = text.encode("utf-8", "surrogatepass")
        return blake2b(encoded, key=self._key, digest_size=16).hexdigest()

    def _uuid(self, found: re.Match[str]) -> str:
        """Another UUID in the spelling of this one; the same for all its spellings."""
        text = found[0]
        digest = self._digest(text.replace("-", "").lower())
        if found[1]:
            digest = "-".join((digest[:8], digest[8:12], digest[12:16], digest[16:20], digest[20:]))
        return digest.upper() if text.upper() == text != text.lower() else digest

    def path(self, path: str) -> str:
        """The path: its words and symbols stay, UUIDs are hidden wherever they stand."""
        return "/".join(map(self._segment, path.split("/")))

    def _segment(self, text: str) -> str:
        if not text or is_plain(text):
            return text
        hidden = _UUID.sub(self._uuid, text)
        if hidden != text and not _UUID.sub("", text).strip("{}\n"):
            return hidden
        return self.name(text.removesuffix("\n")) + ("\n" if text.endswith("\n") else "")

    def query(self, query: str) -> str:
        """The query string: what asks for resources and traits stays, any other value is hidden."""
        return "&".join(map(self._pair, query.split("&")))

    def _pair(self, pair: str) -> str:
        key, equals, value = pair.partition("=")
        if _PLAIN_QUERY.fullmatch(key):
            return pair
        known = re.fullmatch(r"[a-z_]{1,32}[0-9]{0,4}", key)
        return f"{key if known else self.name(key)}{equals}{self.name(value)}"

    def identity(self, identity: dict[str, Any]) -> dict[str, Any]:
        """The identity: roles and scope stay, names and ids are hidden."""
        return {
            name: self.name(value) if isinstance(value, str) and name != "system_scope" else value
            for name, value in identity.items()
        }

    def shape(self, document: Any, *, names: bool) -> Any:
        """The shape of ``document``; ``names`` says to hide what is called ``name``.

        ValueError where it is nested too deeply.
        """
        return self._shape(document, "", names=names, depth=0)

    def _shape(self, value: Any, key: str, *, names: bool, depth: int) -> Any:
        if depth > MAX_DEPTH:
            raise ValueError("nested too deeply")
        if isinstance(value, dict):
            return {
                self._key_of(k): self._shape(v, k, names=names, depth=depth + 1)
                for k, v in value.items()
            }
        if isinstance(value, list):
            return [self._shape(item, key, names=names, depth=depth + 1) for item in value]
        if isinstance(value, str):
            private = key in _ALWAYS_HIDDEN or (names and key == "name")
            return value if not private and is_plain(value) else self.name(value)
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            return {HIDDEN: magnitude(value)}
        return value

    def _key_of(self, key: str) -> str:
        return key if is_plain(key) else self.name(key)


def magnitude(number: float) -> int:
    """How many binary digits the whole part has, below zero negative; 1024 for what has no end."""
    try:
        bits = int(abs(number)).bit_length()
    except (ValueError, OverflowError):
        bits = 1024
    return -bits if number < 0 else bits
