"""The verdict on a round of claims: each fault is found, and what is right is not one."""

import pytest

from benchmarks.storm import judged
from benchmarks.storm.calls import CONFLICT, FULL, SERVED
from benchmarks.storm.journal import Done
from benchmarks.storm.stored import DELETED, Consumer, Stored
from benchmarks.storm.together import Performed
from benchmarks.storm.verdict import judge

ROOM = 2
RECORD = Consumer(1, "project", "user", None)


def claim(consumer, kind=SERVED, status=204, **more):
    what = {"consumer": consumer, "provider": "p"}
    return Done(0, 1, 1.0, what, 2.0, status, kind, **more)


def verdict(claims, stored=None, recorded=None, provider="p"):
    """``stored`` are the consumers that hold something, ``recorded`` those that there are."""
    stored = [c.what["consumer"] for c in claims if c.served] if stored is None else stored
    done = Performed(0.0)
    done += claims
    held = {consumer: {provider: {"VCPU": 1}} for consumer in stored}
    consumers = dict.fromkeys(stored if recorded is None else recorded, RECORD)
    used = {(provider, "VCPU"): len(stored)}
    return judge(done, Stored(held, consumers, used, {("p", "VCPU"): ROOM}), ["p"], 1)


FULL_ROOM = [claim("a"), claim("b")]
REFUSED = claim("c", FULL, 409)

FAULTS = {
    "nothing where the room is filled and the rest refused": ([*FULL_ROOM, REFUSED], {}, {}),
    "nothing where room is left and nobody was refused": ([claim("a")], {}, {}),
    "nothing where what nobody answered is stored": (
        [claim("a"), Done(0, 1, 1.0, {"consumer": "b", "provider": "p"})],
        {"stored": ["a", "b"]},
        {},
    ),
    "usage above capacity": ([*FULL_ROOM, claim("c")], {}, {judged.OVER: 1}),
    "a claim that is not stored": ([claim("a")], {"stored": []}, {judged.LOST: 1}),
    "a claim whose consumer is gone": ([claim("a")], {"recorded": []}, {judged.LOST: 1}),
    "a claim whose provider is gone": ([claim("a")], {"provider": DELETED}, {judged.LOST: 1}),
    "a claim that was refused and is stored": (
        [claim("a"), REFUSED],
        {"stored": ["a", "c"]},
        {judged.UNASKED: 1},
    ),
    "room that is left where a claim was refused": (
        [claim("a"), REFUSED],
        {},
        {judged.UNFILLED: 1},
    ),
    "a conflict that reached the client": (
        [*FULL_ROOM, claim("c", CONFLICT, 409)],
        {},
        {judged.CONFLICTS: 1},
    ),
    "a client that is told to try again where nothing is free": (
        [*FULL_ROOM, claim("c", FULL, 409, retry=True)],
        {},
        {judged.MISLED: 1},
    ),
    "a failure": ([claim("a", "failed", 500)], {"stored": []}, {judged.FAILED: 1}),
}


@pytest.mark.parametrize(("claims", "state", "wrong"), FAULTS.values(), ids=FAULTS)
def test_finds(claims, state, wrong):
    found = verdict(claims, **state)
    assert {what: number for what, number in found.wrong.items() if number} == wrong
    assert found.is_wrong() is bool(wrong)


def test_a_database_that_is_away_excuses_no_failure_and_no_loss():
    away = [claim("a", "told to come again", 503)]
    assert not verdict(away, []).is_wrong(restarted=True)
    assert verdict(away, []).is_wrong()
    assert verdict([claim("a", "failed", 500)], []).is_wrong(restarted=True)
    assert verdict([claim("a")], []).is_wrong(restarted=True)
