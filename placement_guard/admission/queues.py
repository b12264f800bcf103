"""Which lanes a write takes: of the providers that it touches, and of the consumers.

The lane of a provider lets few claims in at once (its width); it is what keeps conflicts rare. A
write that holds a provider's generation takes it alone, and so does the provider's deletion: a
claim that Placement acknowledges must not be on a provider that vanishes. The lane of a consumer is
always taken alone: of two first requests for one consumer, below 1.28, the one that fails would
take the other's allocation with it. Source: ``placement.handlers.allocation`` and
``placement.objects.resource_provider``, openstack-placement 16, raced on MariaDB and PostgreSQL.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any, Final, NamedTuple

from placement_guard.exchange import Exchange
from placement_guard.lanes import Lane, Lanes, NoLanes, open_lanes
from placement_guard.settings import Settings


class Wanted(NamedTuple):
    """Lanes, and whether the request overtakes those that wait for them.

    Releases and deletes do: they must not queue behind claims.
    """

    lanes: Collection[Lane] = ()
    urgent: bool = False


NOTHING: Final = Wanted()


class _OfReshape(Collection[Lane]):
    """The lanes of a reshape, made for who looks at them. Of a large one they would take as much
    memory as its body, for as long as Placement works on it."""

    def __init__(self, inventories: Mapping[str, Any], consumers: Mapping[str, Any]) -> None:
        self._inventories = inventories
        self._consumers = consumers
        held = sum(len(consumer["allocations"]) for consumer in consumers.values())
        self._size = len(inventories) + len(consumers) + held

    def __iter__(self) -> Iterator[Lane]:
        for uuid in self._inventories:
            yield Lane(_name("provider", uuid), alone=True)
        yield from _of_consumers(self._consumers)

    def __len__(self) -> int:
        return self._size

    def __contains__(self, lane: object) -> bool:
        return any(lane == one for one in self)


_ODD: Final = (TypeError, AttributeError, KeyError, ValueError)
"""What a body leads to that is not what Placement expects, let through by the rules' modes."""


def lanes_from(settings: Settings) -> Lanes:
    """The lanes that the settings ask for."""
    if not settings.lanes:
        return NoLanes()
    return open_lanes(
        settings.coordination_url or None,
        settings.lane_directory or None,
        settings.lane_width,
        settings.lane_max_waiting,
    )


def wanted(exchange: Exchange) -> Wanted:
    """The lanes of this request; none for reads, and for writes that touch no provider."""
    find = _BY_OPERATION.get(exchange.operation.name)
    if find is None or not exchange.served:
        return NOTHING
    try:
        return find(exchange)
    except _ODD:
        return NOTHING


def spared(exchange: Exchange, lanes: Wanted) -> bool:
    """Whether no limit holds for this request: a release leaks what it does not give back, and a
    reshape that is refused stops nova-compute."""
    name = exchange.operation.name
    return name == "reshaper:reshape" or (name.startswith("allocations:") and lanes.urgent)


def _claim(exchange: Exchange) -> Wanted:
    """PUT allocations: a list of providers below 1.12, a mapping from there on."""
    held = exchange.document["allocations"]
    if isinstance(held, list):
        held = [item["resource_provider"]["uuid"] for item in held]
    consumer = _consumer(exchange.params["consumer_uuid"])
    return Wanted((consumer, *map(_provider, held)), urgent=not held)


def _claims(exchange: Exchange) -> Wanted:
    """POST allocations. Urgent where every consumer gives back what it holds."""
    lanes = tuple(_of_consumers(exchange.document))
    return Wanted(lanes, urgent=len(lanes) == len(exchange.document))


def _of_consumers(consumers: Mapping[str, Any]) -> Iterator[Lane]:
    for consumer, held in consumers.items():
        yield _consumer(consumer)
        yield from map(_provider, held["allocations"])


def _release(exchange: Exchange) -> Wanted:
    return Wanted((_consumer(exchange.params["consumer_uuid"]),), urgent=True)


def _reshape(exchange: Exchange) -> Wanted:
    return Wanted(_OfReshape(exchange.document["inventories"], exchange.document["allocations"]))


def _provider_write(exchange: Exchange) -> Wanted:
    return Wanted((Lane(_name("provider", exchange.params["uuid"]), alone=True),))


def _provider_delete(exchange: Exchange) -> Wanted:
    return _provider_write(exchange)._replace(urgent=True)


def _provider(uuid: str) -> Lane:
    return Lane(_name("provider", uuid))


def _consumer(uuid: str) -> Lane:
    return Lane(_name("consumer", uuid), alone=True)


def _name(kind: str, uuid: str) -> str:
    """One name for all spellings of a UUID; a database may not tell them apart."""
    return f"{kind}:{uuid.replace('-', '').lower()}"


_BY_OPERATION: Final[Mapping[str, Callable[[Exchange], Wanted]]] = {
    "allocations:update": _claim,
    "allocations:manage": _claims,
    "allocations:delete": _release,
    "reshaper:reshape": _reshape,
    "resource_providers:delete": _provider_delete,
    "resource_providers:inventories:create": _provider_write,
    "resource_providers:inventories:update": _provider_write,
    "resource_providers:inventories:delete": _provider_delete,
    "resource_providers:traits:update": _provider_write,
    "resource_providers:traits:delete": _provider_delete,
    "resource_providers:aggregates:update": _provider_write,
}

QUEUED: Final = frozenset(_BY_OPERATION)
"""The operations that take lanes."""
