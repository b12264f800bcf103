"""The exact way to judge a body: Placement's own verdict, in Placement's own words.

Placement reports the error that :func:`jsonschema.exceptions.best_match` picks: the shallowest
one. A compiled validator (jsonschema-rs) names the places of all errors in a fraction of the time;
Python's jsonschema then looks at the shallowest of those places only, one level deep, and writes
the sentence. So a large body costs a few times what decoding it costs, not seconds.
"""

import re
from collections.abc import Iterator
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
        self._compiled = jsonschema_rs.Draft202012Validator(
            _as_python_matches(schema), formats={"uuid": is_uuid_like}, validate_formats=True
        )

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
        # First the root and its members: jsonschema-rs copies what is broken into its errors, and
        # these are the largest.
        root: list[Path] = [()]
        for places in (root, _members(self._schema, data)):
            error = best_match(self._worded(data, places))
            if error is not None:
                return error
        return self._error_within(data, size)

    def _error_within(self, data: Any, size: int) -> ValidationError | None:
        places: list[Path] | None
        try:
            places = self._broken(data)
        except UnicodeEncodeError:  # half a surrogate pair: the compiled one cannot look at it
            places = None
        except ValueError:  # what it looks at holds more levels than it takes: 255
            if size > MAX_WHOLE:
                raise RecursionError from None
            places = None
        if places is not None:
            if not places:
                return None
            error = best_match(self._worded(data, places))
            if error is not None:
                return error
        # The two disagree (a NaN is a null to the compiled one), or it cannot judge such data.
        return best_match(self._python.iter_errors(data)) if size <= MAX_WHOLE else None

    def _broken(self, data: Any) -> list[Path]:
        """The shallowest of the places where something is wrong."""
        places: set[Path] = set()
        depth = -1
        for found in self._compiled.iter_errors(data):
            path = found.instance_path
            if depth < 0 or len(path) < depth:
                depth = len(path)
                places.clear()
            if len(path) == depth:
                places.add(tuple(path))
        if any(_is_ambiguous(data, place) for place in places):
            pointers = {unit["instanceLocation"] for unit in self._compiled.evaluate(data).errors()}
            return [_place(data, pointer) for pointer in pointers if pointer.count("/") == depth]
        return list(places)

    def _worded(self, data: Any, places: list[Path]) -> Iterator[ValidationError]:
        # Of equally shallow places jsonschema prefers the last in order.
        for place in sorted(places)[-MAX_PLACES:]:
            yield from self._at(data, place)

    def _at(self, instance: Any, place: Path) -> Iterator[ValidationError]:
        """The errors at one place, those further down left out."""
        schema, trail = self._schema, []
        for key in place:
            schema, steps = _descend(schema, key)
            trail.extend(steps)
            instance = instance[key]
        validator = self._python.evolve(schema=_shallow(schema))
        for error in validator.iter_errors(_unmatched(schema, instance)):
            error.path.extendleft(reversed(place))
            error.relative_schema_path.extendleft(reversed(trail))
            error.instance, error.schema = instance, schema
            yield error


def _members(schema: Schema, data: Any) -> list[Path]:
    """The places of those members of an object that its schema names."""
    if not isinstance(data, dict):
        return []
    return [(key,) for key in schema.get("properties", ()) if key in data]


def _is_ambiguous(data: Any, place: Path) -> bool:
    """Whether a key may have been taken for an index: jsonschema-rs makes 7 of the key "007"."""
    for key in place:
        if isinstance(key, int) and isinstance(data, dict):
            return True
        data = data[key]
    return False


def _place(data: Any, pointer: str) -> Path:
    """The path that a JSON pointer into ``data`` means."""
    path: list[str | int] = []
    for token in pointer.split("/")[1:]:
        name = token.replace("~1", "/").replace("~0", "~")
        path.append(int(name) if isinstance(data, list) else name)
        data = data[path[-1]]
    return tuple(path)


def _descend(schema: Schema, key: str | int) -> tuple[Schema, list[str | int]]:
    """The schema of a member, and the way to it."""
    if isinstance(key, int):
        return schema["items"], ["items"]
    if key in schema.get("properties", ()):
        return schema["properties"][key], ["properties", key]
    for pattern, member in schema["patternProperties"].items():
        if re.search(pattern, key):
            return member, ["patternProperties", pattern]
    raise LookupError(key)


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
