"""Threads that ask: in order, bounded, and ended at once."""

import contextlib
import itertools
import threading

import pytest

from placement_guard.scan.crew import AHEAD, Crew
from placement_guard.scan.errors import InterruptedScanError

SECONDS = 30


@contextlib.contextmanager
def crew(size):
    stop = threading.Event()
    with contextlib.closing(Crew(size, stop)) as made:
        yield made, stop


@pytest.mark.parametrize("size", [1, 3, 32])
def test_results_come_in_order(size):
    with crew(size) as (made, _):
        assert list(made.in_order(lambda n: n * n, range(100))) == [n * n for n in range(100)]


def test_all_threads_work_at_once():
    meeting = threading.Barrier(4, timeout=SECONDS)
    with crew(4) as (made, _):
        assert len(list(made.in_order(lambda _: meeting.wait(), range(4)))) == 4


def test_nobody_runs_ahead():
    taken = []
    with crew(2) as (made, _):
        results = made.in_order(lambda n: n, (taken.append(n) or n for n in itertools.count()))
        for number in range(10):
            assert next(results) == number
            assert len(taken) <= number + 1 + 2 * AHEAD


def test_a_bug_is_not_hidden():
    with crew(2) as (made, _):
        results = made.in_order(lambda n: 1 // n, [1, 0])
        assert next(results) == 1
        with pytest.raises(ZeroDivisionError):
            next(results)


def test_a_task_that_runs_out_of_time_is_no_wait_that_goes_on():
    def late(_):
        raise TimeoutError("of its own")

    with crew(1) as (made, _), pytest.raises(TimeoutError, match="of its own"):
        made.one(lambda: late(None))


def test_an_interrupt_does_not_wait_for_an_answer():
    hold, reached = threading.Event(), threading.Event()

    def stuck():
        reached.set()
        hold.wait(SECONDS)

    with crew(1) as (made, stop):
        threading.Thread(target=lambda: reached.wait(SECONDS) and stop.set()).start()
        with pytest.raises(InterruptedScanError):
            made.one(stuck)
        hold.set()


def test_nothing_is_begun_after_an_interrupt():
    with crew(1) as (made, stop):
        stop.set()
        with pytest.raises(InterruptedScanError):
            made.one(lambda: None)


def test_the_threads_end():
    before = set(threading.enumerate())
    with crew(5) as (made, _):
        assert made.one(lambda: 1) == 1
        threads = [t for t in set(threading.enumerate()) - before if t.name == "scan"]
        assert len(threads) == 5
    for thread in threads:
        thread.join(SECONDS)
    assert not [thread for thread in threads if thread.is_alive()]
