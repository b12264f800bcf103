"""Where the file of the lanes is: a directory that is this user's and that nobody else writes to.

Whoever could open the file could hold every lane; whoever could put a link in its place could have
another file opened. So the directory and the file are looked at before they are used, and
everything that is not as it should be is refused.
"""

import contextlib
import errno
import os
import stat
import tempfile
from typing import Final, NamedTuple

from placement_guard.lanes import ofd

RUN: Final = "/run/placement-guard"
"""Where lanes are first looked for: what ``RuntimeDirectory=placement-guard`` of systemd makes."""

FILE: Final = "lanes"
"""The one file in the directory. It stays empty."""

_OPEN: Final = os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC
_PROBE: Final = (1 << 63) - (1 << 32)
"""Where the locks are tried (offset in bytes): behind everything that lanes use."""


class Unusable(Exception):  # noqa: N818  # not an error: the reason why there are no lanes
    """There is no place for lanes; the text says why."""


class Known(NamedTuple):
    """A file that was looked at: where it is, and what tells it from any other."""

    directory: str
    device: int
    inode: int


class Place:
    """The file of the lanes, in ``directory``; without one, in the first that can be used of

    ``/run/placement-guard`` and ``<temporary directory>/placement-guard-<uid>``. What is missing
    is made with mode 0700, its parent is not. Environment variables of one unit (XDG's, systemd's)
    are not asked: all workers of a user on a host must come to the same place.
    """

    def __init__(self, directory: str | None) -> None:
        # A path that ends in a slash would be followed through a link.
        self._asked = os.path.abspath(directory) if directory else None  # noqa: PTH100  # no links
        self._known: Known | None = None

    @property
    def directory(self) -> str:
        """Where it is, or where it is wanted."""
        known = self._known  # other threads look too
        return known.directory if known is not None else " or ".join(self._candidates())

    def open(self) -> int:
        """A descriptor of an opening of its own. Unusable where there is none to be had."""
        known = self._known
        if known is not None:
            try:
                fd = os.open(f"{known.directory}/{FILE}", _OPEN)
            except OSError:
                return self._find()
            # Whether it is still the file that was looked at, whoever has moved what since.
            status = os.fstat(fd)
            if status.st_ino == known.inode and status.st_dev == known.device:
                return fd
            os.close(fd)
        return self._find()

    def _candidates(self) -> list[str]:
        if self._asked is not None:
            return [self._asked]
        try:
            temporary = tempfile.gettempdir()
        except OSError:  # nothing is writable; it is said when the directory cannot be made
            temporary = "/tmp"  # noqa: S108  # looked at before it is used
        return [RUN, f"{temporary}/placement-guard-{os.geteuid()}"]

    def _find(self) -> int:
        """Look at each candidate anew, and open the file in the first that can be used."""
        if not ofd.SUPPORTED:
            raise Unusable("this platform has no open file description locks; Linux has")
        reasons = []
        for directory in self._candidates():
            try:
                fd = _open_in(directory)
            except Unusable as why:
                reasons.append(f"{directory}: {why}")
            except OSError as error:
                reasons.append(f"{directory}: {_said(error)}")
            else:
                status = os.fstat(fd)
                self._known = Known(directory, status.st_dev, status.st_ino)
                return fd
        self._known = None
        raise Unusable("; ".join(reasons))


def _said(error: OSError) -> str:
    """What is wrong. A link in the place of a directory is told by either of two errors."""
    if error.errno in {errno.ELOOP, errno.ENOTDIR}:
        return "it, or the file in it, is a link or something else"
    return error.strerror or type(error).__name__


def _open_in(directory: str) -> int:
    """The file in this directory, both looked at; made where they are missing."""
    with contextlib.suppress(FileExistsError):
        os.mkdir(directory, 0o700)  # noqa: PTH102  # beside its neighbours
    folder = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        status = os.fstat(folder)
        if status.st_uid != os.geteuid():
            raise Unusable(f"it belongs to user {status.st_uid}, not to {os.geteuid()}")
        if status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
            raise Unusable("others may write to it; it needs mode 0700")
        fd = os.open(FILE, _OPEN | os.O_CREAT, 0o600, dir_fd=folder)
    finally:
        os.close(folder)
    try:
        _look_at(fd)
    except BaseException:
        os.close(fd)
        raise
    return fd


def _look_at(fd: int) -> None:
    """Unusable, or OSError, unless this is our file, and locks on it are real."""
    status = os.fstat(fd)
    if not stat.S_ISREG(status.st_mode):
        raise Unusable(f"{FILE} is not a file")
    if status.st_uid != os.geteuid():
        raise Unusable(f"{FILE} belongs to user {status.st_uid}, not to {os.geteuid()}")
    if status.st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise Unusable(f"others may open {FILE}; it needs mode 0600")
    # A second opening, as that of another process; by its number, as the path may lead elsewhere.
    second = os.open(f"/proc/self/fd/{fd}", os.O_RDWR | os.O_CLOEXEC)
    try:
        at = _PROBE + int.from_bytes(os.urandom(3), "big")
        if not ofd.lock(fd, at) or ofd.lock(second, at):
            raise Unusable("locks have no effect in it; it needs a local file system")
        ofd.unlock(fd, at)
    finally:
        os.close(second)
