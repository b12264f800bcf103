"""A thread that writes lines to a file, so that nobody else waits for a disk."""

import atexit
import contextlib
import os
import threading
import weakref
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from oslo_log import log

from placement_guard.observers.line_file import LineFile

LOG = log.getLogger(__name__)

MAX_WAITING: Final = 4096
"""How many lines wait to be written in a process; what comes then is dropped."""

MAX_WAITING_BYTES: Final = 32 * 1024 * 1024
"""What all that waits may take (bytes), as told by who puts it there."""

AT_ONCE: Final = 256
"""How many lines are written under one lock."""

GATHER_SECONDS: Final = 0.05
"""How long the thread waits for more lines after the first (seconds)."""

CLOSE_SECONDS: Final = 2.0
"""How long the end of a process waits for what is not yet written (seconds)."""

WRITTEN, QUEUE_FULL, FILE_FAILED, UNREADABLE = "written", "queue_full", "file_failed", "unreadable"
RESULTS: Final = (WRITTEN, QUEUE_FULL, FILE_FAILED, UNREADABLE)
"""What becomes of a line: written, or dropped: the queue was full, the file could not be written,
it could not be put into JSON."""


class LineWriter:
    """Hands items to a file in a thread of its own. To put one there never waits and never fails.

    file
        Where the lines go.
    encode
        Makes the line of an item, in the thread; None for an item that has none.
    told
        By each of RESULTS, what counts it.
    """

    def __init__(
        self,
        file: LineFile,
        encode: Callable[[Any], bytes | None],
        told: Mapping[str, Callable[[float], None]],
    ) -> None:
        self._file, self._encode, self._told = file, encode, told
        self._failing = False
        self._start()
        again = weakref.WeakMethod(self._start)
        os.register_at_fork(after_in_child=lambda: _again(again()))
        atexit.register(self.close)

    def _start(self) -> None:
        """As new: a child has no thread, and may have inherited a lock that is held."""
        self._changed = threading.Condition()
        self._items: deque[tuple[Any, int]] = deque()
        self._bytes = self._writing = 0
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None

    def put(self, item: Any, size: int) -> None:
        """Have ``item``, which takes about ``size`` bytes, written some time; or drop it."""
        with self._changed:
            if len(self._items) >= MAX_WAITING or self._bytes + size > MAX_WAITING_BYTES:
                self._told[QUEUE_FULL](1)
                return
            self._items.append((item, size))
            self._bytes += size
            if len(self._items) == 1:
                self._changed.notify()
            if self._thread is None and not self._closing.is_set():
                self._begin()

    def _begin(self) -> None:
        thread = threading.Thread(target=self._run, name="line-writer", daemon=True)
        with contextlib.suppress(RuntimeError):  # there are too many: the next one tries again
            thread.start()
            self._thread = thread

    def flush(self, seconds: float) -> bool:
        """Wait until nothing waits; false where that takes longer."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._items and not self._writing, seconds)

    def close(self, seconds: float = CLOSE_SECONDS) -> None:
        """Write what waits, as far as there is time for it, and end the thread."""
        atexit.unregister(self.close)
        self._closing.set()
        with self._changed:
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join(seconds)

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._items or self._closing.is_set())
                if not self._items:
                    break
            self._closing.wait(GATHER_SECONDS)
            with self._changed:
                number = min(len(self._items), AT_ONCE)
                taken = [self._items.popleft() for _ in range(number)]
                self._bytes -= sum(size for _, size in taken)
                self._writing = number
            self._write([item for item, _ in taken])
            with self._changed:
                self._writing = 0
                self._changed.notify_all()
        self._file.close()

    def _write(self, items: Sequence[Any]) -> None:
        lines = []
        for item in items:
            try:
                line = self._encode(item)
            except Exception as error:
                # What it says may quote what a client wrote.
                LOG.warning("A line cannot be written: %s", type(error).__name__)
                self._told[UNREADABLE](1)
                continue
            if line is not None:
                lines.append(line)
        if not lines:
            return
        try:
            self._file.append(lines)
        except Exception as error:  # whatever it is, the thread goes on
            self._told[FILE_FAILED](len(lines))
            if not self._failing:
                LOG.error("Nothing can be written, lines are dropped: %s", error)  # noqa: TRY400
            self._failing = True
            return
        self._told[WRITTEN](len(lines))
        if self._failing:
            LOG.warning("Lines can be written again")
            self._failing = False


def _again(start: Callable[[], None] | None) -> None:
    """Begin anew in a child, if the writer is still there."""
    if start is not None:
        start()
