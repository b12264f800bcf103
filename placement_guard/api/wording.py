"""What Placement says of a body that it refuses, its long printouts cut.

Placement prints the whole schema and the whole instance: a body of 2.3 MB was answered with 4 MB.
"""

from typing import Any, Final

from jsonschema.exceptions import ValidationError

MAX_WORDING: Final = 3600
"""The longest wording (bytes of UTF-8). With webob's own sentence around it stays below 4 kB."""

MAX_SENTENCE: Final = 300
"""The longest sentence (bytes of UTF-8) about one error among several."""

# Nodes and characters of an instance that is printed at all: each is one byte or more in print.
_MAX_PRINTED: Final = MAX_WORDING


def malformed(error: Exception) -> str:
    """What Placement says of a body that is not JSON."""
    return _cut(f"Malformed JSON: {error}", MAX_WORDING)


def wording_of(error: ValidationError) -> str:
    """What Placement says of ``error``, its long printouts cut: at most MAX_WORDING bytes.

    The sentence, the "Failed validating" line and the "On instance" line stay.
    """
    prefix = "JSON does not validate: "
    if _printable(error.instance):
        try:
            whole = f"{prefix}{error}"
        except RecursionError:  # printing nests deeper than parsing; Placement answers 500 here
            whole = None
        if whole and len(whole.encode("utf-8", "surrogatepass")) <= MAX_WORDING:
            return whole
    part = MAX_WORDING // 4
    schema_path = _indices(list(error.relative_schema_path)[:-1])
    return (
        f"{prefix}{_cut(error.message, part)}\n\n"
        f"Failed validating {error.validator!r} in {_cut('schema' + schema_path, part)}:\n"
        f"    ...\n\n"
        f"On {_cut('instance' + _indices(list(error.relative_path)), part)}:\n    ..."
    )


def sentence_of(error: ValidationError) -> str:
    """What is wrong in one sentence, without where: at most MAX_SENTENCE bytes, on one line."""
    return " ".join(_cut(error.message, MAX_SENTENCE).split())


def _indices(path: list[str | int]) -> str:
    return "".join(f"[{part!r}]" for part in path)


def _cut(text: str, limit: int) -> str:
    """``text`` in at most about ``limit`` bytes, its middle left out."""
    size = len(text.encode("utf-8", "surrogatepass"))
    if size <= limit:
        return text
    # Four bytes a character at most, so this is on the safe side of any text.
    half = limit // 2 if text.isascii() else limit // 8
    return f"{text[: half - 3]} ... {text[-(half - 3) :]}"


def _printable(value: Any) -> bool:
    """Whether printing ``value`` costs little. Looks at a bounded part of it."""
    budget = _MAX_PRINTED
    stack = [value]
    while stack:
        item = stack.pop()
        budget -= 1 + (len(item) if isinstance(item, str | dict | list) else 0)
        if budget < 0:
            return False
        if isinstance(item, dict):
            stack.extend(item)
            stack.extend(item.values())
        elif isinstance(item, list):
            stack.extend(item)
    return True
