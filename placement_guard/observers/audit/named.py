"""What a record tells of a target: a few values of each kind, bounded, and the count of all."""

import json
import re
from collections.abc import Mapping
from typing import Any, Final

from msgspec import Struct, structs

from placement_guard.api.operations import NAMES
from placement_guard.exchange import Exchange
from placement_guard.target import Target, UnreadableTargetError, held

MAX_TEXT: Final = 128
"""The longest text (bytes of JSON) in a record; a longer one ends in ``...``."""

MAX_VALUES: Final = 16
"""How many values of a kind are recorded."""


_PLAIN: Final = re.compile(r"[ !#-\[\]-~]*").fullmatch


_OF_ALLOCATIONS: Final = (
    "providers",
    "resource_classes",
    "consumers",
    "consumer_types",
    "projects",
    "users",
)
_OF_PREFIXES: Final = {
    "resource_providers:inventories:": ("providers", "resource_classes"),
    "resource_providers:traits:": ("providers", "traits"),
    "resource_providers:aggregates:": ("providers", "aggregates"),
    "resource_providers:": ("providers",),
    "resource_classes:": ("resource_classes",),
    "traits:": ("traits",),
    "allocations:": _OF_ALLOCATIONS,
    "reshaper:": _OF_ALLOCATIONS,
}
_KEYS: Final = (
    ("consumer_types", "consumer_type"),
    ("projects", "project_id"),
    ("users", "user_id"),
)
_PARAMS: Final = {
    "uuid": "providers",
    "consumer_uuid": "consumers",
    "resource_class": "resource_classes",
}
"""The kind that a part of the path names; ``name`` is of the only kind of its operation."""

_ODD: Final = (TypeError, AttributeError, LookupError, ValueError)
_KINDS: Final = {
    name: next((kinds for prefix, kinds in _OF_PREFIXES.items() if name.startswith(prefix)), ())
    for name in NAMES
}
"""What an operation can name, by operation: a request pays for each kind that is looked for."""


class Named(Struct, frozen=True):
    """The values of one kind that a request names: how many there are, and the first of them."""

    count: int
    values: tuple[str, ...]


def named(exchange: Exchange) -> tuple[dict[str, Named], bool]:
    """What the request names, by kind, and whether that is all.

    It is not where the document was not read, or is not as Placement's schema says. Never fails.
    """
    complete = exchange.document is not None or exchange.expected is None
    target = Target(exchange)
    kinds = _KINDS[exchange.operation.name]
    found: dict[str, dict[Any, None]] = {kind: {} for kind in kinds}
    try:
        if kinds is _OF_ALLOCATIONS:
            _look_through(target, found)
        else:
            for kind in kinds:
                found[kind] = dict.fromkeys(target.values(kind))
    except (UnreadableTargetError, *_ODD):
        complete = False
        for name, value in exchange.params.items():  # that is certain, whatever the document is
            found.get(_PARAMS.get(name, kinds[-1]), {})[value] = None
    told = {}
    for kind, values in found.items():
        if values:
            first = [bounded(value) or "" for value in list(values)[:MAX_VALUES]]
            told[kind] = Named(len(values), tuple(first))
    return told, complete


def _look_through(target: Target, found: dict[str, dict[Any, None]]) -> None:
    """All kinds of a document that holds allocations, at once: it may be large."""
    providers, classes = found["providers"], found["resource_classes"]
    for provider, records in target.inventories.items():
        providers[provider] = None
        classes.update(dict.fromkeys(records))
    found["consumers"].update(dict.fromkeys(target.bodies))
    for body in target.bodies.values():
        for kind, key in _KEYS:
            if key in body:
                found[kind][body[key]] = None
        for provider, resources in held(body).items() if body else ():
            providers[provider] = None
            classes.update(dict.fromkeys(resources))


def without_values(target: Mapping[str, Named], most: int) -> dict[str, Named]:
    """The same with at most so many values of a kind; the counts stay."""
    return {
        kind: structs.replace(named, values=named.values[:most]) for kind, named in target.items()
    }


def bounded(text: Any) -> str | None:
    """The text, cut so that it takes at most MAX_TEXT bytes of JSON; None of an empty one."""
    if not text:
        return None
    if type(text) is not str:
        text = str(text)[: 2 * MAX_TEXT]
    # What needs no escape in JSON is as long there as it is here.
    if len(text) <= MAX_TEXT and _PLAIN(text):
        return text
    return _cut(text)


def _cut(text: str) -> str:
    # A lone surrogate is no text that others could read.
    kept = text[: MAX_TEXT + 1].encode("utf-8", "replace").decode("utf-8")
    cut = len(text) > MAX_TEXT
    while len(json.dumps(kept)) - 2 > MAX_TEXT - (3 if cut else 0):
        cut, kept = True, kept[:-1]
    return f"{kept}..." if cut else kept
