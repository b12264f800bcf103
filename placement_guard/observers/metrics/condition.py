"""Metrics of how a process is doing: what it works on, what it is, and what it goes without."""

import importlib.metadata
import os
import platform
from typing import TYPE_CHECKING, Final

from prometheus_client import CollectorRegistry, Counter, Gauge

from placement_guard.admission.places import LIMITS
from placement_guard.settings import Settings
from placement_guard.version import __version__

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

COMPONENTS: Final = {
    "lanes": "There were no lanes for a write: Redis or the file of the lanes cannot be used.",
    "verifying": "An acknowledged write could not be looked at.",
    "hand_on": "This Placement is not as the guard knows it: nothing is handed on.",
    "observer": "The metrics, the audit, the recording or the log could not take a request.",
    "status": "What the status page shows of this worker could not be written.",
    "traces": "Spans were not sent: the collector is away, or too slow.",
}
"""What the guard goes on without: every value of the ``component`` metric label."""


class Condition:
    """Those of one registry."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._in_flight = Gauge(
            "placement_guard_in_flight_requests",
            "Requests that are being worked on, in the guard or in Placement behind it.",
            registry=registry,
            multiprocess_mode="livesum",
        )
        self._workers = Gauge(
            "placement_guard_workers",
            "Processes that are there to serve. A parent that has loaded the application before it "
            "forked is one of them.",
            registry=registry,
            multiprocess_mode="livesum",
        )
        self._breaker = Gauge(
            "placement_guard_breaker_open",
            "Processes that answer 503 without asking Placement, since its database was gone. One "
            "without requests finds the database back with its next one.",
            registry=registry,
            multiprocess_mode="livesum",
        )
        places = Gauge(
            "placement_guard_limit_places",
            "How many requests of a kind may be in work on one host at once; 0: any number.",
            ("limit",),
            registry=registry,
            multiprocess_mode="mostrecent",
        )
        in_use = Gauge(
            "placement_guard_limit_in_use",
            "How many requests of a limited kind are in work.",
            ("limit",),
            registry=registry,
            multiprocess_mode="livesum",
        )
        build = Gauge(
            "placement_guard_build_info",
            "Always 1; its labels are the versions of the guard, of the Placement behind it, and "
            "of Python.",
            ("version", "placement_version", "python_version"),
            registry=registry,
            multiprocess_mode="max",
        )
        failed_open = Counter(
            "placement_guard_fail_open",
            "Times that something failed that the guard goes on without: nothing was refused for "
            "it, and nothing unsound was let in.",
            ("component",),
            registry=registry,
        )
        build.labels(__version__, _placement_version(), platform.python_version()).set(1)
        self._places = {limit: places.labels(limit) for limit in LIMITS}
        self._in_use = {limit: in_use.labels(limit) for limit in LIMITS}
        self._failed_open: Mapping[str, Callable[[float], None]] = {
            name: failed_open.labels(name).inc for name in COMPONENTS
        }
        self._pid = 0
        self._is_here()

    def entered(self) -> None:
        """A request has come."""
        if self._pid != os.getpid():  # a fork counts in files of its own
            self._is_here()
        self._in_flight.inc()

    def left(self) -> None:
        """Its answer is given."""
        self._in_flight.dec()

    def failed_open(self, component: str, number: int = 1) -> None:
        """Count what the guard went on without; a key of COMPONENTS."""
        self._failed_open[component](number)

    def breaker(self, is_open: bool) -> None:  # noqa: FBT001
        """Say that the breaker of this process has opened, or closed."""
        self._breaker.set(is_open)

    def limits(self, settings: Settings) -> None:
        """Say how many places each limit has."""
        for limit, option in LIMITS.items():
            self._places[limit].set(getattr(settings, option))

    def places(self) -> dict[str, tuple[int, int]]:
        """Of each limit, how many places this process has taken, and how many there are."""
        return {
            limit: (_value(self._in_use[limit]), _value(self._places[limit])) for limit in LIMITS
        }

    def in_use(self, limit: str, more: int) -> None:
        """A request has taken a place of this limit (1), or left it (-1)."""
        self._in_use[limit].inc(more)

    def _is_here(self) -> None:
        self._pid = os.getpid()
        self._workers.set(1)


def _value(gauge: Gauge) -> int:
    """That of this process."""
    return int(next(iter(gauge.collect())).samples[0].value)


def _placement_version() -> str:
    try:
        return importlib.metadata.version("openstack-placement")
    except importlib.metadata.PackageNotFoundError:
        return "none"
