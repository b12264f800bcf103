"""A file of lines that several processes append to, and a thread that writes so that nobody waits.

The file is appended to under a lock of the kernel (``<file>.lock``), which a process that dies
gives back. What a process left half-written is a line of its own for the next one: readers skip it.
"""

import atexit
import contextlib
import fcntl
import os
import stat
import threading
import weakref
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from oslo_log import log

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

_FLAGS: Final = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK


class LineFile:
    """Appends lines to ``path``, mode 0600; for one thread, and any number of processes.

    max_bytes
        The size (bytes) at which the file becomes ``<path>.1``, that ``<path>.2`` and so on.
    kept
        How many old files are kept; 0: none.
    head
        A line that each process writes first, once in each file.
    """

    def __init__(self, path: str, *, max_bytes: int, kept: int, head: bytes = b"") -> None:
        self._path, self._max_bytes, self._kept, self._head = path, max_bytes, kept, head
        self._file = self._lock = -1
        self._known: tuple[int, int] | None = None
        self._pid = 0

    def append(self, lines: Sequence[bytes]) -> None:
        """Append ``lines``, each without its line break. OSError: not all of them are written."""
        with self._locked():
            size, gathered = self._open(), bytearray()
            for line in lines:
                if size + len(gathered) + len(line) >= self._max_bytes and (gathered or size):
                    self._write(gathered, size)
                    self._rotate()
                    size, gathered = self._open(), bytearray()
                gathered += line + b"\n"
            self._write(gathered, size)

    def close(self) -> None:
        """Close what is open; :meth:`append` opens it again."""
        for descriptor in (self._file, self._lock):
            if descriptor >= 0:
                with contextlib.suppress(OSError):
                    os.close(descriptor)
        self._file = self._lock = -1
        self._known = None

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        if self._pid != os.getpid():  # a lock that was inherited is the parent's too
            self.close()
            self._pid = os.getpid()
        if self._lock < 0:
            self._lock = os.open(self._path + ".lock", _FLAGS, 0o600)
        fcntl.flock(self._lock, fcntl.LOCK_EX)
        try:
            yield
        finally:
            fcntl.flock(self._lock, fcntl.LOCK_UN)

    def _open(self) -> int:
        """Have the file that is at ``path`` now open, headed, and at a line's begin; its size."""
        try:
            there = Path(self._path).lstat()
        except FileNotFoundError:
            there = None
        if there is None or self._known != (there.st_dev, there.st_ino):
            if self._file >= 0:
                os.close(self._file)
                self._file = -1
            self._file = os.open(self._path, _FLAGS, 0o600)
            there = os.fstat(self._file)
            self._known = None
        if not stat.S_ISREG(there.st_mode):
            raise OSError(f"{self._path} is no regular file")
        size = there.st_size
        start = bytearray()
        if size and os.pread(self._file, 1, size - 1) != b"\n":
            start += b"\n"
        if self._known is None and self._head:
            start += self._head + b"\n"
        self._write(start, size)
        self._known = there.st_dev, there.st_ino
        return size + len(start)

    def _write(self, data: bytearray, size: int) -> None:
        """Write all of ``data`` at the end, at ``size``; or, on a full disk, none of it."""
        rest = memoryview(data)
        try:
            while rest:
                rest = rest[os.write(self._file, rest) :]
        except OSError:
            with contextlib.suppress(OSError):
                os.ftruncate(self._file, size)
            raise

    def _rotate(self) -> None:
        names = [self._path, *(f"{self._path}.{number}" for number in range(1, self._kept + 1))]
        for older, newer in zip(reversed(names[1:]), reversed(names[:-1]), strict=True):
            with contextlib.suppress(FileNotFoundError):
                Path(newer).replace(older)
        if not self._kept:
            Path(self._path).unlink()


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
                self._thread = threading.Thread(target=self._run, name="line-file", daemon=True)
                self._thread.start()

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
        except OSError as error:
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
