"""Not asking a Placement whose database is gone: an answer at once, instead of a wait for each."""

import math
import threading
from collections.abc import Callable
from typing import Any, Final, Self

from circuitbreaker import STATE_CLOSED, STATE_HALF_OPEN, CircuitBreaker
from oslo_log import log

from placement_guard.settings import Settings

LOG = log.getLogger(__name__)

LEAST_RETRY_AFTER: Final = 1
"""Seconds; the header has no smaller unit."""


class _Outage(Exception):  # noqa: N818  # carries nothing: it is how the library is told
    pass


class Breaker:
    """Opens after some outages in a row; then lets one request in from time to time, and closes
    when that one is answered. One for each process; thread-safe.

    failures
        How many outages in a row open it; 0 means never.
    seconds
        How long it stays open before the next request is let in to see (seconds).
    told
        Called with whether it is open, each time that changes.
    """

    def __init__(
        self, failures: int, seconds: float, told: Callable[[bool], None] | None = None
    ) -> None:
        self._told = told
        self._used = failures > 0
        # The library takes 0 for "not given".
        self._breaker = CircuitBreaker(max(failures, 1), seconds, _Outage, "placement")
        self._probing = threading.Lock()
        self._lock = threading.Lock()

    @property
    def is_open(self) -> bool:
        return self._used and self._breaker.state != STATE_CLOSED

    def state(self) -> dict[str, Any]:
        """How it is, for a health page."""
        return {"open": self.is_open}

    @property
    def retry_after(self) -> int:
        """Seconds after which it is worth trying again."""
        return max(LEAST_RETRY_AFTER, math.ceil(self._breaker.open_remaining))

    def enter(self) -> "Passage | None":
        """The way in, to be closed with what came of it; None where the breaker is open."""
        if not self._used:
            return Passage(self, probe=False)
        state = self._breaker.state
        if state == STATE_CLOSED:
            return Passage(self, probe=False)
        if state == STATE_HALF_OPEN and self._probing.acquire(blocking=False):
            return Passage(self, probe=True)
        return None

    def leave(self, *, probe: bool, outage: bool | None) -> None:
        """A request has come back: with an outage, without, or with nothing learnt (None)."""
        if outage is not None:
            self._learn(outage)
        if probe:
            self._probing.release()

    def _learn(self, outage: bool) -> None:  # noqa: FBT001
        with self._lock:
            was_open = self.is_open
            self._breaker.__exit__(_Outage if outage else None, None, None)
            if self.is_open and not was_open:
                LOG.error("Placement's database is gone: requests get 503 until it is back")
                self._tell(True)
            elif was_open and not self.is_open:
                LOG.warning("Placement's database is back")
                self._tell(False)

    def _tell(self, is_open: bool) -> None:  # noqa: FBT001
        if self._told is not None:
            self._told(is_open)


class Passage:
    """One request on its way through the breaker.

    ``outage`` says whether it met one; None where it has not come as far as the database.
    """

    def __init__(self, breaker: Breaker, *, probe: bool) -> None:
        self.outage: bool | None = None
        self._breaker = breaker
        self._probe = probe

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self._breaker.leave(probe=self._probe, outage=self.outage)


def breaker_from(settings: Settings, told: Callable[[bool], None] | None = None) -> Breaker:
    """The breaker that the settings ask for."""
    return Breaker(settings.breaker_failures, settings.breaker_seconds, told)
