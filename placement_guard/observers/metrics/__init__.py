"""Prometheus metrics. Every label value comes from a table, so no client can add a series.

Counters are bound to their label values at construction: a request pays for an increment, not for
a look-up, and a series starts at 0, so that the first increase is seen.
"""

from collections.abc import Iterator, Sequence
from typing import Final
from weakref import WeakKeyDictionary

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from placement_guard.api import conflicts, operations
from placement_guard.exchange import Exchange
from placement_guard.lanes import Result
from placement_guard.observers.audit.metrics import audit_counters
from placement_guard.observers.capture.metrics import capture_counters
from placement_guard.observers.metrics.admission import AdmissionMetrics
from placement_guard.observers.metrics.clients import ClientMetrics
from placement_guard.observers.metrics.condition import Condition
from placement_guard.observers.metrics.durations import Durations
from placement_guard.observers.metrics.policy import PolicyMetrics
from placement_guard.observers.metrics.sharing import share
from placement_guard.outcome import Ending, Outcome
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

BODY_BUCKETS: Final = (256.0, 1024.0, 4096.0, 16384.0, 65536.0, 262144.0, 1048576.0, 10485760.0)
"""Bytes."""

_metrics: WeakKeyDictionary[CollectorRegistry, "Metrics"] = WeakKeyDictionary()


class Metrics:
    """The guard's metrics in one registry. Use :meth:`of`: a registry takes each name once."""

    def __init__(self, registry: CollectorRegistry) -> None:
        alone = share() is None
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
        self._handing = Gauge(
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
        self._stages = {name: stage.labels(name).observe for name in ORDER}
        self._placement = {n: placement.labels(n).observe for n in operations.NAMES}
        self.audit = audit_counters(registry)
        self.capture = capture_counters(registry)
        self._body = {name: body.labels(name).observe for name in _WITH_BODY}
        self._admission = AdmissionMetrics(registry)
        self._durations = Durations(registry, exemplars=alone)
        self._clients = ClientMetrics(registry)
        self.condition = Condition(registry)
        self._policy = PolicyMetrics(registry)
        self.policy_read, self.policy_reloaded = self._policy.read, self._policy.reloaded

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
        for stage, began, ended in exchange.timed:
            self._stages[stage](ended - began)
        if outcome.seconds is not None:
            self._placement[name](outcome.seconds)
        self._durations(exchange, outcome)
        self._clients(exchange, rejection)
        self._admission(name, outcome)
        if outcome.lane == Result.UNAVAILABLE.value:
            self.condition.failed_open("lanes")
        if exchange.break_glass:
            self._policy.glass_broken(name)
        if exchange.body is not None:
            self._body[name](len(exchange.body))

    def hands_on(self, can: bool) -> None:  # noqa: FBT001
        """Say whether Placement takes what is handed on."""
        self._handing.set(can)
        if not can:
            self.condition.failed_open("hand_on")

    def verified(self, found: Sequence[Found]) -> None:
        """Count what verifying has found."""
        self._admission.verified(found)
        if Found.NOT_READ in found:
            self.condition.failed_open("verifying")


_MUTATIONS: Final = sorted({o.name for o in operations.OPERATIONS if o.mutates})
_WITH_INVENTORY: Final = (
    "reshaper:reshape",
    "resource_providers:inventories:create",
    "resource_providers:inventories:update",
)
_WITH_CHECKED_PATH: Final = ("allocations:update", "resource_classes:update", "traits:update")
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
