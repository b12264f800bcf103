"""Which providers conflict most, in bounded memory: a Space-Saving sketch.

It keeps so many counters, however many providers there are. A provider that comes when all are
taken gets the one that counts least, and goes on from its count: what it has is never too little,
and too much by ``error`` at most. Source: Metwally, Agrawal and El Abbadi, "Efficient computation
of frequent and top-k elements in data streams", 2005.
"""

from collections.abc import Callable, Iterable, Sequence
from time import time
from typing import Final

from msgspec import Struct

COUNTERS: Final = 64
"""How many providers are counted at a time, in each half of the window."""

SHOWN: Final = 16
"""How many are shown."""

HALF: Final = 1800.0
"""The window is the half hour that runs, and the one before (seconds)."""


class Hot(Struct, frozen=True):
    """A provider, and its conflicts: at most ``conflicts``, at least ``conflicts - error``."""

    provider: str
    conflicts: int
    error: int = 0


class Sketch:
    """Counts of one half. Not thread-safe."""

    def __init__(self, counted: Iterable[Hot] = ()) -> None:
        self._counted = {hot.provider: [hot.conflicts, hot.error] for hot in counted}

    def add(self, provider: str) -> None:
        """One more conflict of this provider."""
        found = self._counted.get(provider)
        if found is not None:
            found[0] += 1
        elif len(self._counted) < COUNTERS:
            self._counted[provider] = [1, 0]
        else:
            least = min(self._counted, key=lambda name: self._counted[name][0])
            (count, _) = self._counted.pop(least)
            self._counted[provider] = [count + 1, count]

    def found(self) -> list[Hot]:
        """All that are counted."""
        return [Hot(name, count, error) for name, (count, error) in self._counted.items()]


class Window(Struct, frozen=True):
    """Both halves, as they are stored. ``began`` is when the one that runs began (Unix seconds)."""

    began: float = 0.0
    now: tuple[Hot, ...] = ()
    before: tuple[Hot, ...] = ()


class HotProviders:
    """The providers that conflicted most in the last half hour, and the one before it."""

    def __init__(self, window: Window | None = None, clock: Callable[[], float] = time) -> None:
        window = window or Window()
        self._clock = clock
        self._began = window.began or clock()
        self._now, self._before = Sketch(window.now), Sketch(window.before)

    def add(self, provider: str) -> None:
        """One more conflict of this provider."""
        self._turn()
        self._now.add(provider)

    def window(self) -> Window:
        """As it is stored."""
        self._turn()
        return Window(self._began, tuple(self._now.found()), tuple(self._before.found()))

    def _turn(self) -> None:
        now = self._clock()
        if not 0 <= now - self._began < HALF:  # over, or the clock was set back
            late = not 0 <= now - self._began < 2 * HALF
            self._before = Sketch() if late else self._now
            self._now, self._began = Sketch(), now


def merged(windows: Sequence[Window], now: float) -> list[Hot]:
    """The hottest over all workers, first the hottest; SHOWN at most. Old halves do not count."""
    counts: dict[str, list[int]] = {}
    for window in windows:
        age = now - window.began
        halves = (window.now if age < 2 * HALF else (), window.before if age < HALF else ())
        for half in halves:
            for hot in half:
                found = counts.setdefault(hot.provider, [0, 0])
                found[0] += hot.conflicts
                found[1] += hot.error
    hottest = sorted(counts.items(), key=lambda item: (-item[1][0], item[0]))
    return [Hot(provider, count, error) for provider, (count, error) in hottest[:SHOWN]]
