"""A file of lines that several processes append to, and that each of them may rotate.

All that is done to the file is done under an exclusive flock on the file itself. Who got the lock
of a file that has meanwhile been renamed, by another worker or by logrotate, opens the new one.
Docs: docs/adr/0008-audit.md says why this is not a library.
"""

import errno
import fcntl
import os
import stat
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from oslo_log import log

from placement_guard.observers.writing.sink import NO_SPACE, UNWRITABLE, SinkError

LOG = log.getLogger(__name__)

TRIES: Final = 100
"""How often the file may be renamed under a writer that waits for its lock."""

_FLAGS: Final = (
    os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY
    | os.O_NOFOLLOW
)  # fmt: skip
_NO_SPACE: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})

_open: set[int] = set()
"""The descriptors of this process. Sets change atomically."""


class RotatedFile:
    """Appends lines to ``path``; a sink, for one thread.

    max_bytes
        How large the file may get (bytes), except by one line that is larger; it then becomes
        ``path.1``, that becomes ``path.2``, and so on. 0: no rotation.
    kept
        How many files are kept beside the one that is written; 0: none.
    mode
        Who may read and write a new file.
    head
        A line that each process writes before its first one in each file.
    """

    def __init__(
        self, path: str, max_bytes: int, kept: int, *, mode: int, head: bytes = b""
    ) -> None:
        self._path, self._max, self._kept, self._mode = path, max_bytes, kept, mode
        self._head = head + b"\n" if head else b""
        self._fd: int | None = None
        self._pid = 0
        self._headed = False
        self._told = False

    def __call__(self, records: Sequence[bytes]) -> None:
        """Append these lines, each without its end, or raise SinkError."""
        lines = [line + b"\n" for line in records]
        written = 0
        try:
            while written < len(lines):
                written += self._some(lines[written:])
        except _PartError as part:
            raise _sink_error(part.error, written + part.written) from None
        except OSError as error:
            raise _sink_error(error, written) from None

    def _some(self, lines: Sequence[bytes]) -> int:
        """Write as many lines as the file has room for, at least one; how many that were."""
        fd = self._locked()
        try:
            size = os.fstat(fd).st_size
            # Who was killed half-way has left a line without its end: ours begins on its own.
            lead = b"\n" if size and os.pread(fd, 1, size - 1) != b"\n" else b""
            if not (self._headed and size):  # or cut to nothing by somebody
                lead += self._head
            begin = size + len(lead)
            if self._max and size and begin + len(lines[0]) > self._max and self._rotated():
                return 0
            fitting = self._fitting(lines, begin)
            self._append(fd, size, lead, lines[:fitting])
            return fitting
        finally:
            fcntl.flock(fd, fcntl.LOCK_UN)

    def _fitting(self, lines: Sequence[bytes], size: int) -> int:
        if not self._max:
            return len(lines)
        for number, line in enumerate(lines):
            size += len(line)
            if number and size > self._max:
                return number
        return len(lines)

    def _append(self, fd: int, size: int, lead: bytes, lines: Sequence[bytes]) -> None:
        """Append whole lines at ``size`` (bytes): of a line that gets in by half, nothing."""
        data = memoryview(lead + b"".join(lines))
        done = 0
        try:
            while done < len(data):
                done += os.write(fd, data[done:])
        except OSError as error:
            whole, end = 0, len(lead)
            while whole < len(lines) and end + len(lines[whole]) <= done:
                end += len(lines[whole])
                whole += 1
            if os.fstat(fd).st_size == size + done:  # else somebody has cut it who knows no lock
                os.ftruncate(fd, size + (end if whole else 0))
            self._headed = self._headed or whole > 0
            raise _PartError(error, whole) from None
        self._headed = True

    def _locked(self) -> int:
        """The file that has the name now, and its lock."""
        if self._pid != os.getpid():  # what was open has been closed: see _forget
            self._fd, self._pid = None, os.getpid()
        for _ in range(TRIES):
            fd = self._fd = self._opened() if self._fd is None else self._fd
            fcntl.flock(fd, fcntl.LOCK_EX)
            if _is_at(fd, self._path):
                return fd
            self.close()
        raise OSError(errno.EBUSY, "it is renamed again and again")

    def _opened(self) -> int:
        fd = os.open(self._path, _FLAGS, self._mode)
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            os.close(fd)
            raise OSError(errno.EINVAL, "it is no regular file")
        _open.add(fd)
        self._headed = False
        return fd

    def _rotated(self) -> bool:
        """Rename the file away, and the older ones before it. Under its lock: nobody else does."""
        try:
            self._rename()
        except FileNotFoundError:
            return True  # somebody who knows no lock was faster
        except OSError as error:
            # A file that grows is better than one that ends.
            if not self._told:
                LOG.error("%s cannot be rotated: %s", self._path, error.strerror)  # noqa: TRY400
            self._told = True
            return False
        self._told = False
        return True

    def _rename(self) -> None:
        names = [self._path, *(f"{self._path}.{number}" for number in range(1, self._kept + 1))]
        if not self._kept:
            Path(self._path).unlink()
            return
        last = 1
        while last < self._kept and os.path.lexists(names[last]):
            last += 1
        for number in range(last, 0, -1):
            Path(names[number - 1]).replace(names[number])

    def close(self) -> None:
        if self._fd is not None and self._pid == os.getpid():
            _open.discard(self._fd)
            os.close(self._fd)
        self._fd = None


class _PartError(Exception):
    """Of the lines only ``written`` are in the file."""

    def __init__(self, error: OSError, written: int) -> None:
        super().__init__()
        self.error, self.written = error, written


def _is_at(fd: int, path: str) -> bool:
    try:
        return os.path.samestat(os.fstat(fd), Path(path).lstat())
    except FileNotFoundError:
        return False


def _sink_error(error: OSError, written: int) -> SinkError:
    reason = NO_SPACE if error.errno in _NO_SPACE else UNWRITABLE
    return SinkError(reason, error.strerror or type(error).__name__, written)


def _forget() -> None:
    """In a child: close what it has inherited, or it would keep a lock that its parent leaves."""
    while _open:
        os.close(_open.pop())


os.register_at_fork(after_in_child=_forget)
