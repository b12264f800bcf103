"""Looking at what is stored after a write was acknowledged: by whomever the damage was done.

It costs reads, finds and counts, and changes no answer. A difference can be the work of a write too
that came in between: it is a suspicion, and names the place to look at.
"""

import math
import random
from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum
from itertools import islice
from typing import Any, Final

from oslo_log import log

from placement_guard.answer import WSGIApp
from placement_guard.exchange import Exchange
from placement_guard.lanes import Result
from placement_guard.look_up import read
from placement_guard.outcome import Ending, Outcome
from placement_guard.settings import Settings
from placement_guard.target import RESHAPE

LOG = log.getLogger(__name__)

MAX_LOOKED_AT: Final = 16
"""How many providers, and how many consumers, of one write are looked at."""

_CLAIMS: Final = frozenset({"allocations:update", "allocations:manage"})


class Found(StrEnum):
    """What verifying finds; a value of the ``found`` metric label."""

    OVERCOMMITTED = "overcommitted"
    """More of a class is used than its capacity. Also after an inventory was made smaller."""
    LOST_CLAIM = "lost_claim"
    """A claim that was acknowledged is not stored."""
    RESHAPE_DIFFERS = "reshape_differs"
    """What a reshape wrote is not what is stored."""
    NOT_READ = "not_read"
    """It could not be looked at: the caller may not read it, or Placement failed."""


class Verifying:
    """Looks at a share of the claims, at those that went without their lanes, and at reshapes.

    share
        Of claims (0 to 1) that are looked at.
    reshapes
        Whether reshapes are.
    """

    def __init__(self, settings: Settings) -> None:
        self._share = settings.verify_share
        self._reshapes = settings.verify_reshapes

    def __call__(self, app: WSGIApp, exchange: Exchange, outcome: Outcome) -> list[Found]:
        """What was found, each once; empty where nothing was, or nothing was looked at."""
        if outcome.ending is not Ending.COMMITTED or not self._chosen(exchange, outcome):
            return []
        try:
            found = list(dict.fromkeys(_look(app, exchange)))
        except Exception:
            LOG.exception("Request %s could not be verified", exchange.request_id)
            return [Found.NOT_READ]
        for what in found:
            if what is not Found.NOT_READ:
                LOG.error(
                    "%s after %s (request %s)", what.value, exchange.operation.name,
                    exchange.request_id,
                )  # fmt: skip
        return found

    def _chosen(self, exchange: Exchange, outcome: Outcome) -> bool:
        name = exchange.operation.name
        if name == RESHAPE:
            return self._reshapes
        if name not in _CLAIMS:
            return False
        unqueued = outcome.lane not in {"", Result.HELD.value}
        return unqueued or random.random() < self._share  # noqa: S311 (no secret)


def _look(app: WSGIApp, exchange: Exchange) -> Iterator[Found]:
    if exchange.operation.name == RESHAPE:
        yield from _reshaped(app, exchange)
        return
    providers: dict[str, None] = {}
    for consumer, held in _first(_claims(exchange).items()):
        providers |= dict.fromkeys(held)
        if held:
            yield from _stored(app, exchange, consumer, held, Found.LOST_CLAIM)
    for provider in _first(providers):
        yield from _used(app, exchange, provider)


def _claims(exchange: Exchange) -> dict[str, Mapping[str, Any]]:
    """By consumer, what it claims: the resources by provider."""
    document = exchange.document
    if exchange.operation.name == "allocations:manage":
        return {consumer: _resources(body) for consumer, body in document.items()}
    return {exchange.params["consumer_uuid"]: _resources(document)}


def _resources(body: Mapping[str, Any]) -> Mapping[str, Any]:
    held = body["allocations"]
    if isinstance(held, list):  # below 1.12
        return {item["resource_provider"]["uuid"]: item["resources"] for item in held}
    return {provider: item["resources"] for provider, item in held.items()}


def _stored(
    app: WSGIApp, exchange: Exchange, consumer: str, held: Mapping[str, Any], other: Found
) -> Iterator[Found]:
    """``other`` unless what this consumer holds is stored."""
    document = read(app, exchange.environ, f"/allocations/{consumer}")
    if document is None:
        yield Found.NOT_READ
        return
    stored = {
        provider.lower(): item["resources"] for provider, item in document["allocations"].items()
    }
    if stored != {provider.lower(): dict(amounts) for provider, amounts in held.items()}:
        LOG.error("Consumer %s is stored otherwise than it was acknowledged", ascii(consumer))
        yield other


def _used(app: WSGIApp, exchange: Exchange, provider: str) -> Iterator[Found]:
    """Whether more is used of a provider than it has."""
    path = f"/resource_providers/{provider}"
    usages = read(app, exchange.environ, f"{path}/usages")
    inventories = read(app, exchange.environ, f"{path}/inventories")
    if usages is None or inventories is None:
        yield Found.NOT_READ
        return
    for name, used in usages["usages"].items():
        record = inventories["inventories"].get(name)
        if record is not None and used > capacity(record):
            LOG.error("Provider %s is over-committed: %s of %s used", ascii(provider), used, name)
            yield Found.OVERCOMMITTED


def capacity(record: Mapping[str, Any]) -> int:
    """What can be used of an inventory, as Placement counts it."""
    return int((record["total"] - record["reserved"]) * record["allocation_ratio"])


def _reshaped(app: WSGIApp, exchange: Exchange) -> Iterator[Found]:
    document = exchange.document
    for provider, wanted in _first(document["inventories"].items()):
        path = f"/resource_providers/{provider}/inventories"
        stored = read(app, exchange.environ, path)
        if stored is None:
            yield Found.NOT_READ
        elif not _same(wanted["inventories"], stored["inventories"]):
            LOG.error("Provider %s is stored otherwise than it was reshaped", ascii(provider))
            yield Found.RESHAPE_DIFFERS
    for consumer, body in _first(document["allocations"].items()):
        held = _resources(body)
        yield from _stored(app, exchange, consumer, held, Found.RESHAPE_DIFFERS)


def _same(wanted: Mapping[str, Any], stored: Mapping[str, Any]) -> bool:
    """Whether each class is there, and no other, with the values that were sent."""
    return wanted.keys() == stored.keys() and all(
        math.isclose(value, stored[name][field], rel_tol=1e-5)  # a ratio may be of single precision
        for name, record in wanted.items()
        for field, value in record.items()
        if field in stored[name]
    )


def _first(items: Iterable[Any]) -> Iterator[Any]:
    """At most MAX_LOOKED_AT of them."""
    return islice(items, MAX_LOOKED_AT)
