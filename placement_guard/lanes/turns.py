"""From names to numbers: which turns a request has to wait for, and in which order.

Lanes are numbered, so that names, which clients choose, are stored nowhere and can fill nothing.
Two names may share a number: they queue together, which costs a wait and nothing else.
"""

from collections.abc import Collection
from hashlib import blake2b
from typing import Final, NamedTuple

from placement_guard.lanes.hold import Lane

LANES: Final = 16384
"""How many lanes there are, the gate included."""

MAX_WIDTH: Final = 64
"""The most requests in one lane at a time."""

MAX_LANES: Final = 64
"""The most lanes that one request takes, the gate included."""

MAX_SECONDS: Final = 60.0
"""The longest wait for lanes (seconds), whatever is asked for."""

GATE: Final = 0
"""The lane that stands for all of those that a request with too many lanes does not take."""


class Turn(NamedTuple):
    """One lane to be taken. ``alone`` takes its whole width."""

    number: int
    alone: bool

    def width(self, width: int) -> int:
        """How many may share this lane where the others have this ``width``."""
        return MAX_WIDTH if self.number == GATE else width


def turns(lanes: Collection[Lane]) -> list[Turn]:
    """The turns for these lanes, by number: all take them in one order, so none waits in a circle.

    Who wants a lane alone also passes the gate, with others. Who wants more than MAX_LANES takes
    the gate alone, and of its lanes as many as there is room for, those wanted alone first. So a
    lane held alone is exclusive towards everybody, also towards requests of any size; and of
    requests that are too large, one goes at a time. Only the lanes that a too large request itself
    wants alone, beyond MAX_LANES of them, are not exclusive towards ordinary requests.
    """
    wanted: dict[int, bool] = {}
    for lane in lanes:
        number = number_of(lane.name)
        wanted[number] = lane.alone or wanted.get(number, False)
    if len(wanted) >= MAX_LANES:
        first = sorted(wanted, key=lambda number: (not wanted[number], number))[: MAX_LANES - 1]
        wanted = {GATE: True, **{number: wanted[number] for number in first}}
    elif any(wanted.values()):
        wanted[GATE] = False
    return [Turn(number, wanted[number]) for number in sorted(wanted)]


def number_of(name: str) -> int:
    """The number of the lane of this name: the same in every process, on every host."""
    digest = blake2b(name.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return 1 + int.from_bytes(digest, "big") % (LANES - 1)
