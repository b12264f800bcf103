"""A file of JSON lines that several processes append to, and that each of them may rotate.

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

from placement_guard.observers.audit.record import Record, line_of
from placement_guard.observers.audit.sink import NO_SPACE, UNWRITABLE, SinkError

LOG = log.getLogger(__name__)

MODE: Final = 0o640
"""Who may read a new file: its owner, and its group for what ships logs."""

TRIES: Final = 100
"""How often the file may be renamed under a writer that waits for its lock."""

_FLAGS: Final = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY
_NO_SPACE: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})

_open: set[int] = set()
"""The descriptors of this process. Sets change atomically."""


class RotatedFile:
    """Appends to ``path``; a sink.

    max_bytes
        How large the file may get (bytes), except by one record that is larger; it then becomes
        ``path.1``, that becomes ``path.2``, and so on. 0: no rotation.
    keep
        How many files are kept beside the one that is written.
    """

    def __init__(self, path: str, max_bytes: int, keep: int) -> None:
        self._path, self._max, self._keep = path, max_bytes, keep
        self._fd: int | None = None
        self._told = False

    def __call__(self, records: Sequence[Record]) -> None:
        lines = [f"{line_of(record)}\n".encode() for record in records]
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
            if self._max and size and size + len(lines[0]) > self._max and self._rotated():
                return 0
            # Who was killed half-way has left a line without its end: ours begins on its own.
            lead = b"\n" if size and os.pread(fd, 1, size - 1) != b"\n" else b""
            fitting = self._fitting(lines, size + len(lead))
            _append(fd, size, lead, lines[:fitting])
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

    def _locked(self) -> int:
        """The file that has the name now, and its lock."""
        for _ in range(TRIES):
            fd = self._fd = self._opened() if self._fd is None else self._fd
            fcntl.flock(fd, fcntl.LOCK_EX)
            if _is_at(fd, self._path):
                return fd
            self.close()
        raise OSError(errno.EBUSY, "it is renamed again and again")

    def _opened(self) -> int:
        fd = os.open(self._path, _FLAGS, MODE)
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            os.close(fd)
            raise OSError(errno.EINVAL, "it is no regular file")
        _open.add(fd)
        return fd

    def _rotated(self) -> bool:
        """Rename the file away, and the older ones before it. Under its lock: nobody else does."""
        names = [self._path, *(f"{self._path}.{number}" for number in range(1, self._keep + 1))]
        kept = 1
        while kept < self._keep and os.path.lexists(names[kept]):
            kept += 1
        try:
            for number in range(kept, 0, -1):
                Path(names[number - 1]).replace(names[number])
        except OSError as error:
            # A file that grows is better than one that ends.
            if not self._told:
                LOG.error("Audit: %s cannot be rotated: %s", self._path, error.strerror)  # noqa: TRY400
            self._told = True
            return False
        self._told = False
        return True

    def close(self) -> None:
        if self._fd is not None:
            _open.discard(self._fd)
            os.close(self._fd)
            self._fd = None


class _PartError(Exception):
    """Of the lines only ``written`` are in the file."""

    def __init__(self, error: OSError, written: int) -> None:
        super().__init__()
        self.error, self.written = error, written


def _append(fd: int, size: int, lead: bytes, lines: Sequence[bytes]) -> None:
    """Append whole lines to a file of ``size`` bytes: of a line that gets in by half, nothing."""
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
        raise _PartError(error, whole) from None


def _is_at(fd: int, path: str) -> bool:
    try:
        return os.path.samestat(os.fstat(fd), Path(path).stat())
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
