"""How often a request is sent again: attempts, a deadline, and a budget."""

import threading

import pytest

from placement_guard.admission import resending
from placement_guard.admission.resending import RESERVE, SHARE, Budget, Resending


@pytest.fixture
def clock(monkeypatch):
    """Time that passes by sleeping only; ``slept`` is what was asked for."""

    class Clock:
        now = 1000.0

        def monotonic(self):
            return self.now

        def sleep(self, seconds):
            self.slept.append(seconds)
            self.now += seconds

    clock = Clock()
    clock.slept = []
    monkeypatch.setattr(resending, "time", clock)
    return clock


def tries(attempts):
    while attempts.again():
        pass
    return attempts.made, attempts.ended


def test_no_more_attempts_than_allowed(clock):
    assert tries(Resending(10, 60).begin()) == (10, "attempts")
    assert tries(Resending(1, 60).begin()) == (1, "attempts")


def test_pauses_are_random_below_a_bound_that_doubles_up_to_a_limit(clock, monkeypatch):
    monkeypatch.setattr(resending.random, "uniform", lambda least, most: most)
    tries(Resending(9, 60).begin())
    assert clock.slept == [0.005, 0.01, 0.02, 0.04, 0.08, 0.16, 0.25, 0.25]


def test_pauses_differ(clock):
    tries(Resending(20, 60).begin())
    assert len(set(clock.slept)) == 19


def test_no_pause_goes_past_the_deadline(clock, monkeypatch):
    monkeypatch.setattr(resending.random, "uniform", lambda least, most: most)
    began = clock.now
    attempts = Resending(50, 0.1).begin()
    assert tries(attempts) == (5, "deadline")
    assert clock.now - began <= 0.1


def test_the_budget_is_a_share_of_the_writes(clock):
    budget = Budget()
    while budget.spend():
        pass
    paid = 0
    for _ in range(1000):
        budget.earn()
        paid += budget.spend()
    assert paid == 1000 * SHARE


def test_an_idle_process_saves_up_to_the_reserve_and_no_more(clock):
    budget = Budget()
    clock.now += 3600
    spent = 0
    while budget.spend():
        spent += 1
    assert spent == RESERVE
    clock.now += 1
    assert [budget.spend() for _ in range(11)] == [True] * 10 + [False]


def test_an_empty_budget_ends_the_attempts(clock, monkeypatch):
    monkeypatch.setattr(resending.random, "uniform", lambda least, most: 0.0)
    several = Resending(50, 3600)
    ends = [tries(several.begin())[1] for _ in range(5)]
    assert ends[0] == "attempts"
    assert "budget" in ends


def test_threads_do_not_spend_what_is_not_there(monkeypatch):
    monkeypatch.setattr(resending, "REFILL_PER_SECOND", 0.0)
    budget, spent = Budget(), []

    def spend():
        spent.extend(budget.spend() for _ in range(100))

    threads = [threading.Thread(target=spend) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(spent) == RESERVE
