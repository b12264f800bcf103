"""Whether something works: said once when it stops, once when it is back."""

import time
from typing import Final, NamedTuple

from oslo_log import log

LOG = log.getLogger(__name__)

FIRST_PAUSE: Final = 1.0
"""How long (seconds) nothing is tried after the first failure; twice as long after each next."""

LONGEST_PAUSE: Final = 16.0
"""How long (seconds) nothing is tried, at most."""

MAX_REASON: Final = 300
"""The longest reason that is kept (characters)."""


class Down(NamedTuple):
    """An outage: why, since when (Unix time, seconds), and the pause before it is tried again."""

    why: str
    since: float
    pause: float
    until: float


class Outage:
    """The outages of one thing, ``what``. Has no lock that a fork could leave locked.

    consequence
        What an operator reads behind the reason: what happens meanwhile.
    """

    def __init__(self, what: str, consequence: str) -> None:
        self._what = what
        self._consequence = consequence
        self._down: dict[str, Down] = {}  # one entry at most: setdefault and pop are atomic
        self._up_since = time.time()

    def may_try(self) -> bool:
        """Whether to ask at all. In an outage: one caller, each time that a pause is over."""
        down = self._down.get("now")
        if down is None:
            return True
        now = time.monotonic()
        if now < down.until:
            return False
        pause = min(2 * down.pause, LONGEST_PAUSE)
        self._down["now"] = down._replace(pause=pause, until=now + pause)
        return True

    def begin(self, why: str) -> None:
        """It failed; said where it had worked before."""
        why = ascii(why)[1:-1][:MAX_REASON]  # on one line, whatever it holds
        until = time.monotonic() + FIRST_PAUSE
        new = Down(why, time.time(), FIRST_PAUSE, until)
        down = self._down.setdefault("now", new)
        if down is new:
            LOG.warning("Lanes: %s cannot be used (%s). %s", self._what, why, self._consequence)
        else:
            self._down["now"] = down._replace(why=why)

    def end(self) -> None:
        """It worked."""
        if self._down and self._down.pop("now", None) is not None:
            self._up_since = time.time()
            LOG.warning("Lanes: %s can be used again.", self._what)

    def seen(self) -> tuple[bool, float, str]:
        """Available, since when (Unix time), why not."""
        down = self._down.get("now")
        return (True, self._up_since, "") if down is None else (False, down.since, down.why)
