"""A file of lines that several processes append to.

It is appended to under a lock of the kernel (``<file>.lock``), which a process that dies
gives back. What a process left half-written is a line of its own for the next one: readers skip it.
"""

import contextlib
import fcntl
import os
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

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
