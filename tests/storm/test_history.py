"""The search for an order: what can have happened is taken, what cannot is not."""

import pytest

from benchmarks.storm.history import NOTHING, STRICT, Event, Laxity, State, possible
from benchmarks.storm.operations import ANY

INF = float("inf")


def write(began, ended, mark, generation=ANY, **more):
    return Event("write", began, ended, mark, generation, **more)


def release(began, ended, generation=ANY, **more):
    return Event("release", began, ended, generation=generation, **more)


def read(began, ended, generation=None, mark=None):
    return Event("read", began, ended, told=State(generation, mark))


def delete(began, ended, number):
    """``number``: how many events are before it in the list."""
    return [Event("look", began, ended), Event("drop", began, ended, after=number)]


POSSIBLE = {
    "nothing was asked and nothing is there": ([], NOTHING),
    "a claim is there": ([write(0, 1, 7, None)], State(1, 7)),
    "the later of two writes is there": (
        [write(0, 1, 7, None), write(2, 3, 8, 1)],
        State(2, 8),
    ),
    "either of two writes at the same time is there": (
        [write(0, 3, 7, None), write(1, 2, 8)],
        State(2, 8),
    ),
    "a read sees the first of two writes, which overlap": (
        [write(0, 5, 7, None), write(1, 6, 8, 1), read(2, 3, 1, 7)],
        State(2, 8),
    ),
    "a claim follows a release": (
        [write(0, 1, 7, None), release(2, 3, 1), write(4, 5, 8, None)],
        State(1, 8),
    ),
    "two releases of the same generation, of which one comes too late": (
        [write(0, 1, 7, None), release(2, 4, 1), release(3, 5, 1)],
        NOTHING,
    ),
    "a DELETE takes what it has looked at": (
        [write(0, 1, 7, None), *delete(2, 3, 1)],
        NOTHING,
    ),
    "a DELETE leaves what has come since it looked": (
        [write(0, 1, 7, None), *delete(2, 5, 1), write(3, 4, 8, 1)],
        State(2, 8),
    ),
    "a write that nobody answered was made": (
        [write(0, INF, 7, None, sure=False)],
        State(1, 7),
    ),
    "a write that nobody answered was not made": (
        [write(0, INF, 7, None, sure=False)],
        NOTHING,
    ),
    "a write that nobody answered was made much later": (
        [
            write(0, 1, 7, None),
            write(2, INF, 8, 1, sure=False),
            read(5, 6, 1, 7),
        ],
        State(2, 8),
    ),
}

IMPOSSIBLE = {
    "a claim is gone": ([write(0, 1, 7, None)], NOTHING),
    "an older write is there": ([write(0, 1, 7, None), write(2, 3, 8, 1)], State(1, 7)),
    "something is there that nobody wrote": ([write(0, 1, 7, None)], State(1, 9)),
    "a released claim is there": ([write(0, 1, 7, None), release(2, 3, 1)], State(1, 7)),
    "two writes were made on one generation": (
        [write(0, 1, 7, None), write(2, 5, 8, 1), write(3, 4, 9, 1)],
        State(2, 8),
    ),
    "a read does not see a write that was answered before": (
        [write(0, 1, 7, None), read(2, 3)],
        State(1, 7),
    ),
    "two reads see two writes in both orders": (
        [
            write(0, 9, 7),
            write(0, 9, 8),
            read(1, 2, 1, 7),
            read(3, 4, 2, 8),
            read(5, 6, 1, 7),
        ],
        State(2, 8),
    ),
    "a DELETE took what came after it": (
        [write(0, 1, 7, None), *delete(2, 3, 1), write(4, 5, 8, None)],
        NOTHING,
    ),
    "a DELETE was served where nothing was": (delete(0, 1, 0), NOTHING),
    "the generation is one too high": ([write(0, 1, 7, None)], State(2, 7)),
}


@pytest.mark.parametrize(("events", "last"), POSSIBLE.values(), ids=POSSIBLE)
def test_what_can_have_happened_is_possible(events, last):
    assert possible(events, last)


@pytest.mark.parametrize(("events", "last"), IMPOSSIBLE.values(), ids=IMPOSSIBLE)
def test_what_cannot_have_happened_is_not(events, last):
    assert not possible(events, last)


STALE = [write(0, 1, 7, None), write(2, 5, 8, 1), release(3, 6, 1), read(7, 8)]
UNSEEN = [write(0, 5, 7, None), write(1, 4, 8), read(6, 7, 1, 7)]


@pytest.mark.parametrize(
    ("events", "last", "laxity", "expected"),
    [
        (STALE, NOTHING, STRICT, False),
        (STALE, NOTHING, Laxity(stale_releases=True), True),
        (UNSEEN, State(1, 7), Laxity(stale_releases=True), False),
        (UNSEEN, State(1, 7), Laxity(stale_releases=True, generations=True), True),
        ([write(0, 1, 7, None)], NOTHING, Laxity(stale_releases=True, generations=True), False),
    ],
    ids=[
        "a release of what is newer is wrong",
        "and is told from what is worse",
        "a write on a generation that is not there is wrong",
        "and is told from what is worse, too",
        "a lost claim is lost, whatever is allowed",
    ],
)
def test_laxity_tells_one_fault_from_another(events, last, laxity, expected):
    assert possible(events, last, laxity) is expected
