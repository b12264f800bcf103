"""Which worker writes to which file, where several processes count together.

Each process holds one slot of the directory that they share, and its files are named after it. A
worker that comes after one that died takes its slot, and counts on in its files: nothing that was
counted is lost, and there are never more files than there were workers at once.
"""

import contextlib
import os
import threading
from pathlib import Path
from typing import Final

from oslo_log import log

from placement_guard.lanes import ofd

LOG = log.getLogger(__name__)

MULTIPROC_DIR: Final = "PROMETHEUS_MULTIPROC_DIR"
"""The environment variable that names the directory: prometheus_client's own."""

FILE: Final = "slots"
"""The file whose locked bytes are the slots that are held. It stays empty."""

MAX_SLOTS: Final = 256
"""How many processes of one directory have slots. Others write to files named after their pid."""


def shared_directory() -> str | None:
    """The directory in which the workers of this service count together; None: each for itself."""
    return os.environ.get(MULTIPROC_DIR) or None


class Slots:
    """The slots of one directory, and the one of this process. Thread-safe; a fork has its own."""

    def __init__(self, directory: str) -> None:
        self.directory = Path(directory)
        self._lock = threading.Lock()
        self._pid = 0
        self._fd: int | None = None
        self._mine = ""

    def mine(self) -> str:
        """The slot of this process, as it stands in the names of its files; held until it ends."""
        if self._pid != os.getpid():  # hooks after a fork are not called by every server
            with self._lock:
                if self._pid != os.getpid():
                    self._mine = self._claim()
                    self._pid = os.getpid()
        return self._mine

    def held(self) -> frozenset[str]:
        """The slots that living processes hold."""
        mine = self.mine()
        fd = self._fd
        if fd is None:
            return frozenset({mine})
        others = (slot for slot in range(MAX_SLOTS) if ofd.other(fd, slot, slot + 1))
        return frozenset({mine, *map(_name, others)})

    def _claim(self) -> str:
        """The lowest free slot. Where there is none to be had, the pid does: no slot, no loss."""
        try:
            slot = self._free()
        except OSError as error:
            LOG.warning("Metrics: no slot in %s (%s)", self.directory, error.strerror)
            slot = None
        if slot is None:
            return f"pid{os.getpid()}"
        for gauge in self.directory.glob(f"gauge_live*_{_name(slot)}.db"):
            with contextlib.suppress(OSError):
                gauge.unlink()  # it said how the one before was doing
        return _name(slot)

    def _free(self) -> int | None:
        inherited, self._fd = self._fd, None
        if inherited is not None:
            os.close(inherited)  # a parent's: its lock is the parent's too, and stays
        if not ofd.SUPPORTED:
            return None
        fd = os.open(self.directory / FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            for slot in range(MAX_SLOTS):
                if ofd.lock(fd, slot):
                    self._fd = fd
                    return slot
        finally:
            if self._fd != fd:
                os.close(fd)
        return None


def _name(slot: int) -> str:
    return f"w{slot}"
