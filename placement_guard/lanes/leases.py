"""Keeps the leases of this process alive while its requests run."""

import os
import threading
from collections.abc import Callable
from typing import Final

from oslo_log import log

from placement_guard.lanes.scripts import LEASE

LOG = log.getLogger(__name__)

EXTENDED_EVERY: Final = LEASE / 4
"""How often (seconds) leases are extended: some answers may fail before one runs out."""


class Leases:
    """Calls what extends each lease, on one daemon thread for each process.

    The thread begins with the first lease, so that a worker that was forked has its own. Under
    uWSGI it needs ``enable-threads``; without, a request longer than LEASE loses its lanes.
    """

    def __init__(self) -> None:
        self._keepers: dict[int, _Keeper] = {}
        """By process: a thread does not survive a fork, and the leases of a parent are its own."""

    def add(self, token: str, extend: Callable[[], None]) -> None:
        """Extend this one from now on, again and again. ``extend`` raises nothing."""
        keeper = self._keepers.get(os.getpid())
        if keeper is None:
            new = _Keeper()
            keeper = self._keepers.setdefault(os.getpid(), new)  # atomic: one of two threads wins
            if keeper is new:
                new.start()
        keeper.leases[token] = extend

    def discard(self, token: str) -> None:
        """Do not extend it any more."""
        keeper = self._keepers.get(os.getpid())
        if keeper is not None:
            keeper.leases.pop(token, None)

    def close(self) -> None:
        """End the thread. It begins again with the next lease."""
        keeper = self._keepers.pop(os.getpid(), None)
        if keeper is not None:
            keeper.stop.set()


class _Keeper:
    """The thread of one process, and what it extends."""

    def __init__(self) -> None:
        self.leases: dict[str, Callable[[], None]] = {}
        self.stop = threading.Event()

    def start(self) -> None:
        thread = threading.Thread(target=self._run, name="lanes", daemon=True)
        try:
            thread.start()
        except RuntimeError as error:  # no more threads: then a lease lasts as long as it lasts
            LOG.warning("Lanes: leases will not be extended (%s).", error)

    def _run(self) -> None:
        while not self.stop.wait(EXTENDED_EVERY):
            for extend in list(self.leases.values()):
                extend()
