"""The exact way to judge a body: Placement's own verdict, in Placement's own words.

Placement reports the error that :func:`jsonschema.exceptions.best_match` picks: the shallowest
one. So the search goes down level by level: a compiled validator (jsonschema-rs) says yes or no of
each member, in a fraction of the time, and Python's jsonschema looks at the first level at which
something is wrong, one level deep, and writes the sentence. So a large body costs a few times what
decoding it costs, not seconds, and no more memory than that.
"""

import itertools
import re
from collections.abc import Iterable, Iterator
from typing import Any, Final

import jsonschema_rs
from jsonschema import Draft202012Validator, FormatChecker, validators
from jsonschema.exceptions import ValidationError, best_match
from oslo_utils.uuidutils import is_uuid_like

from placement_guard.api import strict_json
from placement_guard.api.finding import Finding
from placement_guard.api.jsonpath import Path
from placement_guard.api.schemas import Schema
from placement_guard.api.wording import malformed, wording_of

MAX_PLACES: Final = 64
"""How many of the shallowest broken places are put into words, to choose the best from."""

MAX_WHOLE: Final = 64 * 1024
"""The largest body (bytes) that Python's jsonschema may walk as a whole, where places do not do."""

TOO_DEEP: Final = Finding(
    "json.too_deep", f"the body is nested deeper than {strict_json.MAX_DEPTH} levels", ()
)
_DESCENDING: Final = ("properties", "patternProperties")

_Node = tuple[Path, Schema, Any]

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


class Judge:
    """Judges decoded bodies by one schema. Built once; safe for threads."""

    def __init__(self, schema: Schema) -> None:
        self._schema = schema
        self._python = _Python(schema, format_checker=_formats)
        self._whole = _Compiled(schema)
        # By identity: the same schema may stand in several places.
        self._compiled = {
            id(part): (_Compiled(part), _Compiled(_shallow(part))) for part in _subschemas(schema)
        }

    def judge(self, body: bytes) -> tuple[Any, list[Finding]]:
        """Decode and judge ``body``: the data, and what is wrong with it (nothing: accepted).

        The findings are one of Placement's own (``json.malformed``, ``document.invalid``), whose
        text is Placement's, or those of the strict rules.
        """
        try:
            data = strict_json.load(body)
            invalid = self._error(data, len(body))
            if invalid is None:
                if strict_json.too_deep(data):
                    return None, [TOO_DEEP]
                return data, strict_json.search(body)
        except strict_json.MalformedError as error:
            return None, [Finding("json.malformed", malformed(error), ())]
        except (strict_json.TooDeepError, RecursionError):  # Placement gets no further either
            return None, [TOO_DEEP]
        place = tuple(invalid.absolute_path)
        return data, [Finding("document.invalid", wording_of(invalid), place)]

    def _error(self, data: Any, size: int) -> ValidationError | None:
        if not self._whole.breaks(data):
            return None
        level: list[_Node] = [((), self._schema, data)]
        while level:
            error = best_match(itertools.chain.from_iterable(self._at(*node) for node in level))
            if error is not None:
                return error
            level = self._below(level)
        # The two disagree (a NaN is a null to the compiled one), or it cannot judge such data.
        return best_match(self._python.iter_errors(data)) if size <= MAX_WHOLE else None

    def _below(self, level: list[_Node]) -> list[_Node]:
        """The members of these nodes in which something is wrong, at most MAX_PLACES.

        Those that are wrong themselves, if there are any. Of equally shallow places jsonschema
        prefers the last in order, so the last come first.
        """
        deeper: list[_Node] = []
        wrong: list[_Node] = []
        for place, schema, value in level:
            for key, within in _members(schema, value):
                whole, shallow = self._compiled[id(within)]
                member = value[key]
                if not whole.breaks(member):
                    continue
                node: _Node = ((*place, key), within, member)
                if shallow.breaks(member):
                    wrong.append(node)
                    if len(wrong) == MAX_PLACES:
                        return wrong
                elif len(deeper) < MAX_PLACES:
                    deeper.append(node)
        return wrong or deeper

    def _at(self, place: Path, schema: Schema, instance: Any) -> Iterator[ValidationError]:
        """The errors at one place, those further down left out."""
        trail = self._trail(place)
        validator = self._python.evolve(schema=_shallow(schema))
        for error in validator.iter_errors(_unmatched(schema, instance)):
            error.path.extendleft(reversed(place))
            error.relative_schema_path.extendleft(reversed(trail))
            error.instance, error.schema = instance, schema
            yield error

    def _trail(self, place: Path) -> list[str | int]:
        """The way to a place through the schema."""
        schema, trail = self._schema, []
        for key in place:
            found = _descend(schema, key)
            if found is None:  # never: a place is found through the schema
                break
            schema, steps = found
            trail.extend(steps)
        return trail


class _Compiled:
    """A schema that is asked for a yes or a no: no error is built, however much is wrong."""

    def __init__(self, schema: Schema) -> None:
        self._is_valid = jsonschema_rs.Draft202012Validator(
            _as_python_matches(schema), formats={"uuid": is_uuid_like}, validate_formats=True
        ).is_valid

    def breaks(self, data: Any) -> bool:
        """Whether something is wrong, or cannot be told: surrogates, more than 255 levels."""
        try:
            return not self._is_valid(data)
        except ValueError:
            return True


def _members(schema: Schema, value: Any) -> Iterator[tuple[str | int, Schema]]:
    """The members of a value that the schema speaks of, last first, each with its schema."""
    keys: Iterable[str | int] = ()
    if isinstance(value, dict):
        keys = sorted(value, reverse=True)
    elif isinstance(value, list):
        keys = range(len(value) - 1, -1, -1)
    for key in keys:
        found = _descend(schema, key)
        if found is not None:
            yield key, found[0]


def _subschemas(schema: Schema) -> Iterator[Schema]:
    """A schema, and those of all its members."""
    yield schema
    for keyword in _DESCENDING:
        for within in schema.get(keyword, {}).values():
            yield from _subschemas(within)
    if "items" in schema:
        yield from _subschemas(schema["items"])


def _descend(schema: Schema, key: str | int) -> tuple[Schema, list[str | int]] | None:
    """The schema of a member, and the way to it; None where nothing is said of it."""
    if isinstance(key, int):
        return (schema["items"], ["items"]) if "items" in schema else None
    if key in schema.get("properties", ()):
        return schema["properties"][key], ["properties", key]
    for pattern, member in schema.get("patternProperties", {}).items():
        if re.search(pattern, key):
            return member, ["patternProperties", pattern]
    return None


def _shallow(schema: Schema) -> Schema:
    """``schema`` without what it says of its members' insides."""
    shallow = {key: value for key, value in schema.items() if key != "items"}
    for keyword in _DESCENDING:
        if keyword in shallow:
            shallow[keyword] = dict.fromkeys(shallow[keyword], True)
    return shallow


def _unmatched(schema: Schema, instance: Any) -> Any:
    """``instance`` without the members that a pattern takes: nothing is wrong with their keys."""
    patterns = schema.get("patternProperties")
    if not patterns or not isinstance(instance, dict) or not instance:
        return instance
    search = re.compile("|".join(patterns)).search
    rest = {key: value for key, value in instance.items() if not search(key)}
    return rest or dict([next(iter(instance.items()))])


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
