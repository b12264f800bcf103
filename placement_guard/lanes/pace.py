"""How long a waiter sleeps between two looks: so long that looking costs little, and no longer."""

import time
from typing import Final

HEAD_PAUSE: Final = 0.001
"""How long (seconds) the head of a queue sleeps at least. A slot is free for half of that before it
is taken: a twentieth of a write of 10 milliseconds."""

LONGEST_PAUSE: Final = 0.025
"""How long (seconds) anybody sleeps at most."""

COUNTED: Final = 12
"""So many of those ahead are counted at most; each costs two questions."""


class Pace:
    """One waiter's: it sleeps until about half of those ahead will be gone, as fast as it has seen
    them go; at the head, a sixteenth of a turn."""

    __slots__ = ("_began", "_first")

    def __init__(self) -> None:
        self._began: float | None = None
        self._first = 0

    def pause(self, ahead: int) -> float:
        """In seconds. ``ahead`` is the place in the queue now, COUNTED where it is that or more."""
        if ahead >= COUNTED:
            return LONGEST_PAUSE
        now = time.monotonic()
        if self._began is None:
            self._began, self._first = now, ahead
        step = max(HEAD_PAUSE, (now - self._began) / max(1, self._first - ahead))
        return min(LONGEST_PAUSE, max(HEAD_PAUSE, step / 16) + ahead * step / 2)
