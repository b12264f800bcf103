"""Outages: said once, tried again after pauses that grow."""

import time

import pytest

from placement_guard.lanes.outage import FIRST_PAUSE, LONGEST_PAUSE, MAX_REASON, Outage


@pytest.fixture
def clock(monkeypatch):
    now = [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    return now


def test_it_is_tried_by_one_after_each_pause_and_the_pauses_grow(clock):
    it = Outage("it", "")
    assert [it.may_try() for _ in range(3)] == [True] * 3
    it.begin("gone")
    paused, tries = FIRST_PAUSE, []
    for _ in range(8):
        assert not it.may_try()
        clock[0] += paused - 0.01
        assert not it.may_try()
        clock[0] += 0.02
        assert [it.may_try() for _ in range(3)] == [True, False, False]
        it.begin("still gone")
        paused = min(2 * paused, LONGEST_PAUSE)
        tries.append(paused)
    assert tries[-1] == LONGEST_PAUSE
    it.end()
    assert it.may_try()


def test_its_begin_and_its_end_are_said_once(caplog):
    it = Outage("it", "So be it.")
    assert it.seen()[0::2] == (True, "")
    for why in ("gone\n", "still gone"):
        it.begin(why)
    assert it.seen()[0::2] == (False, "still gone")
    for _ in range(2):
        it.end()
    assert it.seen()[0::2] == (True, "")
    assert [record.getMessage() for record in caplog.records] == [
        "Lanes: it cannot be used (gone\\n). So be it.",
        "Lanes: it can be used again.",
    ]


def test_a_reason_is_bounded():
    it = Outage("it", "")
    it.begin("x" * 10_000)
    assert len(it.seen()[2]) == MAX_REASON


def test_it_says_since_when():
    before = time.time()
    it = Outage("it", "")
    assert before <= it.seen()[1] <= time.time()
    it.begin("gone")
    assert before <= it.seen()[1] <= time.time()
