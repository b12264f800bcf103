"""Between the requests and a sink: in each process a bounded queue, and a thread that empties it.

A request appends to the queue and goes on; it waits for nothing that the thread does. The thread
begins with the first record, so that a worker that was forked has one of its own. Under uWSGI
without ``enable-threads`` it runs only while a request lets it; then the queue gets full.
"""

import os
import weakref
from functools import partial
from typing import Final, Generic, TypeVar

from placement_guard.observers.writing.counters import SinkCounters
from placement_guard.observers.writing.sink import Way
from placement_guard.observers.writing.writer import Writer

DRAIN_SECONDS: Final = 2.0
"""How long the end of a process waits for what is in the queue (seconds)."""

Item = TypeVar("Item")
Written = TypeVar("Written")


class SinkQueue(Generic[Item, Written]):
    """Records on their way to a sink.

    most
        How many records wait at most, beside those that the thread is about to write; the next is
        dropped, and counted.
    most_bytes
        What all of them may take (bytes, as told to :meth:`put`); None: no bound but their number.
    """

    def __init__(
        self,
        way: Way[Item, Written],
        counters: SinkCounters,
        *,
        most: int,
        most_bytes: int | None = None,
    ) -> None:
        self._new = partial(Writer[Item, Written], way, counters, most, most_bytes)
        self._writers: dict[int, Writer[Item, Written]] = {}
        self.close = weakref.finalize(self, _end, self._writers)
        """Write what is waiting, in bounded time. Done when the process ends, too."""

    def put(self, record: Item, size: int = 0) -> None:
        """Have ``record``, which takes about ``size`` bytes, written some time; or drop it."""
        writer = self._writers.get(os.getpid())
        (writer or self._begin()).put(record, size)

    def waiting(self) -> int:
        """How many records wait in this process."""
        writer = self._writers.get(os.getpid())
        return 0 if writer is None else writer.waiting()

    def flush(self, seconds: float) -> bool:
        """Wait until all that was put is written or dropped; false where that takes longer."""
        writer = self._writers.get(os.getpid())
        return writer is None or writer.flush(seconds)

    def _begin(self) -> "Writer[Item, Written]":
        pid = os.getpid()
        writer = self._writers.setdefault(pid, self._new())
        for other in [known for known in self._writers if known != pid]:
            self._writers.pop(other, None)  # what waits there is the parent's to write
        return writer


def _end(writers: "dict[int, Writer[Item, Written]]") -> None:
    writer = writers.get(os.getpid())
    if writer is not None:
        writer.end(DRAIN_SECONDS)
