"""What became of the providers of a mixed round: their inventories, and what is used of them."""

from collections import defaultdict
from collections.abc import Iterator

from msgspec import Struct

from benchmarks.storm.journal import Done
from benchmarks.storm.mixed import World
from benchmarks.storm.operations import GENERATIONS, VCPU, Part, Resize, Write
from benchmarks.storm.stored import Stored


class _Capacity(Struct):
    """So much room, from a moment between the first two times to one between the last two."""

    total: int
    since: float
    until: float


class Inventories:
    """Judges usage against the capacities that can have been in force.

    What is in use at the end is no more than what was in use after the last write that raised it,
    and that one had to fit. Which one it was is not known; but it is none that an acknowledged one
    follows that raised usage for certain, and its capacity is one that was in force, or may have
    been, between its sending and its answer.
    """

    def __init__(self, requests: list[Done], world: World) -> None:
        self._world = world
        self._resizes: dict[str, list[Done]] = defaultdict(list)
        self._claims: dict[str, list[tuple[Done, Part]]] = defaultdict(list)
        for request in requests:
            if not request.served and not request.unknown:
                continue
            if isinstance(request.what, Resize):
                self._resizes[request.what.provider].append(request)
            elif isinstance(request.what, Write):
                for part in request.what.parts:
                    for provider in part.held:
                        self._claims[provider].append((request, part))

    def over(self, stored: Stored) -> list[str]:
        """The providers of which more is used than can be right, told."""
        found = []
        for provider in self._world.providers:
            used, most = stored.used.get((provider, VCPU), 0), self._most(provider)
            if used > most:
                history = "; ".join(self._tell(provider))
                found.append(f"usage above capacity: {provider}: {used} of {most}: {history}")
        return found

    def lost(self, stored: Stored) -> int:
        """How many inventories are not those that were acknowledged last.

        Each names the generation that it replaces: the highest one is the last. Two that name the
        same were both acknowledged, and one of them is lost.
        """
        wrong = 0
        for provider in self._world.resized:
            resizes = self._resizes[provider]
            served = [each for each in resizes if each.served]
            generations = [each.what.generation for each in served]
            wrong += len(generations) - len(set(generations))
            last = max(served, key=lambda each: each.what.generation, default=None)
            right = {self._world.room if last is None else last.what.total}
            right |= {each.what.total for each in resizes if each.unknown}
            wrong += stored.capacity.get((provider, VCPU)) not in right
        return wrong

    def _most(self, provider: str) -> int:
        """The most that can rightly be in use at the end."""
        claims = self._claims[provider]
        raised = [r for r, part in claims if r.served and self._raises(r.what, part)]
        last = max((request.began for request in raised), default=0.0)
        capacities = self._capacities(provider)
        possible = [
            capacity.total
            for request, _ in claims
            if request.ended >= last
            for capacity in capacities
            if capacity.since <= request.ended and capacity.until >= request.began
        ]
        return max(possible, default=0)

    def _tell(self, provider: str) -> Iterator[str]:
        """What changed its capacity or its usage, in the order of sending."""
        told = [(r.began, r.ended, f"{r.what.total} in all") for r in self._resizes[provider]]
        for request, part in self._claims[provider]:
            new = " (new)" if self._raises(request.what, part) else ""
            claimed = f"{part.held[provider]} for {part.consumer[:8]}{new}"
            told.append((request.began, request.ended, claimed))
        start = min((began for began, _, _ in told), default=0.0)
        for began, ended, what in sorted(told):
            yield f"{began - start:.2f}..{ended - start:.2f} {what}"

    @staticmethod
    def _raises(write: Write, part: Part) -> bool:
        """Whether it can only have raised what is used: its consumer was new, and gave it nothing.

        What a move gives to one consumer, it takes from the other.
        """
        alone = len(write.parts) == 1
        return alone and write.minor >= GENERATIONS and part.generation is None

    def _capacities(self, provider: str) -> list[_Capacity]:
        """Those that were in force, or may have been."""
        room = self._world.room
        if provider not in self._world.resized:
            return [_Capacity(room, 0.0, float("inf"))]
        resizes = self._resizes[provider]
        served = sorted((r for r in resizes if r.served), key=lambda r: r.what.generation)
        ends = [*(request.ended for request in served), float("inf")]
        found = [_Capacity(room, 0.0, ends[0])]
        for request, until in zip(served, ends[1:], strict=True):
            found.append(_Capacity(request.what.total, request.began, until))
        found += [
            _Capacity(request.what.total, request.began, float("inf"))
            for request in resizes
            if request.unknown
        ]
        return found
