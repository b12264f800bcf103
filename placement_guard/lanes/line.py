"""One request before one lane: its slots, its ticket, and who is before it."""

import time
from typing import Final

from placement_guard.lanes import ofd
from placement_guard.lanes.turns import MAX_WIDTH, Turn

TIMES: Final = 1 << 47
"""How many tickets a queue has: one a microsecond, for 4.4 years of uptime. Then they begin again,
and as long as one patience the order is another."""

QUEUES: Final = 1 << 48
"""Where the tickets of a lane begin: at (number + 1) times this, those of the urgent first. The
slots of all lanes are before that, and the last ticket is before 2**63, the largest offset."""


class Line:
    """The request that opened the file as ``fd``, in the line for ``turn`` until ``deadline``.

    width
        How many may be in this lane.
    deadline
        In seconds of CLOCK_MONOTONIC, which is one for all processes of a host.
    """

    __slots__ = ("_alone", "_fd", "_slot", "_ticket", "_tickets", "_urgent", "_width")

    def __init__(self, fd: int, turn: Turn, width: int, deadline: float, *, urgent: bool) -> None:
        self._fd = fd
        self._alone = turn.alone
        self._width = width
        self._slot = turn.number * MAX_WIDTH
        self._urgent = (turn.number + 1) * QUEUES
        self._tickets = self._urgent if urgent else self._urgent + TIMES
        self._ticket = self._tickets + _time(deadline)

    def enter(self) -> bool:
        """Take a slot, or all of them, if that can be done at once."""
        fd, slot = self._fd, self._slot
        # Asking is much cheaper than being told no.
        if self._alone:  # all of them, also those of workers that are configured for more
            end = slot + MAX_WIDTH
            return ofd.other(fd, slot, end) is None and ofd.lock(fd, slot, MAX_WIDTH)
        for at in range(slot, slot + self._width):
            if ofd.other(fd, at, at + 1) is None and ofd.lock(fd, at):
                return True
        return False

    def is_empty(self) -> bool:
        """Whether certainly nobody waits who would be before a newcomer."""
        start = self._urgent + _time(time.monotonic())
        return ofd.other(self._fd, start, self._tickets + TIMES) is None

    def draw(self) -> None:
        """Draw a ticket: the next one where another request gives up in the same microsecond."""
        while not ofd.lock(self._fd, self._ticket):
            self._ticket += 1

    def discard(self) -> None:
        """Throw the ticket away."""
        ofd.unlock(self._fd, self._ticket)

    def ahead(self, most: int) -> int:
        """How many are before the ticket, ``most`` at most. Those whose time is over do not count:
        they are about to go, or they have been stopped."""
        now = _time(time.monotonic())
        spans = [(self._tickets + now, self._ticket)]
        if self._tickets != self._urgent:
            spans.append((self._urgent + now, self._tickets))
        return ofd.count(self._fd, spans, most)


def _time(seconds: float) -> int:
    return int(seconds * 1_000_000) % TIMES
