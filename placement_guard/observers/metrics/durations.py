"""Metrics of how long a request takes, as a whole and in the guard itself."""

from time import perf_counter
from typing import Final

from prometheus_client import CollectorRegistry, Histogram

from placement_guard.exchange import Exchange
from placement_guard.outcome import Ending, Outcome

REQUEST_BUCKETS: Final = (
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0,
)  # fmt: skip
"""Seconds. A refusal takes a tenth of a millisecond, a read two, a write five to ten; a write that
waits for lanes and is sent again, seconds."""

OWN_BUCKETS: Final = (
    0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05, 0.25, 1.0,
)  # fmt: skip
"""Seconds. Most requests cost 0.04 to 0.3 ms; a reshape of thousands of providers tens of
milliseconds. The budget of the alert is at 0.005."""

MAX_EXEMPLAR: Final = 64
"""How much of a request id (characters) is kept; OpenMetrics allows 128 with the name."""

SLOW: Final = 0.1
"""Of a request that takes longer (seconds) the id is always kept: that is who is looked for."""

EXEMPLAR_SECONDS: Final = 1.0
"""Of others one in so many seconds; a scrape shows the last of a bucket, and each costs 10 µs."""


class Durations:
    """Those of one registry."""

    def __init__(self, registry: CollectorRegistry, *, exemplars: bool) -> None:
        """``exemplars``: whether a request id is kept with a bucket, as OpenMetrics may tell it.
        In the files of several workers there is no room for one."""
        self._exemplars = exemplars
        self._told = -EXEMPLAR_SECONDS
        self._whole = Histogram(
            "placement_guard_request_duration_seconds",
            "Time from the arrival of a request at the guard to its answer, Placement and all "
            "waiting included.",
            buckets=REQUEST_BUCKETS,
            registry=registry,
        ).observe
        self._own = Histogram(
            "placement_guard_own_duration_seconds",
            "Time that the guard itself took for a request: all of it but Placement and the wait "
            "for lanes and limits. Reads that the guard makes for its own rules are in it.",
            buckets=OWN_BUCKETS,
            registry=registry,
        ).observe

    def __call__(self, exchange: Exchange, outcome: Outcome) -> None:
        """Count a request that has ended."""
        whole = perf_counter() - exchange.began
        if self._exemplars and (whole >= SLOW or exchange.began - self._told >= EXEMPLAR_SECONDS):
            self._told = exchange.began
            self._whole(whole, {"request_id": exchange.request_id[:MAX_EXEMPLAR]})
        else:
            self._whole(whole)
        if outcome.ending is not Ending.SHED:  # which has waited, and done nothing else
            others = (outcome.seconds or 0.0) + outcome.waited + outcome.queued
            self._own(max(0.0, whole - others))
