"""What is counted of records on their way: those that were written, and those that were not."""

from collections.abc import Callable, Iterable, Mapping
from typing import Final

from prometheus_client import CollectorRegistry, Counter

LABELS: Final = ("sink", "reason")


class SinkCounters:
    """The counters of one sink."""

    def __init__(
        self, written: Callable[[float], None], dropped: dict[str, Callable[[float], None]]
    ) -> None:
        self.written = written
        self._dropped = dropped

    def dropped(self, reason: str, number: int) -> None:
        self._dropped[reason](number)


def counters(
    registry: CollectorRegistry, of: str, reasons: Mapping[str, Iterable[str]]
) -> dict[str, SinkCounters]:
    """The counters of each sink in ``reasons``, which has why it may drop a record.

    of
        Whose records they are: ``audit`` or ``capture``, as in the names of the metrics.
    """
    written = Counter(
        f"placement_guard_{of}_records",
        f"Records of the {of} that were written, by where to.",
        LABELS[:1],
        registry=registry,
    )
    dropped = Counter(
        f"placement_guard_{of}_records_dropped",
        f"Records of the {of} that were not written, by why.",
        LABELS,
        registry=registry,
    )
    return {
        sink: SinkCounters(
            written.labels(sink).inc,
            {reason: dropped.labels(sink, reason).inc for reason in why},
        )
        for sink, why in reasons.items()
    }
