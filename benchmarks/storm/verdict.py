"""Whether a round of claims came out right, and how fast it was."""

from collections import Counter
from collections.abc import Sequence

import msgspec
from msgspec import Struct

from benchmarks.storm.calls import CONFLICT, FAILED, FULL, SERVED, UNANSWERED
from benchmarks.storm.claims import Claim
from benchmarks.storm.journal import Done
from benchmarks.storm.stored import Stored
from benchmarks.storm.together import Performed

VCPU = "VCPU"


class Wrong(Struct, omit_defaults=True):
    """How often what went wrong in a round.

    over
        VCPU in use above what there is.
    lost
        Claims that were acknowledged and are not stored.
    unasked
        Claims that were refused and are stored all the same.
    unfilled
        VCPU that are free where a claim was refused.
    conflicts
        Claims whose client was told of a conflict, and that did not make it.
    misled
        Claims that do not fit whose client was told to try again.
    failed
        Claims that were answered with a 5xx.
    died
        Workers that died or hung by themselves.
    """

    over: int = 0
    lost: int = 0
    unasked: int = 0
    unfilled: int = 0
    conflicts: int = 0
    misled: int = 0
    failed: int = 0
    died: int = 0

    @property
    def any(self) -> bool:
        return any(msgspec.structs.astuple(self))


class Judged(Struct):
    """One round of one side. Times are in seconds since its start.

    latencies
        Of every claim that was answered, in no order.
    served_by
        How many of the first claims that fitted each worker made.
    reads
        Latencies of the reads meanwhile.
    """

    wrong: Wrong
    stored: int
    room: int
    kinds: dict[str, int]
    attempts: int
    acknowledged_per_second: float
    answered_per_second: float
    latencies: list[float]
    served_by: list[int]
    killed: int = 0
    reads: list[float] = []
    told: list[str] = []


def judge(done: Performed, stored: Stored, providers: Sequence[str], workers: int) -> Judged:
    """Compare what was answered with what is stored."""
    reads = [each for each in done if each.what is None]
    claims = [
        msgspec.structs.replace(each, what=msgspec.convert(each.what, Claim))
        for each in done
        if each.what is not None
    ]
    rooms = {provider: stored.capacity[provider, VCPU] for provider in providers}
    used = {provider: stored.used.get((provider, VCPU), 0) for provider in providers}
    answered = [claim for claim in claims if claim.kind != UNANSWERED]
    served = sorted((claim for claim in claims if claim.served), key=lambda claim: claim.ended)
    first = Counter(claim.worker for claim in served[: sum(rooms.values())])
    return Judged(
        wrong=_wrong(claims, stored, rooms, used, len(done.told)),
        stored=sum(used.values()),
        room=sum(rooms.values()),
        kinds=dict(Counter(claim.kind for claim in claims)),
        attempts=sum(claim.attempts for claim in answered),
        acknowledged_per_second=_rate(served, done.start),
        answered_per_second=_rate(answered, done.start),
        latencies=[claim.seconds for claim in answered],
        served_by=[first[worker] for worker in range(workers)],
        killed=done.killed,
        reads=[each.seconds for each in reads if each.kind == SERVED],
        told=[*done.told, *_details(claims)],
    )


def _wrong(
    claims: list[Done],
    stored: Stored,
    rooms: dict[str, int],
    used: dict[str, int],
    died: int,
) -> Wrong:
    def is_stored(claim: Done) -> bool:
        held = stored.held.get(claim.what.consumer, {})
        recorded = claim.what.consumer in stored.consumers
        return recorded and held == {claim.what.provider: {VCPU: 1}}

    refused = [claim for claim in claims if not claim.served and not claim.unknown]
    wanted = {claim.what.provider for claim in refused}
    return Wrong(
        over=sum(max(0, used[provider] - room) for provider, room in rooms.items()),
        lost=sum(claim.served and not is_stored(claim) for claim in claims),
        unasked=sum(claim.what.consumer in stored.held for claim in refused),
        unfilled=sum(max(0, rooms[provider] - used[provider]) for provider in wanted),
        conflicts=sum(claim.kind == CONFLICT for claim in claims),
        misled=sum(claim.kind == FULL and claim.retry for claim in claims),
        failed=sum(claim.kind == FAILED for claim in claims),
        died=died,
    )


def _details(claims: list[Done]) -> list[str]:
    """What was said of what should not have happened, each once."""
    expected = {SERVED, FULL, CONFLICT, UNANSWERED}
    return sorted({f"{c.status}: {c.detail}" for c in claims if c.kind not in expected})[:5]


def _rate(claims: list[Done], start: float) -> float:
    """Per second, up to the last of them."""
    return len(claims) / (max(claim.ended for claim in claims) - start) if claims else 0.0
