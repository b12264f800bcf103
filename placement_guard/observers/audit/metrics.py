"""What is counted of an audit: records that were written, and those that were not."""

from typing import Final

from prometheus_client import CollectorRegistry

from placement_guard.observers.writing.counters import SinkCounters, counters
from placement_guard.observers.writing.sink import OF_ANY, OF_FILE, UNREACHABLE

FILE: Final = "file"
LOG: Final = "log"
NOTIFICATIONS: Final = "notifications"

SINKS: Final = {
    FILE: "The file that `audit` or `capture_file` names.",
    LOG: "The log, where `audit` says so.",
    NOTIFICATIONS: "The message bus of `audit_notifications_url`.",
}
"""Where records go: every value of the ``sink`` metric label."""

_REASONS: Final = {FILE: OF_FILE, LOG: OF_ANY, NOTIFICATIONS: (*OF_ANY, UNREACHABLE)}


def audit_counters(registry: CollectorRegistry) -> dict[str, SinkCounters]:
    """The counters of all sinks in one registry, by sink."""
    return counters(registry, "audit", _REASONS)
