"""What became of the consumers of a mixed round, each judged by its own history."""

from collections import defaultdict
from collections.abc import Iterator
from typing import NamedTuple

import msgspec

from benchmarks.storm import judged
from benchmarks.storm.history import NOTHING, Event, Laxity, State, possible
from benchmarks.storm.journal import Done
from benchmarks.storm.operations import MARK, TYPED, VCPU, Delete, Part, Read, Remove, Seen, Write
from benchmarks.storm.stored import DELETED, Stored

ORPHANED = "allocations without their consumer"
GONE = "lost with a provider that was deleted under them"
TORN = "allocations that no request asked for"
OWNER = "stored with an old project or user"
TYPE = "stored with another consumer type"
LATE = "taken away by a release that had not seen them"
UNSEEN = "overwritten by a write that had not seen them"

KINDS = (judged.LOST, UNSEEN, LATE, GONE, ORPHANED, judged.UNASKED, TORN, OWNER, TYPE)


class _Asked(NamedTuple):
    """One consumer's part of a write, and the request that it is from."""

    part: Part
    minor: int
    request: Done

    @property
    def held(self) -> dict[str, dict[str, int]]:
        """What is stored of it."""
        return {p: {VCPU: n, MARK: self.part.mark} for p, n in self.part.held.items()}


class Consumers:
    """Judges each consumer; the first thing that is wrong with one is what counts."""

    def __init__(self, requests: list[Done], stored: Stored) -> None:
        self._stored = stored
        self._asked: dict[int, _Asked] = {}
        self._requests: dict[str, list[Done]] = defaultdict(list)
        self._removed = {
            r.what.provider for r in requests if isinstance(r.what, Remove) and r.served
        }
        for request in requests:
            for consumer in self._consumers(request):
                self._requests[consumer].append(request)
        self.told: list[str] = []
        self.cases: list[list[str]] = []
        self._found: dict[str, int] = dict.fromkeys(KINDS, 0)
        for consumer in sorted({*self._requests, *stored.held}):
            for kind, why in self._judge(consumer):
                self._found[kind] += 1
                self.told.append(f"{kind}: {why}")
                self.cases.append([f"{kind}: {why}", *self._tell(consumer)])
                break

    def wrong(self) -> dict[str, int]:
        """By kind: how many consumers."""
        return self._found

    def _consumers(self, request: Done) -> list[str]:
        match request.what:
            case Write(minor=minor, parts=parts):
                for part in parts:
                    self._asked[part.mark] = _Asked(part, minor, request)
                return [part.consumer for part in parts]
            case Delete(consumer) | Read(consumer):
                return [consumer]
        return []

    def _judge(self, consumer: str) -> Iterator[tuple[str, str]]:
        held = self._stored.held.get(consumer, {})
        record = self._stored.consumers.get(consumer)
        if DELETED in held:
            yield GONE, f"{consumer} holds {held}"
        if held and record is None:
            yield ORPHANED, f"{consumer} holds {held}"
        last = NOTHING
        if held and record is not None:
            found = Seen(record.generation, held, record.project, record.user)
            yield from self._content(consumer, found)
            yield from self._type(consumer, found, record.type)
            last = State(record.generation, _mark(found))
        for request in self._requests[consumer]:
            if isinstance(request.what, Read) and request.served and request.told:
                yield from self._content(consumer, msgspec.convert(request.told, Seen))
        yield from self._history(consumer, last)

    def _tell(self, consumer: str) -> Iterator[str]:
        """All that was asked for a consumer, in the order of sending."""
        requests = sorted(self._requests[consumer], key=lambda request: request.began)
        start = min((request.began for request in requests), default=0.0)
        for r in requests:
            times = f"{r.began - start:.3f}..{r.ended - start:.3f} {r.worker}"
            told = r.told if isinstance(r.what, Read) else r.detail
            yield f"{times} {r.status} {r.kind}: {r.what}: {told}"
        yield f"stored: {self._stored.consumers.get(consumer)} {self._stored.held.get(consumer)}"

    def _content(self, consumer: str, found: Seen) -> Iterator[tuple[str, str]]:
        """Whether what is there is what one request asked for, and that was not refused."""
        mark = _mark(found)
        asked = self._asked.get(mark or 0)
        if asked is None or asked.part.consumer != consumer:
            yield TORN, f"{consumer} holds {found.held}"
            return
        if not asked.request.served and not asked.request.unknown:
            yield judged.UNASKED, f"{consumer} holds {found.held}: {asked.request.detail}"
        if found.held != asked.held:
            missing = asked.held.keys() - found.held.keys()
            rest = {p: asked.held[p] for p in asked.held.keys() - missing}
            gone = missing and missing <= self._removed and rest == found.held
            yield (GONE if gone else TORN), f"{consumer} holds {found.held}, not {asked.held}"
        owner = (found.project, found.user)
        wanted = (asked.part.project, asked.part.user)
        if owner != wanted:
            yield OWNER, f"{consumer}: {owner}, not {wanted}"

    def _type(self, consumer: str, found: Seen, kind: str | None) -> Iterator[tuple[str, str]]:
        asked = self._asked[_mark(found) or 0]
        if asked.minor >= TYPED and kind != asked.part.type:
            yield TYPE, f"{consumer}: {kind}, not {asked.part.type}"

    def _history(self, consumer: str, last: State) -> Iterator[tuple[str, str]]:
        events = list(self._events(consumer))
        if possible(events, last):
            return
        why = f"{consumer} ends with {tuple(last)} after {len(events)} events"
        if possible(events, last, Laxity(stale_releases=True)):
            yield LATE, why
        elif possible(events, last, Laxity(stale_releases=True, generations=True)):
            yield UNSEEN, why
        else:
            with_one = any(
                self._removed & asked.part.held.keys() and asked.request.served
                for asked in self._asked.values()
                if asked.part.consumer == consumer
            )
            yield (GONE if with_one else judged.LOST), why

    def _events(self, consumer: str) -> Iterator[Event]:
        """The moments of all requests for a consumer that were served, or may have been."""
        number = 0
        for request in self._requests[consumer]:
            for event in self._moments(consumer, request, number):
                number += 1
                yield event

    def _moments(self, consumer: str, request: Done, number: int) -> Iterator[Event]:
        began, ended, sure = request.began, request.ended, not request.unknown
        match request.what:
            case Read() if request.served:
                told = NOTHING
                if request.told:
                    found = msgspec.convert(request.told, Seen)
                    told = State(found.generation, _mark(found))
                yield Event("read", began, ended, told=told)
            case Delete() if request.status == 404:
                yield Event("read", began, ended)
            case Delete() if request.served or request.unknown:
                yield Event("look", began, ended, sure=sure)
                yield Event("drop", began, ended, sure=sure, after=number)
            case Write(parts=parts) if request.served or request.unknown:
                part = next(part for part in parts if part.consumer == consumer)
                kind = "write" if part.held else "release"
                ended = ended if sure else float("inf")
                yield Event(kind, began, ended, part.mark, part.generation, sure=sure)


def _mark(found: Seen) -> int | None:
    """The one mark of what is there; None where there are several, or none."""
    marks = {resources.get(MARK) for resources in found.held.values()}
    return marks.pop() if len(marks) == 1 else None
