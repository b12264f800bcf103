"""The verdict on a mixed round: what is stored against what was asked, and against capacities."""

import msgspec
import pytest

from benchmarks.storm import consumers, judged
from benchmarks.storm.calls import FULL, SERVED
from benchmarks.storm.consumers import Consumers
from benchmarks.storm.inventories import Inventories
from benchmarks.storm.journal import Done
from benchmarks.storm.mixed import World
from benchmarks.storm.operations import (
    GENERATIONS,
    MARK,
    OLD,
    TYPES,
    VCPU,
    Part,
    Read,
    Remove,
    Resize,
    Seen,
    Write,
)
from benchmarks.storm.stored import DELETED, Consumer, Stored

WORLD = World(["fixed"], ["resized"], ["passing"], ["i"], ["m"], room=8)


def done(what, began, ended, kind=SERVED, status=204, **more):
    return Done(0, 1, began, what, ended, status, kind, **more)


def put(mark, held, began=0, ended=1, minor=TYPES, generation=None, **more):
    part = Part("i", held, mark, "project", generation)
    return done(Write("PUT", minor, [part]), began, ended, **more)


def state(mark, held, *, generation=1, project="project", user=None, kind="INSTANCE"):
    """Stored: these VCPU by provider, marked."""
    held = {provider: {VCPU: amount, MARK: mark} for provider, amount in held.items()}
    record = Consumer(generation, project, user or f"user-{mark}", kind)
    return Stored({"i": held}, {"i": record}, {}, {})


def faults(requests, stored):
    return {kind: n for kind, n in Consumers(requests, stored).wrong().items() if n}


CLAIM = put(7, {"fixed": 2, "passing": 1})
NOTHING = Stored({}, {}, {}, {})
SEEN = msgspec.to_builtins(Seen(1, {"fixed": {VCPU: 2, MARK: 7}}, "project", "user-7"))

CASES = {
    "nothing where what was asked is stored": ([CLAIM], state(7, {"fixed": 2, "passing": 1}), {}),
    "a claim that is gone": (
        [put(7, {"fixed": 2})],
        NOTHING,
        {judged.LOST: 1},
    ),
    "a claim that is gone with its provider": (
        [CLAIM, done(Remove("passing"), 2, 3)],
        NOTHING,
        {consumers.GONE: 1},
    ),
    "half a claim": ([CLAIM], state(7, {"fixed": 2}), {consumers.TORN: 1}),
    "half a claim, the rest gone with its provider": (
        [CLAIM, done(Remove("passing"), 2, 3)],
        state(7, {"fixed": 2}),
        {consumers.GONE: 1},
    ),
    "half a claim, seen by a reader": (
        [CLAIM, done(Read("i"), 2, 3, status=200, told=SEEN)],
        state(7, {"fixed": 2, "passing": 1}),
        {consumers.TORN: 1},
    ),
    "an allocation whose provider is gone": (
        [put(7, {"fixed": 2})],
        Stored({"i": {DELETED: {VCPU: 2, MARK: 7}}}, {}, {}, {}),
        {consumers.GONE: 1},
    ),
    "an allocation whose consumer is gone": (
        [put(7, {"fixed": 2})],
        Stored({"i": {"fixed": {VCPU: 2, MARK: 7}}}, {}, {}, {}),
        {consumers.ORPHANED: 1},
    ),
    "an allocation that has come to a consumer made since": (
        [put(7, {"fixed": 2})],
        state(7, {"fixed": 2}, generation=0, user="user-8"),
        {consumers.ORPHANED: 1},
    ),
    "a claim that was refused": (
        [put(7, {"fixed": 2}, kind=FULL, status=409)],
        state(7, {"fixed": 2}),
        {judged.UNASKED: 1},
    ),
    "another project": (
        [put(7, {"fixed": 2})],
        state(7, {"fixed": 2}, project="other"),
        {consumers.OWNER: 1},
    ),
    "the user of an earlier write": (
        [put(6, {"fixed": 2}), put(7, {"fixed": 2}, 2, 3, generation=1)],
        state(7, {"fixed": 2}, generation=2, user="user-6"),
        {consumers.OWNER: 1},
    ),
    "a consumer without its type": (
        [put(7, {"fixed": 2})],
        state(7, {"fixed": 2}, kind=None),
        {consumers.TYPE: 1},
    ),
    "no fault in a type that nobody gave": (
        [put(7, {"fixed": 2}, minor=OLD, generation=-1)],
        state(7, {"fixed": 2}, kind=None),
        {},
    ),
    "a release of what came since": (
        [
            put(6, {"fixed": 2}),
            put(7, {"fixed": 2}, 2, 5, generation=1),
            put(8, {}, 3, 6, generation=1),
            done(Read("i"), 7, 8, status=200),
        ],
        NOTHING,
        {consumers.LATE: 1},
    ),
    "a claim that a claim of a new consumer overwrote": (
        [put(6, {"fixed": 2}), put(7, {"fixed": 1}, 2, 3)],
        state(7, {"fixed": 1}),
        {consumers.UNSEEN: 1},
    ),
}


@pytest.mark.parametrize(("requests", "stored", "wrong"), CASES.values(), ids=CASES)
def test_finds(requests, stored, wrong):
    assert faults(requests, stored) == wrong


def used(provider, amount):
    return Stored({}, {}, {(provider, VCPU): amount}, {})


def resize(total, generation, began, ended, **more):
    return done(Resize("resized", total, generation), began, ended, **more)


def claim(amount, began, ended, generation=None, provider="resized", **more):
    return put(7, {provider: amount}, began, ended, GENERATIONS, generation, **more)


def move(amount, began, ended):
    parts = [Part("m", {"resized": amount}, 8, "project"), Part("i", {}, 9, "project", 1)]
    return done(Write("POST", GENERATIONS, parts), began, ended)


USAGE = {
    "as much as there is": ([claim(8, 0, 1)], used("resized", 8), 0),
    "more than there is": ([claim(8, 0, 1)], used("resized", 9), 1),
    "more than there is where nothing is resized": (
        [claim(8, 0, 1, provider="fixed"), resize(99, 1, 0, 1)],
        used("fixed", 9),
        1,
    ),
    "as much as there was before it shrank": (
        [claim(8, 0, 1), resize(2, 1, 2, 3)],
        used("resized", 8),
        0,
    ),
    "as much as there may have been": ([resize(9, 1, 0, 2), claim(9, 1, 3)], used("resized", 9), 0),
    "more than there was since it shrank, by a new consumer": (
        [claim(8, 0, 1), resize(2, 1, 2, 3), claim(1, 4, 5)],
        used("resized", 9),
        1,
    ),
    "more than there is, by a move that gives what it takes": (
        [claim(8, 0, 1), resize(2, 1, 2, 3), move(8, 4, 5)],
        used("resized", 8),
        0,
    ),
    "more than there is, by one that may only have changed what it had": (
        [claim(8, 0, 1), resize(2, 1, 2, 3), claim(8, 4, 5, generation=1)],
        used("resized", 8),
        0,
    ),
    "as much as a resize gave that nobody answered": (
        [resize(12, 1, 0, float("inf"), kind="unanswered", status=0), claim(12, 1, 2)],
        used("resized", 12),
        0,
    ),
    "anything where every claim was refused": (
        [claim(1, 0, 1, kind=FULL, status=409)],
        used("fixed", 1),
        1,
    ),
}


@pytest.mark.parametrize(("requests", "stored", "number"), USAGE.values(), ids=USAGE)
def test_usage_is_compared_with_what_can_have_been_there(requests, stored, number):
    assert len(Inventories(requests, WORLD).over(stored)) == number


def capacity(total):
    return Stored({}, {}, {}, {("resized", VCPU): total})


RESIZES = {
    "the first is right where none was asked for": ([], capacity(8), 0),
    "the last is right": ([resize(3, 1, 0, 1), resize(5, 2, 2, 3)], capacity(5), 0),
    "an earlier one is not": ([resize(3, 1, 0, 1), resize(5, 2, 2, 3)], capacity(3), 1),
    "two on one generation are not": ([resize(3, 1, 0, 1), resize(5, 1, 0, 1)], capacity(3), 1),
    "one that was refused is not": ([resize(3, 1, 0, 1, status=409, kind="x")], capacity(3), 1),
}


@pytest.mark.parametrize(("requests", "stored", "number"), RESIZES.values(), ids=RESIZES)
def test_inventories(requests, stored, number):
    assert Inventories(requests, WORLD).lost(stored) == number
