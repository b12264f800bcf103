"""Whether a round of claims came out right, and how fast it was."""

from collections import Counter
from collections.abc import Sequence

import msgspec

from benchmarks.storm import judged
from benchmarks.storm.calls import AWAY, CONFLICT, FAILED, FULL, SERVED, UNANSWERED
from benchmarks.storm.claims import Claim
from benchmarks.storm.journal import Done
from benchmarks.storm.judged import Judged
from benchmarks.storm.stored import Stored
from benchmarks.storm.together import Performed

VCPU = "VCPU"


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
        wrong=_wrong(claims, stored, rooms, used) | {judged.DIED: len(done.told)},
        kinds=dict(Counter(claim.kind for claim in claims)),
        attempts=sum(claim.attempts for claim in answered),
        acknowledged_per_second=rate(served, done.start),
        answered_per_second=rate(answered, done.start),
        latencies=[claim.seconds for claim in answered],
        served_by=[first[worker] for worker in range(workers)],
        usage=(sum(used.values()), sum(rooms.values())),
        killed=done.killed,
        reads=[each.seconds for each in reads if each.kind == SERVED],
        told=[*done.told, *details(claims)],
    )


def _wrong(
    claims: list[Done], stored: Stored, rooms: dict[str, int], used: dict[str, int]
) -> dict[str, int]:
    def is_stored(claim: Done) -> bool:
        held = stored.held.get(claim.what.consumer, {})
        recorded = claim.what.consumer in stored.consumers
        return recorded and held == {claim.what.provider: {VCPU: 1}}

    refused = [claim for claim in claims if not claim.served and not claim.unknown]
    wanted = {claim.what.provider for claim in refused}
    return {
        judged.OVER: sum(max(0, used[provider] - room) for provider, room in rooms.items()),
        judged.LOST: sum(claim.served and not is_stored(claim) for claim in claims),
        judged.UNASKED: sum(claim.what.consumer in stored.held for claim in refused),
        judged.UNFILLED: sum(max(0, rooms[provider] - used[provider]) for provider in wanted),
        judged.CONFLICTS: sum(claim.kind == CONFLICT for claim in claims),
        judged.MISLED: sum(claim.kind == FULL and claim.retry for claim in claims),
        judged.FAILED: sum(claim.kind == FAILED for claim in claims),
        judged.AWAY: sum(claim.kind == AWAY for claim in claims),
    }


EXPECTED = frozenset({SERVED, FULL, CONFLICT, UNANSWERED, AWAY})


def details(requests: list[Done], expected: frozenset[str] = EXPECTED) -> list[str]:
    """What was said of what should not have happened, each once."""
    return sorted({f"{r.status}: {r.detail}" for r in requests if r.kind not in expected})[:5]


def rate(requests: list[Done], start: float) -> float:
    """Per second, up to the last of them."""
    if not requests:
        return 0.0
    return len(requests) / (max(request.ended for request in requests) - start)
