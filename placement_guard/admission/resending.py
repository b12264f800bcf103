"""How often a request is sent to Placement, and when it is given up."""

import random
import threading
import time
from typing import Final

from placement_guard.settings import Settings

BASE_SECONDS: Final = 0.005
"""The longest pause before the first resend (seconds); it doubles with each."""

MAX_PAUSE_SECONDS: Final = 0.25
"""The longest pause (seconds) before any resend."""

SHARE: Final = 0.5
"""How many resends each write pays for: resends add at most half of the traffic of writes."""

RESERVE: Final = 100.0
"""How many resends can be saved up. A quiet process begins with all of them."""

REFILL_PER_SECOND: Final = 10.0
"""Resends per second that need no traffic to pay for them: those of a nearly idle process."""


class Budget:
    """A bucket of resends, in one process: so that they cannot double a load. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._left = RESERVE
        self._at = time.monotonic()

    def earn(self) -> None:
        """A write has come."""
        with self._lock:
            self._left = min(RESERVE, self._left + SHARE)

    def spend(self) -> bool:
        """Whether a resend can be paid for; it is paid then."""
        with self._lock:
            now = time.monotonic()
            self._left = min(RESERVE, self._left + (now - self._at) * REFILL_PER_SECOND)
            self._at = now
            if self._left < 1:
                return False
            self._left -= 1
            return True


class Resending:
    """Decides for each request how often it is sent.

    attempts
        How often one request is sent at most, the first time included.
    seconds
        How long after its arrival a request is still sent again.
    """

    def __init__(self, attempts: int, seconds: float) -> None:
        self._attempts = attempts
        self._seconds = seconds
        self._budget = Budget()

    def begin(self) -> "Attempts":
        """The attempts of one request that can be sent again."""
        self._budget.earn()
        return Attempts(self._attempts, time.monotonic() + self._seconds, self._budget)


class Attempts:
    """The attempts of one request. ``made`` counts them; ``ended`` says why there is no other."""

    def __init__(self, most: int, deadline: float, budget: Budget) -> None:
        self.made = 1
        self.ended = ""
        self._most = most
        self._deadline = deadline
        self._budget = budget

    def again(self) -> bool:
        """Wait, and say whether the request is sent once more.

        The pause is random between nothing and a bound that doubles (full jitter), so that those
        that collided do not meet again.
        """
        bound = min(MAX_PAUSE_SECONDS, BASE_SECONDS * 2 ** (self.made - 1))
        pause = random.uniform(0, bound)  # noqa: S311 (no secret)
        if self.made >= self._most:
            self.ended = "attempts"
        elif time.monotonic() + pause > self._deadline:
            self.ended = "deadline"
        elif not self._budget.spend():
            self.ended = "budget"
        else:
            time.sleep(pause)
            self.made += 1
            return True
        return False


def resending(settings: Settings) -> Resending:
    """What the settings say. Without ``resend`` nothing is sent again."""
    return Resending(settings.resend_attempts if settings.resend else 1, settings.resend_seconds)
