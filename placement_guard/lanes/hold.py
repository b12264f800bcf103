"""What is asked of lanes and what is given: the words that every driver shares."""

import os
from collections.abc import Callable, Collection
from enum import StrEnum
from typing import NamedTuple, Protocol, Self

from oslo_log import log

LOG = log.getLogger(__name__)


class Lane(NamedTuple):
    """The queue of the writes that touch ``name``, a resource provider's UUID as a rule.

    ``alone`` takes the whole width: nobody else is in the lane at the same time.
    """

    name: str
    alone: bool = False


class Result(StrEnum):
    """How a request came out of its wait."""

    HELD = "held"
    """It has every lane that it asked for."""
    TIMEOUT = "timeout"
    """Its time was over; it has the lanes that were free by then."""
    FULL = "full"
    """Too many waited before it, and it did not wait; it has the lanes that it got until then."""
    UNAVAILABLE = "unavailable"
    """There are no lanes at the moment; it has nothing."""


class State(NamedTuple):
    """How a driver is, for a health page.

    driver
        What takes the lanes: ``files``, ``redis`` or ``none``.
    where
        The directory, or the address of the server. Never a password.
    available, since
        Whether lanes can be taken, and since when (Unix time, seconds) that is so.
    why
        What is in the way; empty where they are available.
    below
        The driver that holds one host together where this one joins several.
    """

    driver: str
    where: str
    available: bool
    since: float
    why: str = ""
    below: "State | None" = None


class Hold:
    """What a request has got of its lanes. Leave it, or ``release()`` it, when the write is done.

    result
        How the wait ended. Whatever it says, the request may go on: lanes keep conflicts few,
        they are not what keeps data correct.
    waited
        How long it took (seconds).
    driver
        What it was taken from: ``files``, ``redis`` or ``none``. ``files`` of lanes over Redis
        means that Redis could not be asked, and that only this host queued.
    lost
        After the release: others may have been let in before it. Only where lanes are leased.
    """

    __slots__ = ("_pid", "_undo", "driver", "lost", "result", "waited")

    def __init__(
        self, result: Result, waited: float, driver: str, *undo: Callable[["Hold"], None]
    ) -> None:
        self.result = result
        self.waited = waited
        self.driver = driver
        self.lost = False
        self._undo = list(undo)
        self._pid = os.getpid()

    def release(self) -> None:
        """Leave the lanes. May be called again, from any thread; raises nothing.

        In a child forked meanwhile it does nothing: the lanes are still the parent's.
        """
        if os.getpid() != self._pid:
            return
        while self._undo:
            try:
                self._undo.pop()(self)  # list.pop is atomic: nothing is undone twice
            except IndexError:
                return
            except Exception:
                LOG.exception("A lane could not be left")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.release()

    def __del__(self) -> None:
        self.release()


class Lanes(Protocol):
    """Takes lanes for requests. Every method may be called from any thread, also after a fork."""

    def hold(self, lanes: Collection[Lane], *, seconds: float, urgent: bool = False) -> Hold:
        """Wait for ``lanes``, at most ``seconds`` (and at most MAX_SECONDS).

        Raises nothing. ``urgent`` is for what must not queue behind claims (releases, deletes): it
        overtakes those that wait, waits only for those that hold, and is never told FULL.
        """

    def state(self) -> State:
        """How the driver is. Asks nothing: it says what the last request met."""

    def close(self) -> None:
        """Give back what the driver itself holds: connections, threads. Holds stay."""


class NoLanes:
    """Lanes that are switched off: everybody goes on at once, with nothing."""

    def hold(self, lanes: Collection[Lane], *, seconds: float, urgent: bool = False) -> Hold:
        del lanes, seconds, urgent
        return Hold(Result.UNAVAILABLE, 0.0, "none")

    def state(self) -> State:
        return State("none", "", available=False, since=0.0, why="lanes are switched off")

    def close(self) -> None:
        pass
