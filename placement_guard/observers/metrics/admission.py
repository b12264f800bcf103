"""Metrics of how writes get to Placement: resends, lanes, limits, and what verifying has found."""

from collections.abc import Iterable
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Histogram

from placement_guard.admission.queues import QUEUED
from placement_guard.admission.shed import WHYS
from placement_guard.api import operations
from placement_guard.api import resends as api_resends
from placement_guard.lanes import Result
from placement_guard.outcome import Outcome
from placement_guard.verifying import Found

LANE_BUCKETS: Final = (0.0001, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
"""Seconds. A lane that is free takes microseconds."""

RESEND_RESULTS: Final = ("cured", "attempts", "deadline", "budget")
"""What came of sending again: no conflict any more that a resend could cure, or why it ended."""

_RESENT: Final = sorted(api_resends.OPERATIONS)
_WITH_LANES: Final = sorted(QUEUED)
_SHED: Final = sorted({o.name for o in operations.OPERATIONS if not o.public} | {"unmatched"})


class AdmissionMetrics:
    """Those of one registry."""

    def __init__(self, registry: CollectorRegistry) -> None:
        resends = Counter(
            "placement_guard_resends",
            "Times that the guard sent a request to Placement again.",
            ("operation",),
            registry=registry,
        )
        ended = Counter(
            "placement_guard_resent_requests",
            "Requests that lost a race, by what came of sending them again: cured, or why the "
            "guard gave up.",
            ("operation", "result"),
            registry=registry,
        )
        waits = Histogram(
            "placement_guard_lane_wait_seconds",
            "Time that writes waited for the lanes of what they touch.",
            ("operation",),
            buckets=LANE_BUCKETS,
            registry=registry,
        )
        lanes = Counter(
            "placement_guard_lanes",
            "Writes that asked for lanes, by how they came out of the queue: held, or gone on "
            "without (timeout, full, unavailable).",
            ("operation", "result"),
            registry=registry,
        )
        shed = Counter(
            "placement_guard_shed",
            "Requests that were not let in, by why: the database is gone, or a limit.",
            ("operation", "why"),
            registry=registry,
        )
        found = Counter(
            "placement_guard_verifications",
            "What was found where acknowledged writes were looked at again.",
            ("found",),
            registry=registry,
        )
        self._resends = {name: resends.labels(name).inc for name in _RESENT}
        self._ended = {
            (name, result): ended.labels(name, result).inc
            for name in _RESENT
            for result in RESEND_RESULTS
        }
        self._waits = {name: waits.labels(name).observe for name in _WITH_LANES}
        self._lanes = {
            (name, result.value): lanes.labels(name, result.value).inc
            for name in _WITH_LANES
            for result in Result
        }
        self._shed = {
            (name, why.name): shed.labels(name, why.name).inc for name in _SHED for why in WHYS
        }
        self._found = {what: found.labels(what.value).inc for what in Found}

    def __call__(self, name: str, outcome: Outcome) -> None:
        """Count how a request of this operation came to Placement, or did not."""
        if outcome.shed:
            self._shed[name, outcome.shed]()
        if outcome.lane:
            self._lanes[name, outcome.lane]()
            self._waits[name](outcome.waited)
        if outcome.attempts > 1 or outcome.given_up:
            self._resends[name](outcome.attempts - 1)
            self._ended[name, outcome.given_up or "cured"]()

    def verified(self, found: Iterable[Found]) -> None:
        """Count what verifying has found."""
        for what in found:
            self._found[what]()
