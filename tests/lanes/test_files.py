"""Lanes of one host: who is let in, in which order, and what is left of those that end badly."""

import contextlib
import os
import resource
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from placement_guard.lanes import MAX_LANES, MAX_WIDTH, Lane, Result, open_lanes
from placement_guard.lanes.turns import number_of

ONE, TWO = [Lane("one")], [Lane("two")]


@pytest.fixture
def directory(tmp_path):
    return tmp_path / "lanes"


@pytest.fixture
def lanes(directory):
    return open_lanes(None, str(directory), 1, 64)


def free(lanes, wanted=ONE):
    """Whether these lanes can be had at once."""
    with lanes.hold(wanted, seconds=0) as hold:
        return hold.result is Result.HELD


def test_a_lane_is_held_until_it_is_left(lanes):
    hold = lanes.hold(ONE, seconds=0)
    assert (hold.result, hold.driver, hold.lost) == (Result.HELD, "files", False)
    assert not free(lanes)
    assert free(lanes, TWO)
    hold.release()
    assert free(lanes)
    hold.release()
    assert free(lanes)


def test_no_lanes_are_held_at_once(lanes, directory):
    with lanes.hold([], seconds=1) as hold:
        assert (hold.result, hold.waited) == (Result.HELD, 0)


def test_what_is_not_left_is_left_with_its_hold(lanes):
    hold = lanes.hold(ONE, seconds=0)
    assert not free(lanes)
    del hold
    assert free(lanes)


def test_threads_exclude_each_other(lanes, tmp_path, worker_module):
    said = []
    threads = [
        threading.Thread(
            target=lambda number=number: said.append(
                worker_module.storm(
                    lanes,
                    number,
                    board=tmp_path / "board",
                    names=["one"],
                    workers=4,
                    width=1,
                    turns=50,
                )
            )
        )
        for number in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [one["wrong"] for one in said] == [[]] * 4
    assert [one["results"] for one in said] == [{"held": 50}] * 4


def test_processes_exclude_each_other(workers, directory, storms):
    found = storms(workers(directory, 4), names=["one"], width=1, turns=100)
    assert (found.wrong, found.results) == ([], {"held": 400})


def test_a_lane_is_no_fuller_than_it_is_wide(workers, directory, storms):
    started = workers(directory, 6, width=3)
    found = storms(started, names=["one"], width=3, turns=50, rest=0.003)
    assert (found.wrong, found.results) == ([], {"held": 300})


def test_alone_is_alone(workers, directory, storms):
    started = workers(directory, 6, width=3)
    found = storms(started, names=["one"], width=3, turns=50, rest=0.001, alone=0.2)
    assert (found.wrong, found.results) == ([], {"held": 300})


def test_several_lanes_in_any_order_come_to_no_deadlock(workers, directory, storms):
    started = workers(directory, 6, width=2)
    names = list("abcdef")
    found = storms(started, names=names, width=2, turns=50, rest=0.001, most=4, alone=0.2)
    assert (found.wrong, found.results) == ([], {"held": 300})


def test_a_killed_holder_holds_nothing(workers, directory, lanes):
    (other,) = workers(directory)
    assert other.hold("one", "two")["result"] == "held"
    assert not free(lanes)
    other.signal(signal.SIGKILL)
    other.process.wait()
    assert free(lanes, [*ONE, *TWO])


def test_many_odd_names_leave_nothing_behind(lanes, directory):
    names = ("", "\0", "\ud800", "../x", "a" * 10_000, "\n", "é", *map(str, range(10_000)))
    for name in names:
        with lanes.hold([Lane(name)], seconds=0) as hold:
            assert hold.result is Result.HELD
    assert [path.name for path in directory.iterdir()] == ["lanes"]
    assert (directory / "lanes").stat().st_size == 0


@pytest.mark.parametrize("number", [MAX_LANES - 1, MAX_LANES, 1000])
def test_alone_excludes_requests_with_any_number_of_lanes(lanes, number):
    many = [Lane(str(i)) for i in range(number)]
    alone = [Lane(str(number - 1), alone=True)]
    with lanes.hold(many, seconds=0) as hold:
        assert hold.result is Result.HELD
        assert not free(lanes, alone)
    with lanes.hold(alone, seconds=0) as hold:
        assert hold.result is Result.HELD
        assert not free(lanes, many)
    assert free(lanes, many)


def test_a_wide_lane_is_left_alone_by_those_configured_otherwise(directory):
    narrow, wide = (open_lanes(None, str(directory), width, 64) for width in (1, 1000))
    with contextlib.ExitStack() as stack:
        for _ in range(MAX_WIDTH):
            assert stack.enter_context(wide.hold(ONE, seconds=0)).result is Result.HELD
        assert not free(wide)
    with narrow.hold([Lane("one", alone=True)], seconds=0):
        assert not free(wide)


def test_an_interrupt_while_it_waits_leaves_nothing_held(lanes, monkeypatch):
    both = sorted([*ONE, *TWO], key=lambda lane: number_of(lane.name))

    def interrupt(_seconds):
        raise KeyboardInterrupt

    with lanes.hold(both[1:], seconds=0):
        monkeypatch.setattr(time, "sleep", interrupt)
        with pytest.raises(KeyboardInterrupt):
            lanes.hold(both, seconds=60)
        assert free(lanes, both[:1])


def test_what_cannot_be_hashed_raises_nothing(lanes):
    with lanes.hold([Lane(None)], seconds=0) as hold:
        assert hold.result is Result.UNAVAILABLE


def test_without_descriptors_there_are_no_lanes_until_there_are(lanes, caplog):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, hard))
    try:
        with lanes.hold(ONE, seconds=0) as hold:
            assert hold.result is Result.UNAVAILABLE
        assert "Too many open files" in lanes.state().why
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert free(lanes)
    assert lanes.state().available
    assert [record.levelname for record in caplog.records] == ["WARNING"] * 2


FORKS = """
import os, signal, sys, time
from placement_guard.lanes import Lane, open_lanes

lanes = open_lanes(None, sys.argv[1], 1, 64)
one, two = [Lane("one")], [Lane("two")]


def child(*actions):
    ours, theirs = os.pipe()
    pid = os.fork()
    if not pid:
        for action in actions:
            os.write(theirs, repr(action()).encode() + b"\\n")
        signal.pause()
    os.close(theirs)
    with open(ours) as said:
        return pid, [eval(said.readline()) for _ in actions]


def kill(pid):
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)


def free(wanted):
    with lanes.hold(wanted, seconds=0) as hold:
        return str(hold.result) == "held"


hold = lanes.hold(one, seconds=0)
pid, said = child(lambda: free(one), hold.release, lambda: free(one), lambda: free(two))
assert said == [False, None, False, True], said
assert not free(one)
hold.release()
assert free(one), "the child has kept what its parent has left"
kill(pid)
assert free(one)

hold = lanes.hold(one, seconds=0)
pid, _ = child(lambda: None)
print(pid, flush=True)
signal.pause()
"""


def test_a_fork_takes_no_lane_with_it(lanes, directory):
    program = [sys.executable, "-c", FORKS, str(directory)]
    with subprocess.Popen(program, stdout=subprocess.PIPE, text=True) as parent:
        child = int(parent.stdout.readline())
        try:
            assert not free(lanes)
            parent.kill()
            parent.wait()
            assert free(lanes), "the child has kept what its killed parent has held"
        finally:
            os.kill(child, signal.SIGKILL)


def test_lanes_that_are_switched_off_hold_nobody_up():
    from placement_guard.lanes import NoLanes

    lanes = NoLanes()
    with lanes.hold(ONE, seconds=60) as hold, lanes.hold(ONE, seconds=60):
        assert (hold.result, hold.driver, hold.waited) == (Result.UNAVAILABLE, "none", 0)
    assert lanes.state() == ("none", "", False, 0, "lanes are switched off", None)
    lanes.close()


def test_state_says_where_and_since_when(lanes, directory):
    before = time.time()
    assert lanes.state()[:3] == ("files", str(directory), True)
    assert before - 60 <= lanes.state().since <= time.time()
    lanes.close()
    assert free(lanes)


def test_the_file_is_closed_when_a_lane_is_left(lanes, directory):
    def opened():
        return sum(
            os.path.realpath(path).startswith(str(directory))
            for path in Path("/proc/self/fd").iterdir()
        )

    with lanes.hold([*ONE, *TWO], seconds=0):
        assert opened() == 1
    assert opened() == 0
