"""What is counted of an audit: records that were written, and those that were not."""

from collections.abc import Callable
from typing import Final

from prometheus_client import CollectorRegistry, Counter

from placement_guard.observers.audit import sink

FILE: Final = "file"
LOG: Final = "log"
NOTIFICATIONS: Final = "notifications"

SINKS: Final = {
    FILE: "The file that `audit` names.",
    LOG: "The log, where `audit` says so.",
    NOTIFICATIONS: "The message bus of `audit_notifications_url`.",
}
"""Where records go: every value of the ``sink`` metric label."""

_COMMON: Final = (sink.QUEUE_FULL, sink.EXIT, sink.FAILED)
_DROPS: Final = {
    FILE: (*_COMMON, sink.NO_SPACE, sink.UNWRITABLE),
    LOG: _COMMON,
    NOTIFICATIONS: (*_COMMON, sink.UNREACHABLE),
}


class SinkCounters:
    """The counters of one sink."""

    def __init__(
        self, written: Callable[[float], None], dropped: dict[str, Callable[[float], None]]
    ) -> None:
        self.written = written
        self._dropped = dropped

    def dropped(self, reason: str, number: int) -> None:
        self._dropped[reason](number)


class AuditCounters:
    """The counters of all sinks in one registry, by sink."""

    def __init__(self, registry: CollectorRegistry) -> None:
        written = Counter(
            "placement_guard_audit_records",
            "Records of the audit that were written, by where to.",
            ("sink",),
            registry=registry,
        )
        dropped = Counter(
            "placement_guard_audit_records_dropped",
            "Records of the audit that were not written, by why.",
            ("sink", "reason"),
            registry=registry,
        )
        self.of = {
            name: SinkCounters(
                written.labels(name).inc,
                {reason: dropped.labels(name, reason).inc for reason in _DROPS[name]},
            )
            for name in SINKS
        }
