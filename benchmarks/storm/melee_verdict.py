"""Whether a mixed round came out right."""

from collections import Counter

import msgspec

from benchmarks.storm import judged
from benchmarks.storm.calls import AWAY, FAILED, FULL, STALE, UNANSWERED
from benchmarks.storm.consumers import Consumers
from benchmarks.storm.inventories import Inventories
from benchmarks.storm.judged import Judged
from benchmarks.storm.mixed import World
from benchmarks.storm.operations import Delete, Operation, Read, Write
from benchmarks.storm.stored import Stored
from benchmarks.storm.together import Performed
from benchmarks.storm.verdict import EXPECTED, details, rate

LEFT_BEHIND = "consumers left behind, holding nothing"
UNSEEN_BY_CLIENTS = "refused for a consumer that held nothing"
SEEN_OVER = "usage seen above capacity meanwhile"

_ORDINARY = EXPECTED | {
    STALE,
    "stale provider",
    "no such provider",
    "in use",
    "there already",
    "other 404",
}
"""How requests end that meet others: their clients know what to do."""


def judge(
    done: Performed, stored: Stored, world: World, workers: int, seen_over: set[tuple[str, int]]
) -> Judged:
    """Compare what was answered with what is stored.

    ``seen_over`` are usages above capacity of providers that keep theirs, by provider and usage.
    """
    requests = [
        msgspec.structs.replace(each, what=msgspec.convert(each.what, Operation)) for each in done
    ]
    consumers, inventories = Consumers(requests, stored), Inventories(requests, world)
    writes = [each for each in requests if isinstance(each.what, Write | Delete)]
    answered = [each for each in writes if each.kind != UNANSWERED]
    served = [each for each in writes if each.served]
    by = Counter(each.worker for each in served)
    over = inventories.over(stored)
    told = [*done.told, *details(requests, _ORDINARY), *over, *consumers.told]
    wrong = {
        judged.OVER: len(over),
        SEEN_OVER: len({provider for provider, _ in seen_over}),
        **consumers.wrong(),
        "inventories that are not those acknowledged": inventories.lost(stored),
        judged.MISLED: sum(each.kind == FULL and each.retry for each in writes),
        judged.FAILED: sum(each.kind == FAILED for each in requests),
        judged.AWAY: sum(each.kind == AWAY for each in requests),
        judged.DIED: len(done.told),
    }
    return Judged(
        wrong=wrong,
        kinds=dict(Counter(each.kind for each in writes)),
        attempts=sum(each.attempts for each in answered),
        acknowledged_per_second=rate(served, done.start),
        answered_per_second=rate(answered, done.start),
        latencies=[each.seconds for each in answered],
        served_by=[by[worker] for worker in range(workers)],
        noted={
            LEFT_BEHIND: sum(name not in stored.held for name in stored.consumers),
            # The record of one that was being made, or was left behind: clients cannot see it.
            UNSEEN_BY_CLIENTS: sum("expected 0 but got None" in each.detail for each in writes),
        },
        killed=done.killed,
        reads=[each.seconds for each in requests if isinstance(each.what, Read) and each.served],
        told=told,
        cases=consumers.cases,
    )
