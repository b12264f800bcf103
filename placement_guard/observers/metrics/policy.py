"""Metrics of target policy: its files, what its rules read, and who broke the glass."""

from prometheus_client import CollectorRegistry, Counter, Gauge

from placement_guard.look_up import ReadResult
from placement_guard.policy.judge import MUTATIONS


class PolicyMetrics:
    """Those of one registry."""

    def __init__(self, registry: CollectorRegistry) -> None:
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
        self._loaded_at = Gauge(
            "placement_guard_policy_loaded_timestamp_seconds",
            "When the target policy in force was read again, since 1970; 0: at start-up.",
            registry=registry,
            multiprocess_mode="mostrecent",
        )
        self._broken = Gauge(
            "placement_guard_policy_broken",
            "Whether the files of target policy cannot be used: 1, and the last good policy is in "
            "force.",
            registry=registry,
            multiprocess_mode="mostrecent",
        )
        self._glass = {name: glass.labels(name).inc for name in sorted(MUTATIONS)}
        self._reads = {r: reads.labels(r.value).inc for r in ReadResult}
        self._reloads = {True: reloads.labels("loaded").inc, False: reloads.labels("broken").inc}

    def glass_broken(self, name: str) -> None:
        """Count a write of this operation that was not judged."""
        self._glass[name]()

    def read(self, result: ReadResult) -> None:
        """Count a read for a policy rule."""
        self._reads[result]()

    def reloaded(self, loaded: bool) -> None:  # noqa: FBT001
        """Count that target policy was read again, or could not be."""
        self._reloads[loaded]()
        self._broken.set(not loaded)
        if loaded:
            self._loaded_at.set_to_current_time()
