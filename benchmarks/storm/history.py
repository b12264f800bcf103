"""Whether what clients were told of one consumer can have happened, one request after the other.

A request takes effect at one moment between its sending and its answer. An order of these moments
is searched in which every acknowledged write does what it says, every read tells what is there, and
the last state is the one that is stored. If there is none, an acknowledged write was lost, came
back, or was made on a state that its client had not seen.
"""

from collections.abc import Iterator
from typing import NamedTuple

from msgspec import Struct

from benchmarks.storm.operations import ANY

MAX_VISITED = 200_000
"""How many states are looked at before an order is taken to exist: no history needed a tenth."""


class State(NamedTuple):
    """What a consumer holds: the mark of the write that gave it; neither where it holds nothing."""

    generation: int | None = None
    mark: int | None = None


NOTHING = State()


class Event(Struct, frozen=True):
    """One moment of a request. ``after`` is the number of the event that comes before it, if any.

    kind
        ``write`` (sets), ``release`` (empties), ``read`` (tells), ``look`` and ``drop`` (the two
        moments of a DELETE: it takes away what it has looked at, and nothing that came since).
    generation
        What a write or a release is made on: None for nothing, ANY for whatever there is.
    told
        What a read told.
    sure
        Whether it was acknowledged; otherwise it may have happened, now or never.
    """

    kind: str
    began: float
    ended: float
    mark: int | None = None
    generation: int | None = ANY
    told: State = NOTHING
    sure: bool = True
    after: int | None = None


class Laxity(Struct, frozen=True):
    """What is allowed besides: to find out what it is that cannot have happened.

    stale_releases
        Releases that take away what is newer than the generation that they name.
    generations
        Writes on a generation that is not there.
    """

    stale_releases: bool = False
    generations: bool = False


STRICT = Laxity()


def possible(events: list[Event], last: State, lax: Laxity = STRICT) -> bool:
    """Whether the events can have come to ``last``; its generation counts where both are known."""
    return _Search(events, last, lax).found()


_Looked = tuple[tuple[int, int | None], ...]
"""What each DELETE that has looked, and not yet taken away, has seen."""

_Node = tuple[int, State, _Looked]
"""The events that have happened (a bit each), and what they came to."""


class _Search:
    def __init__(self, events: list[Event], last: State, lax: Laxity) -> None:
        self._events, self._last, self._lax = events, last, lax
        self._sure = sum(1 << n for n, event in enumerate(events) if event.sure)
        # What has to have happened before an event begins.
        self._before = [
            sum(
                1 << n
                for n, other in enumerate(events)
                if (other.sure and other.ended < event.began) or n == event.after
            )
            for event in events
        ]

    def found(self) -> bool:
        start: _Node = (0, NOTHING, ())
        stack, visited = [start], {start}
        while stack:
            done, state, looked = stack.pop()
            if done & self._sure == self._sure and self._is_last(state):
                return True
            if len(visited) > MAX_VISITED:
                return True
            for reached in self._reached(done, state, looked):
                if reached not in visited:
                    visited.add(reached)
                    stack.append(reached)
        return False

    def _reached(self, done: int, state: State, looked: _Looked) -> Iterator[_Node]:
        """What can come next."""
        found = []
        for number, event in enumerate(self._events):
            bit = 1 << number
            if done & bit or self._before[number] & ~done:
                continue
            for new, seen in self._outcomes(number, event, state, dict(looked)):
                reached = (done | bit, new, tuple(sorted(seen.items())))
                if event.kind == "read":
                    # It changes nothing: where it can be now, it need not be later.
                    return iter((reached,))
                found.append(reached)
        return iter(found)

    def _is_last(self, state: State) -> bool:
        return state.mark == self._last.mark and (
            self._lax.generations or state.generation == self._last.generation
        )

    def _outcomes(
        self, number: int, event: Event, state: State, looked: dict[int, int | None]
    ) -> Iterator[tuple[State, dict[int, int | None]]]:
        """What an event makes of a state, if it can happen in it."""
        match event.kind:
            case "write":
                if self._fits(event, state):
                    yield State((state.generation or 0) + 1, event.mark), looked
            case "release":
                # One that comes too late, to find nothing, is served too.
                if state == NOTHING or self._fits(event, state) or self._lax.stale_releases:
                    yield NOTHING, looked
            case "read":
                told = event.told
                same = self._lax.generations or told.generation == state.generation
                if told.mark == state.mark and same:
                    yield state, looked
            case "look":
                if state != NOTHING:
                    yield state, {**looked, number: state.mark}
            case "drop":
                mark = looked.pop(event.after)
                yield (NOTHING if state.mark == mark else state), looked

    def _fits(self, event: Event, state: State) -> bool:
        return event.generation in {ANY, state.generation} or self._lax.generations
