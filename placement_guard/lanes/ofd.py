"""Linux's locks on ranges of bytes, held by an open file (open file description locks).

They end with the last descriptor of the opening, so also with the process, however it ends. They
exclude threads as well as processes, as each opens the file for itself. A range need not exist in
the file: nothing is ever written. fcntl(2), "Open file description locks"; Linux 3.15.
"""

import errno
import struct
import sys
from collections.abc import Iterable
from typing import Final

try:
    import fcntl
except ImportError:  # not a Unix
    fcntl = None  # type: ignore[assignment]

SUPPORTED: Final = sys.platform == "linux" and hasattr(fcntl, "F_OFD_SETLK")
"""Whether this platform has them. The layout of the structure is Linux's."""

_FLOCK: Final = struct.Struct("@hhqqi0q")
"""``struct flock`` with 64-bit offsets: type, whence, start, length, pid, padding at the end."""

_SET, _GET, _WRITE, _NONE = (
    (fcntl.F_OFD_SETLK, fcntl.F_OFD_GETLK, fcntl.F_WRLCK, fcntl.F_UNLCK)
    if SUPPORTED
    else (0, 0, 0, 0)
)


def lock(fd: int, start: int, length: int = 1) -> bool:
    """Lock the bytes for this opening alone, or say no at once. OSError where locks do not work."""
    try:
        fcntl.fcntl(fd, _SET, _FLOCK.pack(_WRITE, 0, start, length, 0))
    except OSError as error:
        if error.errno in {errno.EAGAIN, errno.EACCES}:
            return False
        raise
    return True


def unlock(fd: int, start: int, length: int = 1) -> None:
    """Give the bytes back; with a length of 0, all from ``start`` on."""
    fcntl.fcntl(fd, _SET, _FLOCK.pack(_NONE, 0, start, length, 0))


def other(fd: int, start: int, end: int) -> tuple[int, int] | None:
    """A lock that another opening has between ``start`` and ``end``: its own start and end."""
    asked = _FLOCK.pack(_WRITE, 0, start, end - start, 0)
    kind, _, start, length, _ = _FLOCK.unpack(fcntl.fcntl(fd, _GET, asked))
    return None if kind == _NONE else (start, start + length)


def count(fd: int, spans: Iterable[tuple[int, int]], most: int) -> int:
    """How many locks other openings have in these spans; ``most`` if there are so many or more.

    A span is its first byte and the one behind its last. The kernel names one lock at a time: it is
    asked again for what lies before and behind it, twice for each lock that is found.
    """
    left, found = list(spans), 0
    while left and found < most:
        start, end = left.pop()
        lock = other(fd, start, end) if start < end else None
        if lock is not None:
            found += 1
            left += [(start, lock[0]), (lock[1], end)]
    return found
