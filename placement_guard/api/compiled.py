"""A schema, compiled place by place: each can say yes or no of what stands there, fast, and find
the error in Python's words.

The yes or no is that of jsonschema-rs: no error is built, however much is wrong. The words are
those of Python's jsonschema, which Placement prints.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain
from typing import Any, Final

import jsonschema_rs
from jsonschema import Draft202012Validator, FormatChecker, validators
from jsonschema.exceptions import ValidationError
from oslo_utils.uuidutils import is_uuid_like

from placement_guard.api.jsonpath import Path
from placement_guard.api.schemas import Schema

Keys = Sequence[Any]
"""Keys of the members of an object, or indices of the items of a list."""

Look = tuple[bool, Iterable[Any]]
"""Whether a value is wrong itself, and the keys of the members in which something may be wrong,
last first; falsy where there are none."""

BATCH: Final = 256
"""How many members are asked about at once, where there are more."""

_SOUND: Final[Look] = (False, ())
_DESCENDING: Final = ("properties", "patternProperties")

_formats = FormatChecker(formats=())
_formats.checks("uuid")(is_uuid_like)


def _unique_items(
    validator: Any, _: Schema, instance: Any, __: Schema
) -> Iterator[ValidationError]:
    """The keyword as jsonschema has it, which takes quadratic time where items do not sort."""
    is_list = validator.is_type(instance, "array")
    if is_list and len(set(map(_comparable, instance))) < len(instance):
        yield ValidationError(f"{instance!r} has non-unique elements")


def _comparable(value: Any) -> Any:
    """Something hashable that is equal where JSON Schema holds the values to be equal."""
    if isinstance(value, list):
        return "list", *map(_comparable, value)
    if isinstance(value, dict):
        return frozenset((key, _comparable(member)) for key, member in value.items())
    return ("bool", value) if isinstance(value, bool) else value


_Python = validators.extend(Draft202012Validator, {"uniqueItems": _unique_items})


class Compiled:
    """What a schema says of one place, and below it. Built once; safe for threads.

    ``trail`` is the way to it through the whole schema, as jsonschema spells it. ``breaks`` says
    whether something is wrong with a value, or cannot be told (surrogates, more than 255 levels);
    ``breaks_here`` says the same of this place alone, whatever is in the members of the value.
    """

    def __init__(self, schema: Schema, trail: tuple[str, ...] = ()) -> None:
        self._schema = schema
        self._trail = trail
        here = _here(schema)
        self.breaks = _breaks(schema)
        self.breaks_here = _breaks(here)
        self._members_break = _breaks(_below(schema))
        self._python = _Python(schema, format_checker=_formats)
        self._python_here = _Python(here, format_checker=_formats)
        named, matched = (
            {
                key: Compiled(within, (*trail, keyword, key))
                for key, within in schema.get(keyword, {}).items()
            }
            for keyword in _DESCENDING
        )
        self._named = named
        self._matched = [(re.compile(p).search, within) for p, within in matched.items()]
        self._taken = re.compile("|".join(matched)).search if matched else None
        items = schema.get("items")
        self._items = None if items is None else Compiled(items, (*trail, "items"))

    def look(self, value: Any) -> Look:
        """Whether ``value`` is wrong itself, and the members in which something may be wrong.

        Of a sound value neither: it is not wrong, and there are no such members.
        """
        # A large one is looked into anyway, and a look at all of it first would be the same work.
        if not _is_large(value) and not self.breaks(value):
            return _SOUND
        return self.look_into(value)

    def look_into(self, value: Any) -> Look:
        """The same of a value that is not sound, or may be not."""
        suspects: Iterable[Any] = ()
        if isinstance(value, dict):
            # Sorted at the end: a walk in the order of the keys, not of the memory, takes twice
            # the time.
            some = self._in_broken_batches(value, list(value)) if len(value) > BATCH else value
            suspects = sorted(some, reverse=True)
        elif isinstance(value, list):
            suspects = range(len(value) - 1, -1, -1)
            if len(value) > BATCH:
                suspects = self._in_broken_batches(value, suspects)
        return self.breaks_here(value), suspects

    def _in_broken_batches(self, value: Any, keys: Keys) -> Iterable[Any]:
        batches = (keys[first : first + BATCH] for first in range(0, len(keys), BATCH))
        broken = [some for some in batches if self._members_break(_only(value, some))]
        return chain.from_iterable(broken) if broken else ()

    def within(self, key: str | int) -> "Compiled | None":
        """What is said of a member, if anything is."""
        if isinstance(key, int):
            return self._items
        if key in self._named:
            return self._named[key]
        return next((within for search, within in self._matched if search(key)), None)

    def errors(self, data: Any) -> Iterator[ValidationError]:
        """All errors, in Python's words: at the cost of a walk in Python."""
        yield from self._python.iter_errors(data)

    def errors_here(self, data: Any, place: Path) -> Iterator[ValidationError]:
        """The errors of this place alone, where ``data`` is what stands at ``place``."""
        for error in self._python_here.iter_errors(self._without_taken(data)):
            error.path.extendleft(reversed(place))
            error.relative_schema_path.extendleft(reversed(self._trail))
            error.instance, error.schema = data, self._schema
            yield error

    def _without_taken(self, data: Any) -> Any:
        """``data`` without the members that a pattern takes: nothing is wrong with their keys."""
        taken = self._taken
        if taken is None or not isinstance(data, dict) or not data:
            return data
        rest = {key: value for key, value in data.items() if not taken(key)}
        return rest or dict([next(iter(data.items()))])


def _here(schema: Schema) -> Schema:
    """``schema`` without what it says of its members' insides. The order decides between errors."""
    here = {key: value for key, value in schema.items() if key != "items"}
    for keyword in _DESCENDING:
        if keyword in here:
            here[keyword] = dict.fromkeys(here[keyword], True)
    return here


def _below(schema: Schema) -> Schema:
    """What ``schema`` says of its members' insides, and nothing else."""
    return {key: schema[key] for key in (*_DESCENDING, "items") if key in schema}


def _is_large(value: Any) -> bool:
    return isinstance(value, dict | list) and len(value) > BATCH


def _only(value: Any, keys: Keys) -> Any:
    """``value`` with these members only."""
    if isinstance(value, dict):
        return {key: value[key] for key in keys}
    return [value[key] for key in keys]


def _breaks(schema: Schema) -> Callable[[Any], bool]:
    is_valid = jsonschema_rs.Draft202012Validator(
        _as_python_matches(schema), formats={"uuid": is_uuid_like}, validate_formats=True
    ).is_valid

    def breaks(data: Any) -> bool:
        try:
            return not is_valid(data)
        except ValueError:
            return True

    return breaks


def _as_python_matches(schema: Any) -> Any:
    """The schema with Python's ``$``, which also matches before a trailing newline."""
    if isinstance(schema, list):
        return [_as_python_matches(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    rewritten: dict[str, Any] = {}
    for key, value in schema.items():
        if key == "pattern":
            rewritten[key] = _pattern(value)
        elif key == "patternProperties":
            rewritten[key] = {_pattern(p): _as_python_matches(s) for p, s in value.items()}
        else:
            rewritten[key] = _as_python_matches(value)
    return rewritten


def _pattern(pattern: str) -> str:
    return pattern[:-1] + r"\n?$" if pattern.endswith("$") else pattern
