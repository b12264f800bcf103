"""What is counted of a recording: records that were written, and those that were not."""

from typing import Final

from prometheus_client import CollectorRegistry

from placement_guard.observers.writing.counters import SinkCounters, counters
from placement_guard.observers.writing.sink import OF_FILE

FILE: Final = "file"


def capture_counters(registry: CollectorRegistry) -> dict[str, SinkCounters]:
    """The counters of the file, which is the only sink: named and labelled as the audit's."""
    return counters(registry, "capture", {FILE: OF_FILE})
