"""The breaker: opens after outages in a row, lets one in to see, closes when it is answered."""

import circuitbreaker
import pytest

from placement_guard.admission.breaker import Breaker


@pytest.fixture
def clock(monkeypatch):
    """The clock of the library."""

    class Clock:
        now = 100.0

    monkeypatch.setattr(circuitbreaker, "monotonic", lambda: Clock.now)
    return Clock


def ask(breaker, outage):
    passage = breaker.enter()
    if passage is None:
        return "shed"
    with passage:
        passage.outage = outage
    return "asked"


def opened(failures=3, seconds=2.0):
    breaker = Breaker(failures, seconds)
    assert [ask(breaker, outage=True) for _ in range(failures)] == ["asked"] * failures
    assert breaker.is_open
    return breaker


def test_it_opens_after_outages_in_a_row(clock):
    breaker = opened()
    assert ask(breaker, outage=False) == "shed"
    assert breaker.retry_after == 2


def test_an_answer_between_them_starts_the_count_anew(clock):
    breaker = Breaker(3, 2.0)
    for outage in (True, True, False, True, True):
        ask(breaker, outage)
    assert not breaker.is_open


def test_what_did_not_come_to_the_database_counts_neither_way(clock):
    breaker = Breaker(3, 2.0)
    for outage in (True, None, True, None, True):
        ask(breaker, outage)
    assert breaker.is_open


def test_one_request_at_a_time_is_let_in_to_see(clock):
    breaker = opened()
    clock.now += 2.1
    probe = breaker.enter()
    assert probe is not None
    assert breaker.enter() is None
    assert breaker.retry_after == 1
    with probe:
        probe.outage = False
    assert not breaker.is_open
    assert ask(breaker, outage=False) == "asked"


def test_a_probe_that_meets_an_outage_leaves_it_open_for_as_long_again(clock):
    breaker = opened()
    clock.now += 2.1
    assert ask(breaker, outage=True) == "asked"
    assert ask(breaker, outage=False) == "shed"
    clock.now += 2.1
    assert ask(breaker, outage=False) == "asked"
    assert not breaker.is_open


def test_a_probe_that_learns_nothing_lets_the_next_one_see(clock):
    breaker = opened()
    clock.now += 2.1
    assert ask(breaker, outage=None) == "asked"
    assert breaker.is_open
    assert ask(breaker, outage=False) == "asked"
    assert not breaker.is_open


def test_a_probe_that_breaks_gives_its_place_back(clock):
    breaker = opened()
    clock.now += 2.1
    with pytest.raises(ValueError, match="x"), breaker.enter():
        raise ValueError("x")
    assert breaker.enter() is not None


def test_switched_off_it_never_opens(clock):
    breaker = Breaker(0, 2.0)
    assert {ask(breaker, outage=True) for _ in range(100)} == {"asked"}


def test_opening_and_closing_are_said_once(clock, caplog):
    breaker = opened()
    clock.now += 2.1
    ask(breaker, outage=True)
    clock.now += 2.1
    ask(breaker, outage=False)
    ask(breaker, outage=False)
    assert [record.levelname for record in caplog.records] == ["ERROR", "WARNING"]
