"""Lanes of one host: locks on one empty file, kept by the kernel. Needs no server.

A lane has slots, a byte each; who holds one is in the lane, who holds all of them is in it alone.
Locks are exact, so that a lane is never fuller than it may be. Who has to wait locks a byte further
on, its ticket, whose place is the time at which it gives up. With one patience for all, that is the
order of arrival, and the ticket of a process that has been stopped means nothing once its time is
over. Only who has no ticket before its own tries the slots; tickets of the urgent come first.

The kernel wakes nobody after a given time, so who waits sleeps and looks: often at the head of the
queue, less often behind. Everything ends with the descriptor, so with the process too.
"""

import os
import time
from collections.abc import Callable, Collection
from typing import Final

from placement_guard.lanes import ofd
from placement_guard.lanes.hold import Hold, Lane, Result, State
from placement_guard.lanes.line import Line
from placement_guard.lanes.outage import Outage
from placement_guard.lanes.pace import COUNTED, Pace
from placement_guard.lanes.place import Place
from placement_guard.lanes.turns import MAX_SECONDS, MAX_WIDTH, turns

DRIVER: Final = "files"


class FileLanes:
    """Lanes of ``width`` requests each, kept in the file at ``place``.

    width
        How many requests may be in a lane at a time (1 to MAX_WIDTH).
    max_waiting
        Who finds so many before it in a queue does not wait.
    """

    def __init__(self, place: Place, width: int, max_waiting: int) -> None:
        self._place = place
        self.width = min(max(1, width), MAX_WIDTH)
        self.max_waiting = max(1, max_waiting)
        self._outage = Outage(
            "the file of the lanes", "Writes do not queue, so that more of them conflict."
        )
        self.hold([Lane("")], seconds=0).release()  # what is wrong is to be said at start-up

    def hold(self, lanes: Collection[Lane], *, seconds: float, urgent: bool = False) -> Hold:
        """As in Lanes."""
        began = time.monotonic()
        if not lanes:
            return Hold(Result.HELD, 0.0, DRIVER)
        try:
            fd = self._place.open()
        except Exception as why:
            return self._unavailable(why, began)
        hold = Hold(Result.HELD, 0.0, DRIVER, _closer(fd))
        try:
            hold.result = self._take(fd, lanes, began + min(seconds, MAX_SECONDS), urgent=urgent)
        except Exception as error:
            hold.release()
            return self._unavailable(error, began)
        except BaseException:  # the worker is told to stop: nobody else will release it
            hold.release()
            raise
        self._outage.end()
        hold.waited = time.monotonic() - began
        return hold

    def state(self) -> State:
        """As in Lanes."""
        return State(DRIVER, self._place.directory, *self._outage.seen())

    def close(self) -> None:
        """As in Lanes: nothing is held between requests."""

    def _unavailable(self, why: Exception, began: float) -> Hold:
        self._outage.begin(str(why) or type(why).__name__)
        return Hold(Result.UNAVAILABLE, time.monotonic() - began, DRIVER)

    def _take(self, fd: int, lanes: Collection[Lane], deadline: float, *, urgent: bool) -> Result:
        """Take one lane after the other; what was taken stays taken, whatever the result."""
        worst = Result.HELD
        for turn in turns(lanes):
            line = Line(fd, turn, turn.width(self.width), deadline, urgent=urgent)
            if line.is_empty() and line.enter():
                continue
            result = self._wait(line, deadline, urgent=urgent)
            if result is Result.FULL:
                return result
            if result is not Result.HELD:
                worst = result
        return worst

    def _wait(self, line: Line, deadline: float, *, urgent: bool) -> Result:
        """Wait for one lane."""
        line.draw()
        try:
            if not urgent and line.ahead(self.max_waiting) >= self.max_waiting:
                return Result.FULL
            pace = Pace()
            while True:
                ahead = line.ahead(COUNTED)
                if not ahead and line.enter():
                    return Result.HELD
                left = deadline - time.monotonic()
                if left <= 0:
                    # It goes on in any case: better in a slot that is free, even out of turn.
                    return Result.HELD if line.enter() else Result.TIMEOUT
                time.sleep(min(left, pace.pause(ahead)))
        finally:
            line.discard()


_held: set[int] = set()
"""The descriptors of this process's holds. Sets change atomically."""


def _closer(fd: int) -> Callable[[Hold], None]:
    """What leaves the lanes that this descriptor holds."""
    _held.add(fd)

    def close(_hold: Hold) -> None:
        _held.discard(fd)
        try:
            # Closing alone would leave them to a child between its fork and its exec.
            ofd.unlock(fd, 0, 0)
        finally:
            os.close(fd)

    return close


def _forget() -> None:
    """In a child: close what it has inherited, or it would keep lanes that its parent leaves."""
    while _held:
        os.close(_held.pop())


os.register_at_fork(after_in_child=_forget)
