"""How many requests of a kind are in work at once, on one host. Off unless an option says so."""

import math
import time
from collections.abc import Callable
from typing import Final, Self

from placement_guard.admission.shed import BUSY, Shed
from placement_guard.exchange import Exchange
from placement_guard.lanes import Hold, Lane, Lanes, Result, open_lanes
from placement_guard.settings import Settings

WEIGHT: Final = 0.1
"""How much the last request counts in the average of how long one takes."""

MAX_RETRY_AFTER: Final = 60
"""The longest time (seconds) after which a client is told to come again."""

LIMITS: Final = {
    "claims": "limit_claims",
    "writes": "limit_writes",
    "candidates": "limit_candidates",
}
"""Each limit, and the setting that says how many places it has: the values of the ``limit`` metric
label."""

Told = Callable[[str, int], None]
"""Is told that a place of a limit was taken (1) or left (-1)."""

_CLAIMS: Final = frozenset({"allocations:update", "allocations:manage"})
_CANDIDATES: Final = "allocation_candidates:list"


def kind_of(exchange: Exchange) -> str | None:
    """Which limit a request is under: claims, writes, candidates; None for all others."""
    operation = exchange.operation
    if operation.name in _CLAIMS:
        return "claims"
    if operation.name == _CANDIDATES:
        return "candidates"
    return "writes" if operation.mutates else None


def _nobody(_limit: str, _more: int) -> None:
    pass


class Places:
    """The places of each kind. A request that finds none waits a little, and is then shed."""

    def __init__(self, settings: Settings, told: Told = _nobody) -> None:
        most = {limit: int(getattr(settings, option)) for limit, option in LIMITS.items()}
        self._told = told
        self._wait = settings.limit_wait_seconds
        self._kinds = {kind: _Kind(kind, width, settings) for kind, width in most.items() if width}

    def enter(self, exchange: Exchange) -> "Taken | Shed | None":
        """A place, to be left; a Shed where there is none; None where there is no limit."""
        kind = kind_of(exchange) if self._kinds else None
        found = self._kinds.get(kind) if kind else None
        if found is None:
            return None
        hold = found.lanes.hold([found.lane], seconds=self._wait)
        if hold.result in {Result.TIMEOUT, Result.FULL}:
            hold.release()
            return Shed(BUSY, found.retry_after)
        return Taken(hold, found, self._told)


class _Kind:
    """The places of one kind, and how long a request keeps one (seconds, moving average)."""

    def __init__(self, name: str, width: int, settings: Settings) -> None:
        self.name, self.lane = name, Lane(f"limit:{name}")
        self._waiting, self._width = settings.limit_max_waiting, width
        self.lanes: Lanes = open_lanes(
            None, settings.lane_directory or None, width, settings.limit_max_waiting
        )
        self._seconds = 0.0

    def took(self, seconds: float) -> None:
        self._seconds += WEIGHT * (seconds - self._seconds)

    @property
    def retry_after(self) -> int:
        """When those that wait should have been served."""
        seconds = self._seconds * (self._waiting + self._width) / self._width
        return min(max(1, math.ceil(seconds)), MAX_RETRY_AFTER)


class Taken:
    """A place that a request has; a context manager."""

    def __init__(self, hold: Hold, kind: _Kind, told: Told) -> None:
        self._hold, self._kind, self._told = hold, kind, told
        self._began = time.monotonic()
        told(kind.name, 1)

    @property
    def waited(self) -> float:
        """How long the request waited for it (seconds)."""
        return self._hold.waited

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self._kind.took(time.monotonic() - self._began)
        self._told(self._kind.name, -1)
        self._hold.release()
