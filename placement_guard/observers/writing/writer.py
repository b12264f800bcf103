"""The queue and the thread of one process."""

import threading
import time
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from typing import Final, Generic, TypeVar

from oslo_log import log

from placement_guard.observers.writing.counters import SinkCounters
from placement_guard.observers.writing.sink import (
    EXIT,
    FAILED,
    NOT_ENCODABLE,
    QUEUE_FULL,
    REASONS,
    Sink,
    SinkError,
    Way,
)

LOG = log.getLogger(__name__)

GATHER_SECONDS: Final = 0.1
"""How long the thread lets records gather (seconds): it wakes at most 10 times in a second."""

BATCH: Final = 64
"""How many records are given to a sink at once, at most."""

BATCH_BYTES: Final = 1024 * 1024
"""What those take together (bytes, as told to ``put``), but for a larger one."""

FIRST_PAUSE: Final = 0.1
LONGEST_PAUSE: Final = 5.0
"""How long (seconds) a sink that takes no records is left alone: at first, and, each time twice as
long, at most."""

QUIET_SECONDS: Final = 5.0
"""How long no record must have been dropped (seconds) until that is said to be over."""

Item = TypeVar("Item")
Written = TypeVar("Written")


class Writer(Generic[Item, Written]):
    """What a process has of a :class:`~placement_guard.observers.writing.queue.SinkQueue`."""

    def __init__(
        self,
        way: Way[Item, Written],
        counters: SinkCounters,
        most: int,
        most_bytes: int | None,
    ) -> None:
        self._what, self._name, self._make, self._encode = way
        self._counters, self._most, self._most_bytes = counters, most, most_bytes
        self._waiting: deque[tuple[Item, int]] = deque()
        # Requests add to the one, under a lock that they have for themselves, the thread to the
        # other: so none of them waits for it.
        self._put_bytes = self._done_bytes = 0
        self._put = self._done = 0
        self._putting = threading.Lock()
        self._wake, self._ending = threading.Event(), threading.Event()
        self._progress = threading.Condition()
        self._rarely = threading.Lock()
        self._thread: threading.Thread | None = None
        self._sink: Sink[Written] | None = None
        self._reason = QUEUE_FULL
        self._dropped, self._last_drop = 0, 0.0

    def put(self, record: Item, size: int) -> None:
        if self._thread is None:
            self._start()
        if not self._appended(record, size):
            self._drop(1, EXIT if self._ending.is_set() else self._reason)
        elif not self._wake.is_set():  # after the append: the thread clears it before it looks
            self._wake.set()

    def _appended(self, record: Item, size: int) -> bool:
        with self._putting:
            if not self._has_room(size):
                return False
            self._put_bytes += size
            self._put += 1
            self._waiting.append((record, size))
            return True

    def _has_room(self, size: int) -> bool:
        if len(self._waiting) >= self._most or self._ending.is_set():
            return False
        waiting = self._put_bytes - self._done_bytes
        return self._most_bytes is None or waiting + size <= self._most_bytes

    def _start(self) -> None:
        with self._rarely:
            if self._thread is None and not self._ending.is_set():
                name = f"{self._what.lower()}-writer"
                thread = threading.Thread(target=self._run, name=name, daemon=True)
                with suppress(RuntimeError):  # no more threads now: the next record tries again
                    thread.start()
                    self._thread = thread

    def waiting(self) -> int:
        """How many wait, beside those that the thread is about to write."""
        return len(self._waiting)

    def flush(self, seconds: float) -> bool:
        wanted = self._put
        with self._progress:
            return self._progress.wait_for(lambda: self._done >= wanted, seconds)

    def end(self, seconds: float) -> None:
        """Let the thread write what is waiting; what is left after so long is dropped."""
        self._ending.set()
        self._wake.set()
        thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join(seconds)
        left = 0
        while self._taken() is not None:  # the thread may still be at it: each is counted once
            left += 1
        self._drop(left, EXIT)

    def _taken(self) -> tuple[Item, int] | None:
        """The next one that waits, if there is one."""
        try:
            return self._waiting.popleft()
        except IndexError:
            return None

    def _drop(self, number: int, reason: str) -> None:
        if not number:
            return
        self._counters.dropped(reason, number)
        with self._rarely:
            first, self._dropped = not self._dropped, self._dropped + number
            self._last_drop = time.monotonic()
        if first:
            LOG.error("%s: records for %s are dropped: %s", self._what, self._name, REASONS[reason])

    # In the thread ------------------------------------------------------------------------------

    def _run(self) -> None:
        while not self._ending.is_set() or self._waiting:
            self._wake.wait(QUIET_SECONDS if self._dropped else None)
            self._ending.wait(GATHER_SECONDS)
            self._wake.clear()
            while self._waiting:
                self._write_some()
            self._say_over()
        if self._sink is not None:
            self._sink.close()

    def _write_some(self) -> None:
        batch: list[Written] = []
        number = size = 0
        while number < BATCH and size < BATCH_BYTES and (taken := self._taken()) is not None:
            record, takes = taken
            number, size = number + 1, size + takes
            batch += self._encoded(record)
        self._write(batch)
        self._done_bytes += size
        with self._progress:
            self._done += number
            self._progress.notify_all()

    def _encoded(self, record: Item) -> Sequence[Written]:
        try:
            return (self._encode(record),)
        except Exception as error:
            # What it says may quote what a client wrote.
            LOG.warning("%s: a record has no line: %s", self._what, type(error).__name__)
            self._drop(1, NOT_ENCODABLE)
            return ()

    def _write(self, batch: Sequence[Written]) -> None:
        """Write these, however often it takes; once the process ends, try once more."""
        pause = FIRST_PAUSE
        while batch and (batch := self._tried(batch)):
            if self._ending.is_set():
                self._drop(len(batch), self._reason)
                return
            self._ending.wait(pause)
            pause = min(2 * pause, LONGEST_PAUSE)

    def _tried(self, batch: Sequence[Written]) -> Sequence[Written]:
        """What the sink has not taken of these, and may take later."""
        try:
            if self._sink is None:
                self._sink = self._make()
            self._sink(batch)
        except SinkError as error:
            self._counters.written(error.written)
            if self._reason == QUEUE_FULL:
                LOG.error(  # noqa: TRY400  # a traceback would say no more
                    "%s: %s takes no records: %s. %d can wait; the next ones are dropped.",
                    self._what,
                    self._name,
                    error,
                    self._most,
                )
            self._reason = error.reason
            return batch[error.written :]
        except Exception:
            LOG.exception("%s: the guard failed to write to %s", self._what, self._name)
            self._drop(len(batch), FAILED)
            return ()
        self._counters.written(len(batch))
        if self._reason != QUEUE_FULL:
            self._reason = QUEUE_FULL
            LOG.warning("%s: %s takes records again.", self._what, self._name)
        return ()

    def _say_over(self) -> None:
        """Once no more are dropped: not between one and the next of many."""
        if not self._dropped or time.monotonic() < self._last_drop + QUIET_SECONDS:
            return
        with self._rarely:
            dropped, self._dropped = self._dropped, 0
        LOG.warning(
            "%s: no more records for %s are dropped; there were %d.",
            self._what,
            self._name,
            dropped,
        )
