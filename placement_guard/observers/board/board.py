"""What this process has seen, for a person who looks: kept in memory, bounded."""

import os
import threading
from collections import deque
from collections.abc import Callable, Iterator
from itertools import islice
from time import perf_counter, time
from typing import Any, Final

from msgspec import structs
from oslo_log import log

from placement_guard.exchange import CONTEXT, Exchange
from placement_guard.observers.board.facts import (
    DECISIONS,
    MAX_TEXT,
    MINUTES,
    OLD,
    OLD_CLIENTS,
    Decision,
    Minute,
    OldClient,
    Snapshot,
)
from placement_guard.observers.board.sketch import HotProviders
from placement_guard.outcome import Ending, Outcome
from placement_guard.rejection import Rejection
from placement_guard.target import Target, UnreadableTargetError
from placement_guard.version import __version__

LOG = log.getLogger(__name__)

MAX_PROVIDERS: Final = 16
"""How many providers of one request are counted as hot."""

SAY_AGAIN: Final = 3600.0
"""How often it is logged that a user speaks an old microversion (seconds)."""

Told = Callable[[], dict[str, Any]]
"""Says how the parts of this process are: lanes, breaker, limits, policy."""


class Board:
    """An observer that keeps what it sees. Thread-safe."""

    def __init__(self, clock: Callable[[], float] = time) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._started = clock()
        self._decisions: deque[Decision] = deque(maxlen=DECISIONS)
        self._minutes: deque[Minute] = deque(maxlen=MINUTES)
        self._hot = HotProviders(clock=clock)
        self._old: dict[str, OldClient] = {}
        self._said: dict[str, float] = {}
        self.changes = 0
        """Rises with each change."""
        self.told: Told = dict

    def __call__(self, exchange: Exchange, outcome: Outcome, rejection: Rejection | None) -> None:
        now = self._clock()
        with self._lock:
            self._count(exchange, outcome, now)
            for decision in _decisions(exchange, outcome, rejection, now):
                self._decisions.append(decision)
            if outcome.conflict or outcome.attempts > 1:
                for provider in _providers(exchange):
                    self._hot.add(provider)
            self.changes += 1
        if exchange.version is not None and exchange.version < OLD:
            self._speaks_old(exchange, now)

    def _count(self, exchange: Exchange, outcome: Outcome, now: float) -> None:
        number = int(now // 60)
        minute = self._minutes[-1] if self._minutes else None
        if minute is None or minute.at != number:
            # A clock that is set back begins anew: what came later has not happened yet.
            while self._minutes and self._minutes[-1].at > number:
                self._minutes.pop()
            minute = Minute(number)
            if self._minutes and self._minutes[-1].at == number:
                minute = self._minutes.pop()
            self._minutes.append(minute)
        minute.requests += 1
        minute.rejected += outcome.ending is Ending.REJECTED
        minute.conflicts += outcome.ending is Ending.CONFLICT
        minute.failed += outcome.ending is Ending.FAILED
        minute.whole += perf_counter() - exchange.began
        minute.placement += outcome.seconds or 0.0

    def _speaks_old(self, exchange: Exchange, now: float) -> None:
        if exchange.operation.public or exchange.version is None or exchange.context is None:
            return
        user = text(exchange.context.user_id) or "-"
        spoken = f"{exchange.version[0]}.{exchange.version[1]}"
        with self._lock:
            client = self._old.pop(user, None) or OldClient(user, spoken, 0, now)
            client.requests += 1
            client.seen = now
            client.microversion = min(client.microversion, spoken, key=_order)
            self._old[user] = client  # last: the first is who was seen longest ago
            if len(self._old) > OLD_CLIENTS:
                del self._old[next(iter(self._old))]
            say = now - self._said.get(user, -SAY_AGAIN) >= SAY_AGAIN
            if say:
                self._said[user] = now
                if len(self._said) > OLD_CLIENTS:
                    del self._said[next(iter(self._said))]
        if say:
            LOG.info(
                "User %s speaks microversion %s, %s; below 1.28 a claim knows no generation of "
                "its consumer",
                ascii(user),
                spoken,
                exchange.operation.name,
            )

    def snapshot(self, slot: str) -> Snapshot:
        """All that is known."""
        told = self._what_is_told()
        with self._lock:
            return Snapshot(
                slot=slot,
                pid=os.getpid(),
                started=self._started,
                written=self._clock(),
                version=__version__,
                decisions=tuple(self._decisions),
                minutes=tuple(structs.replace(minute) for minute in self._minutes),
                hot=self._hot.window(),
                old=tuple(structs.replace(client) for client in self._old.values()),
                told=told,
            )

    def _what_is_told(self) -> dict[str, Any]:
        try:
            return self.told()
        except Exception:  # of any part: the rest is shown
            LOG.exception("What the status page shows of this process could not be found out")
            return {}

    def begins(self) -> None:
        """This process begins to serve: after a fork, not what it was forked from."""
        self._started = self._clock()

    def go_on(self, before: Snapshot) -> None:
        """Begin with what the worker before has left."""
        with self._lock:
            self._decisions.extendleft(reversed(before.decisions))
            self._minutes.extendleft(map(structs.replace, reversed(before.minutes)))
            self._hot = HotProviders(before.hot, self._clock)
            self._old = {client.user: structs.replace(client) for client in before.old}


def _decisions(
    exchange: Exchange, outcome: Outcome, rejection: Rejection | None, now: float
) -> Iterator[Decision]:
    """What a person should see of this request; nothing of one that was simply served."""
    if rejection is not None:
        yield _decision(exchange, outcome, now, "rejected", rejection.rule.id, rejection)
    for warning in exchange.warnings:
        yield _decision(exchange, outcome, now, "warned", warning.rule.id, warning)
    if outcome.shed:
        yield _decision(exchange, outcome, now, "shed", outcome.shed)
    if outcome.conflict:
        yield _decision(exchange, outcome, now, "conflict", outcome.conflict)


def _decision(
    exchange: Exchange,
    outcome: Outcome,
    now: float,
    verdict: str,
    why: str,
    rejection: Rejection | None = None,
) -> Decision:
    context = exchange.context or exchange.environ.get(CONTEXT)
    version = exchange.version
    return Decision(
        at=now,
        verdict=verdict,
        operation=exchange.operation.name,
        why=why,
        status=outcome.status,
        user=text(getattr(context, "user_id", None)),
        project=text(getattr(context, "project_id", None)),
        json_path=text(rejection.path or None) if rejection else None,
        policy=text(rejection.policy or None) if rejection else None,
        request_id=text(exchange.request_id),
        microversion=f"{version[0]}.{version[1]}" if version else None,
    )


def _providers(exchange: Exchange) -> list[str]:
    named = exchange.params.get("uuid")
    if named:
        return [text(named) or ""]
    try:
        found = (text(value) for value, _ in Target(exchange).named("providers"))
        return list(dict.fromkeys(name for name in islice(found, MAX_PROVIDERS) if name))
    except UnreadableTargetError:
        return []


def text(value: Any) -> str | None:
    """What a client has written: bounded, on one line, in ASCII."""
    return None if value is None else ascii(str(value)[:MAX_TEXT])[1:-1][:MAX_TEXT]


def _order(version: str) -> tuple[int, ...]:
    return tuple(map(int, version.split(".")))
