"""Prometheus metrics. Every label value comes from a table, so no client can add a series.

Counters are bound to their label values at construction: a request pays for an increment, not for
a look-up, and a series starts at 0, so that the first increase is seen.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Final
from weakref import WeakKeyDictionary

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from placement_guard.admission.queues import QUEUED
from placement_guard.admission.shed import WHYS
from placement_guard.api import conflicts, operations
from placement_guard.api import resends as api_resends
from placement_guard.exchange import Exchange
from placement_guard.lanes import Result
from placement_guard.look_up import ReadResult
from placement_guard.observers import line_writer
from placement_guard.observers.audit.counters import AuditCounters
from placement_guard.outcome import Ending, Outcome
from placement_guard.policy.judge import MUTATIONS
from placement_guard.rejection import Rejection
from placement_guard.rules import RULES, Mode
from placement_guard.stages import ORDER
from placement_guard.verifying import Found

STAGE_BUCKETS: Final = (
    0.00001, 0.000025, 0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.01, 0.1, 1.0,
)  # fmt: skip
"""Seconds. A stage takes microseconds; a body of megabytes takes tenths of a second."""

PLACEMENT_BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
"""Seconds."""

LANE_BUCKETS: Final = (0.0001, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
"""Seconds. A lane that is free takes microseconds."""

BODY_BUCKETS: Final = (256.0, 1024.0, 4096.0, 16384.0, 65536.0, 262144.0, 1048576.0, 10485760.0)
"""Bytes."""

RESEND_RESULTS: Final = ("cured", "attempts", "deadline", "budget")
"""What came of sending again: no conflict any more that a resend could cure, or why it ended."""

_metrics: WeakKeyDictionary[CollectorRegistry, "Metrics"] = WeakKeyDictionary()


class Metrics:
    """The guard's metrics in one registry. Use :meth:`of`: a registry takes each name once."""

    def __init__(self, registry: CollectorRegistry) -> None:
        requests = Counter(
            "placement_guard_requests",
            "Requests, by what they were and how they ended.",
            ("operation", "outcome"),
            registry=registry,
        )
        rejections = Counter(
            "placement_guard_rejections",
            "Requests that the guard refused, or would have refused (mode warn), by the rule.",
            ("stage", "rule", "operation", "mode"),
            registry=registry,
        )
        conflict = Counter(
            "placement_guard_conflicts",
            "Answers 409 of Placement, by what collided.",
            ("operation", "kind"),
            registry=registry,
        )
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
        lane_waits = Histogram(
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
        recorded = Counter(
            "placement_guard_recorded",
            "Exchanges that were to be recorded, by what became of the record.",
            ("result",),
            registry=registry,
        )
        stage = Histogram(
            "placement_guard_stage_duration_seconds",
            "Time in one stage of the guard.",
            ("stage",),
            buckets=STAGE_BUCKETS,
            registry=registry,
        )
        placement = Histogram(
            "placement_guard_placement_duration_seconds",
            "Time in Placement itself, behind the guard.",
            ("operation",),
            buckets=PLACEMENT_BUCKETS,
            registry=registry,
        )
        body = Histogram(
            "placement_guard_request_body_bytes",
            "Sizes of the request bodies that were read.",
            ("operation",),
            buckets=BODY_BUCKETS,
            registry=registry,
        )
        glass = Counter(
            "placement_guard_break_glass",
            "Writes that target policy did not judge, since their user may break the glass.",
            ("operation",),
            registry=registry,
        )
        reads = Counter(
            "placement_guard_policy_reads",
            "Reads of what is stored, for rules of target policy that ask for it.",
            ("result",),
            registry=registry,
        )
        reloads = Counter(
            "placement_guard_policy_reloads",
            "Times that the files of target policy had changed and were read again. Each process "
            "counts its own.",
            ("result",),
            registry=registry,
        )
        loaded_at = Gauge(
            "placement_guard_policy_loaded_timestamp_seconds",
            "When the target policy in force was read again, since 1970; 0: at start-up.",
            registry=registry,
            multiprocess_mode="mostrecent",
        )
        broken = Gauge(
            "placement_guard_policy_broken",
            "Whether the files of target policy cannot be used: 1, and the last good policy is in "
            "force.",
            registry=registry,
            multiprocess_mode="mostrecent",
        )
        handing = Gauge(
            "placement_guard_hands_on",
            "Whether Placement takes what the guard hands on; 0 where that is switched off, or "
            "where this Placement is not as the guard knows it.",
            registry=registry,
            multiprocess_mode="mostrecent",
        )
        self._requests = {
            (name, ending): requests.labels(name, ending.value).inc
            for name in operations.NAMES
            for ending in Ending
        }
        self._rejections = {
            (rule, name, mode): rejections.labels(stage_name, rule, name, mode.value).inc
            for stage_name, rule, name in _refusable()
            for mode in (Mode.ENFORCE, Mode.WARN)
        }
        self._conflicts = {
            (name, kind): conflict.labels(name, kind).inc
            for name in _MUTATIONS
            for kind in conflicts.KIND_NAMES
        }
        self.stage_seconds: Mapping[str, Callable[[float], None]] = {
            name: stage.labels(name).observe for name in ORDER
        }
        self._placement = {n: placement.labels(n).observe for n in operations.NAMES}
        self._resends = {name: resends.labels(name).inc for name in sorted(api_resends.OPERATIONS)}
        self._ended = {
            (name, result): ended.labels(name, result).inc
            for name in sorted(api_resends.OPERATIONS)
            for result in RESEND_RESULTS
        }
        self._lane_waits = {name: lane_waits.labels(name).observe for name in _WITH_LANES}
        self._lanes = {
            (name, result.value): lanes.labels(name, result.value).inc
            for name in _WITH_LANES
            for result in Result
        }
        self._shed = {
            (name, why.name): shed.labels(name, why.name).inc for name in _SHED for why in WHYS
        }
        self._found = {what: found.labels(what.value).inc for what in Found}
        self.audit = AuditCounters(registry)
        self.recorded: Mapping[str, Callable[[float], None]] = {
            result: recorded.labels(result).inc for result in line_writer.RESULTS
        }
        self._body = {name: body.labels(name).observe for name in _WITH_BODY}
        self._break_glass = {name: glass.labels(name).inc for name in sorted(MUTATIONS)}
        self._policy_reads = {r: reads.labels(r.value).inc for r in ReadResult}
        self._reloads = {True: reloads.labels("loaded").inc, False: reloads.labels("broken").inc}
        self._loaded_at, self._broken = loaded_at, broken
        self._handing = handing

    @classmethod
    def of(cls, registry: CollectorRegistry) -> "Metrics":
        """The metrics of this registry, made once."""
        if registry not in _metrics:
            _metrics[registry] = cls(registry)
        return _metrics[registry]

    def __call__(
        self,
        exchange: Exchange,
        outcome: Outcome,
        rejection: Rejection | None,
    ) -> None:
        name = exchange.operation.name
        self._requests[name, outcome.ending]()
        if rejection is not None:
            self._rejections[rejection.rule.id, name, Mode.ENFORCE]()
        for warning in exchange.warnings:
            self._rejections[warning.rule.id, name, Mode.WARN]()
        if outcome.conflict:
            self._conflicts[name, outcome.conflict]()
        if outcome.seconds is not None:
            self._placement[name](outcome.seconds)
        if outcome.shed:
            self._shed[name, outcome.shed]()
        if outcome.lane:
            self._lanes[name, outcome.lane]()
            self._lane_waits[name](outcome.waited)
        if outcome.attempts > 1 or outcome.given_up:
            self._resent(name, outcome)
        if exchange.break_glass:
            self._break_glass[name]()
        if exchange.body is not None:
            self._body[name](len(exchange.body))

    def policy_read(self, result: ReadResult) -> None:
        """Count a read for a policy rule."""
        self._policy_reads[result]()

    def policy_reloaded(self, loaded: bool) -> None:  # noqa: FBT001
        """Count that target policy was read again, or could not be."""
        self._reloads[loaded]()
        self._broken.set(not loaded)
        if loaded:
            self._loaded_at.set_to_current_time()

    def hands_on(self, can: bool) -> None:  # noqa: FBT001
        """Say whether Placement takes what is handed on."""
        self._handing.set(can)

    def verified(self, found: Iterable[Found]) -> None:
        """Count what verifying has found."""
        for what in found:
            self._found[what]()

    def _resent(self, name: str, outcome: Outcome) -> None:
        self._resends[name](outcome.attempts - 1)
        self._ended[name, outcome.given_up or "cured"]()


_MUTATIONS: Final = sorted({o.name for o in operations.OPERATIONS if o.mutates})
_WITH_INVENTORY: Final = (
    "reshaper:reshape",
    "resource_providers:inventories:create",
    "resource_providers:inventories:update",
)
_WITH_CHECKED_PATH: Final = ("allocations:update", "resource_classes:update", "traits:update")
_SHED: Final = sorted({o.name for o in operations.OPERATIONS if not o.public} | {"unmatched"})
_WITH_LANES: Final = sorted(QUEUED)
_WITH_BODY: Final = sorted({o.name for o in operations.OPERATIONS if o.bodies})


def _refusable() -> Iterator[tuple[str, str, str]]:
    """Stage, rule and operation of every rejection that can be: bodies are judged where one is
    read, the policy is asked where there is a rule."""
    names: dict[str, Sequence[str]] = {
        "identity": operations.NAMES,
        "framing": operations.NAMES,
        "operation": [operations.UNMATCHED.name],
        "content_type": _WITH_BODY,
        "gate_policy": sorted({o.name for o in operations.OPERATIONS if o.rule}),
        "query": sorted({o.name for o in operations.OPERATIONS if o.rule}),
        "path": _WITH_CHECKED_PATH,
        "body": _WITH_BODY,
        "document": _WITH_BODY,
        "invariants": _WITH_INVENTORY,
        "target_policy": _MUTATIONS,
    }
    for rule in RULES:
        for name in names[rule.stage]:
            yield rule.stage, rule.id, name
