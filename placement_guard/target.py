"""What a write is about: its target, read from its path and from its document.

One target is made for each write that somebody asks about. It looks at the document when it is
asked, and keeps what it has found. A document that has passed with a rule in mode warn or off may
have any shape: then UnreadableTargetError, never a guess.
"""

from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from typing import Any, Final

from placement_guard.api.jsonpath import Path
from placement_guard.exchange import Exchange
from placement_guard.shapes import (
    ODD,
    Once,
    UnreadableTargetError,
    held,
    of_mappings,
    same_uuid,
    sound,
)

__all__ = ["KINDS", "MANAGE", "RESHAPE", "Target", "UnreadableTargetError", "held", "same_uuid"]

Pairs = Iterable[tuple[str, Path]]
"""Values, each with its JSON path; of what stands in the URL, with an empty one."""

RESHAPE: Final = "reshaper:reshape"
MANAGE: Final = "allocations:manage"

_ON_ONE_CONSUMER: Final = frozenset({"allocations:update", "allocations:delete"})
_ALLOCATIONS: Final = frozenset({MANAGE, *_ON_ONE_CONSUMER})
_OF_MANY: Final = frozenset({RESHAPE, *_ALLOCATIONS})
_INVENTORIES: Final = "resource_providers:inventories:"
_NOT_AS_SCHEMA: Final = "the document is not as Placement's schema says"
_NOTHING: Final[dict[str, Any]] = {}
_OF_CONSUMERS: Final = {
    "consumer_types": "consumer_type",
    "projects": "project_id",
    "users": "user_id",
}
"""The key in the body of a consumer."""


class Target:
    """What one write is about.

    Each of ``resource_classes``, ``providers``, ``consumers``, ``consumer_types``, ``projects``,
    ``users``, ``traits`` and ``aggregates`` gives the values that the request names, with their
    JSON paths, by :meth:`named`, and each of them once by :meth:`values`.
    """

    def __init__(self, exchange: Exchange) -> None:
        self.exchange = exchange
        self.operation = exchange.operation.name
        self._values: dict[str, tuple[str, ...]] = {}

    @Once
    def document(self) -> Any:
        """The document; None where Placement reads none. UnreadableTargetError where it does, and
        the guard has none: a rule about documents does not refuse then."""
        document = self.exchange.document
        if document is None and self.exchange.expected is not None:
            raise UnreadableTargetError("the document could not be read")
        return document

    def named(self, kind: str) -> Pairs:
        """The values of this kind that the request names. UnreadableTargetError."""
        try:
            yield from _KINDS[kind](self)
        except ODD:
            raise UnreadableTargetError(_NOT_AS_SCHEMA) from None

    def values(self, kind: str) -> tuple[str, ...]:
        """Each of them once, in the order of the request. UnreadableTargetError."""
        found = self._values.get(kind)
        if found is None:
            try:
                found = tuple(dict.fromkeys(chain.from_iterable(self._groups(kind))))
            except ODD:
                raise UnreadableTargetError(_NOT_AS_SCHEMA) from None
            self._values[kind] = found
        return found

    def _groups(self, kind: str) -> Iterator[Iterable[str]]:
        """The values of :meth:`named`, in its order; without paths where there can be many."""
        if kind == "resource_classes" and not self._names_class:
            yield from self.inventories.values()
            for allocations in self._held.values():
                yield from allocations.values()
        elif kind == "providers" and self.operation in _OF_MANY:
            yield self.inventories
            yield from self._held.values()
        else:
            yield [value for value, _ in _KINDS[kind](self)]

    @Once
    def microversion(self) -> str:
        version = self.exchange.version
        return f"{version[0]}.{version[1]}" if version else ""

    @Once
    def inventories(self) -> Mapping[str, Mapping[str, Mapping[str, Any]]]:
        """The inventory records that are written, by resource class by provider."""
        return dict(sound(self._inventories, lambda found: all(map(of_mappings, found.values()))))

    def _inventories(self) -> Mapping[str, Mapping[str, Any]]:
        document, params = self.document, self.exchange.params
        if self.operation == RESHAPE:
            return {p: body["inventories"] for p, body in document["inventories"].items()}
        if not self.operation.startswith(_INVENTORIES) or document is None:
            return _NOTHING
        if "inventories" in document:
            return {params["uuid"]: document["inventories"]}
        name = params.get("resource_class") or document["resource_class"]
        return {params["uuid"]: {name: document}}

    @Once
    def bodies(self) -> Mapping[str, Mapping[str, Any]]:
        """What is written of each consumer; nothing of one whose allocations are deleted."""
        return sound(self._bodies, of_mappings)

    def _bodies(self) -> Mapping[str, Any]:
        document = self.document
        if self.operation in _ON_ONE_CONSUMER:
            return {
                self.exchange.params["consumer_uuid"]: _NOTHING if document is None else document
            }
        if self.operation == MANAGE:
            return document
        return document["allocations"] if self.operation == RESHAPE else _NOTHING

    @Once
    def amounts(self) -> Mapping[str, int]:
        """What is claimed of each resource class, over all providers and consumers."""
        total: dict[str, int] = {}
        try:
            for allocations in self._held.values():
                for resources in allocations.values():
                    for name, amount in resources.items():
                        total[name] = total.get(name, 0) + amount
        except ODD:
            raise UnreadableTargetError("the allocations are not as the schema says") from None
        return total

    @Once
    def is_release(self) -> bool:
        """Whether all it does is to give back what consumers hold."""
        if self.operation not in _ALLOCATIONS:
            return False
        try:
            return not any(body and body["allocations"] for body in self.bodies.values())
        except ODD:
            raise UnreadableTargetError("the allocations are not as the schema says") from None

    def leaves_out(self, kind: str) -> bool:
        """Whether a consumer is written without what an older microversion did not know:
        ``projects`` and ``users`` below 1.8, ``consumer_types`` below 1.38."""
        key = _OF_CONSUMERS.get(kind)
        try:
            return key is not None and any(
                body and key not in body for body in self.bodies.values()
            )
        except ODD:
            raise UnreadableTargetError("the consumers are not as the schema says") from None

    # How each kind is found --------------------------------------------------------------------

    def _at_inventories(self, provider: str) -> Path:
        if self.operation == RESHAPE:
            return ("inventories", provider, "inventories")
        return ("inventories",) if "inventories" in self.document else ()

    def _at_consumer(self, consumer: str) -> Path:
        if self.operation == RESHAPE:
            return ("allocations", consumer)
        return (consumer,) if self.operation == MANAGE else ()

    @Once
    def _names_class(self) -> bool:
        """Whether it is about one resource class, which stands in the path or is made."""
        return "resource_class" in self.exchange.params or self.operation.startswith(
            "resource_classes:"
        )

    def resource_classes(self) -> Pairs:
        params, document = self.exchange.params, self.document
        if self._names_class:
            name = params.get("resource_class") or params.get("name")
            if name:
                yield name, ()
            if document and self.operation.startswith("resource_classes:"):  # below 1.7: a new name
                yield document["name"], ("name",)
        else:
            for provider, records in self.inventories.items():
                at = self._at_inventories(provider)
                for name in records:
                    yield name, (*at, name) if at else ("resource_class",)
        for consumer, allocations in self._held.items():
            at = self._at_consumer(consumer)
            for provider, resources in allocations.items():
                for name in resources:
                    yield name, (*at, "allocations", provider, "resources", name)

    @Once
    def _held(self) -> Mapping[str, Mapping[str, Mapping[str, int]]]:
        """What each consumer holds afterwards, of those that hold anything."""
        return {consumer: held(body) for consumer, body in self.bodies.items() if body}

    def providers(self) -> Pairs:
        params, document = self.exchange.params, self.document
        if "uuid" in params:
            yield params["uuid"], ()
        elif self.operation == "resource_providers:create" and document.get("uuid"):
            yield document["uuid"], ("uuid",)
        if self.operation == RESHAPE:
            for provider in document["inventories"]:
                yield provider, ("inventories", provider)
        for consumer, allocations in self._held.items():
            at = self._at_consumer(consumer)
            for provider in allocations:
                yield provider, (*at, "allocations", provider)

    def consumers(self) -> Pairs:
        for consumer in self.bodies:
            yield consumer, self._at_consumer(consumer)

    def _of_consumers(self, kind: str) -> Pairs:
        key = _OF_CONSUMERS[kind]
        for consumer, body in self.bodies.items():
            if key in body:
                yield body[key], (*self._at_consumer(consumer), key)

    def consumer_types(self) -> Pairs:
        return self._of_consumers("consumer_types")

    def projects(self) -> Pairs:
        return self._of_consumers("projects")

    def users(self) -> Pairs:
        return self._of_consumers("users")

    def traits(self) -> Pairs:
        if self.operation == "resource_providers:traits:update":
            for number, name in enumerate(self.document["traits"]):
                yield name, ("traits", number)
        elif self.operation.startswith("traits:"):
            yield self.exchange.params["name"], ()

    def aggregates(self) -> Pairs:
        if self.operation == "resource_providers:aggregates:update":
            document = self.document
            in_object = isinstance(document, dict)  # from 1.19 on
            at: Path = ("aggregates",) if in_object else ()
            for number, uuid in enumerate(document["aggregates"] if in_object else document):
                yield uuid, (*at, number)


_KINDS: Final = {
    "resource_classes": Target.resource_classes,
    "providers": Target.providers,
    "consumers": Target.consumers,
    "consumer_types": Target.consumer_types,
    "projects": Target.projects,
    "users": Target.users,
    "traits": Target.traits,
    "aggregates": Target.aggregates,
}

KINDS: Final = tuple(_KINDS)
"""What :meth:`Target.named` and :meth:`Target.values` take."""
