"""Between the requests and a sink: a bounded queue, and in each process one thread that empties it.

A request appends to the queue and goes on; it takes no lock but when its process has no thread yet.
The thread begins with the first record, so that a worker that was forked has one of its own. Under
uWSGI without ``enable-threads`` it runs only while a request lets it; then the queue gets full.
"""

import os
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import Final

from oslo_log import log

from placement_guard.observers.audit.counters import SinkCounters
from placement_guard.observers.audit.record import Record
from placement_guard.observers.audit.sink import (
    EXIT,
    FAILED,
    QUEUE_FULL,
    REASONS,
    Sink,
    SinkError,
)

LOG = log.getLogger(__name__)

GATHER_SECONDS: Final = 0.05
"""How long the thread lets records gather (seconds): it wakes at most 20 times in a second."""

BATCH: Final = 64
"""How many records are given to a sink at once."""

FIRST_PAUSE: Final = 0.1
LONGEST_PAUSE: Final = 5.0
"""How long (seconds) a sink that takes no records is left alone: at first, and, each time twice as
long, at most."""

DRAIN_SECONDS: Final = 2.0
"""How long the end of a process waits for what is in the queue (seconds)."""

QUIET_SECONDS: Final = 5.0
"""How long no record must have been dropped (seconds) until that is said to be over."""

MakeSink = Callable[[], Sink]
"""Makes the sink, in the thread that will use it."""


class Trail:
    """Records on their way to a sink.

    name
        What the log calls the sink.
    most
        How many records wait at most; the next is dropped, and counted.
    """

    def __init__(self, name: str, make: MakeSink, counters: SinkCounters, most: int) -> None:
        self._new = partial(_Writer, name, make, counters, most)
        self._writers: dict[int, _Writer] = {}
        self.close = weakref.finalize(self, _end, self._writers)
        """Write what is waiting, in bounded time. Done when the process ends, too."""

    def __call__(self, record: Record) -> None:
        writer = self._writers.get(os.getpid())
        (writer or self._begin()).put(record)

    def _begin(self) -> "_Writer":
        pid = os.getpid()
        writer = self._writers.setdefault(pid, self._new())
        for other in [known for known in self._writers if known != pid]:
            self._writers.pop(other, None)  # what waits there is the parent's to write
        return writer


def _end(writers: dict[int, "_Writer"]) -> None:
    writer = writers.get(os.getpid())
    if writer is not None:
        writer.end(DRAIN_SECONDS)


class _Writer:
    """The queue and the thread of one process."""

    def __init__(self, name: str, make: MakeSink, counters: SinkCounters, most: int) -> None:
        self._name, self._make, self._counters, self._most = name, make, counters, most
        self._waiting: deque[Record] = deque()
        self._wake, self._ending = threading.Event(), threading.Event()
        self._rarely = threading.Lock()
        self._thread: threading.Thread | None = None
        self._sink: Sink | None = None
        self._reason = QUEUE_FULL
        self._dropped, self._last_drop = 0, 0.0

    def put(self, record: Record) -> None:
        if self._thread is None:
            self._start()
        if len(self._waiting) >= self._most or self._ending.is_set():
            self._drop(1, EXIT if self._ending.is_set() else self._reason)
            return
        self._waiting.append(record)
        if not self._wake.is_set():  # after the append: the thread clears it before it looks
            self._wake.set()

    def _start(self) -> None:
        with self._rarely:
            if self._thread is None and not self._ending.is_set():
                thread = threading.Thread(target=self._run, name="audit", daemon=True)
                with suppress(RuntimeError):  # no more threads now: the next record tries again
                    thread.start()
                    self._thread = thread

    def end(self, seconds: float) -> None:
        """Let the thread write what is waiting; what is left after so long is dropped."""
        self._ending.set()
        self._wake.set()
        thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join(seconds)
        self._drop(len(self._waiting), EXIT)

    def _drop(self, number: int, reason: str) -> None:
        if not number:
            return
        self._counters.dropped(reason, number)
        with self._rarely:
            first, self._dropped = not self._dropped, self._dropped + number
            self._last_drop = time.monotonic()
        if first:
            LOG.error("Audit: records for %s are dropped: %s", self._name, REASONS[reason])

    # In the thread ------------------------------------------------------------------------------

    def _run(self) -> None:
        while not self._ending.is_set() or self._waiting:
            self._wake.wait(QUIET_SECONDS if self._dropped else None)
            self._ending.wait(GATHER_SECONDS)
            self._wake.clear()
            while self._waiting:
                self._write([self._waiting.popleft() for _ in range(self._at_once())])
            self._say_over()
        if self._sink is not None:
            self._sink.close()

    def _at_once(self) -> int:
        return min(BATCH, len(self._waiting))

    def _write(self, batch: Sequence[Record]) -> None:
        """Write these, however often it takes; once the process ends, try once more."""
        pause = FIRST_PAUSE
        while batch := self._tried(batch):
            if self._ending.is_set():
                self._drop(len(batch), self._reason)
                return
            self._ending.wait(pause)
            pause = min(2 * pause, LONGEST_PAUSE)

    def _tried(self, batch: Sequence[Record]) -> Sequence[Record]:
        """What the sink has not taken of these, and may take later."""
        try:
            if self._sink is None:
                self._sink = self._make()
            self._sink(batch)
        except SinkError as error:
            self._counters.written(error.written)
            if self._reason == QUEUE_FULL:
                LOG.error(  # noqa: TRY400  # a traceback would say no more
                    "Audit: %s takes no records: %s. %d can wait; the next ones are dropped.",
                    self._name,
                    error,
                    self._most,
                )
            self._reason = error.reason
            return batch[error.written :]
        except Exception:
            LOG.exception("Audit: the guard failed to write to %s", self._name)
            self._drop(len(batch), FAILED)
            return ()
        self._counters.written(len(batch))
        if self._reason != QUEUE_FULL:
            self._reason = QUEUE_FULL
            LOG.warning("Audit: %s takes records again.", self._name)
        return ()

    def _say_over(self) -> None:
        """Once no more are dropped: not between one and the next of many."""
        if not self._dropped or time.monotonic() < self._last_drop + QUIET_SECONDS:
            return
        with self._rarely:
            dropped, self._dropped = self._dropped, 0
        LOG.warning(
            "Audit: no more records for %s are dropped; there were %d.", self._name, dropped
        )
