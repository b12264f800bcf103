"""The queues before the lanes of one host: who is let in when."""

import signal
import time

import pytest

from placement_guard.lanes import Lane, Result, ofd, open_lanes
from placement_guard.lanes import line as lines
from placement_guard.lanes.turns import Turn, number_of

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


@pytest.fixture
def waiting(directory):
    """How many wait for the lane of this name now."""

    def count(name="one"):
        first = (number_of(name) + 1) * lines.QUEUES
        with (directory / "lanes").open("r+b") as file:
            return ofd.count(file.fileno(), [(first, first + lines.QUEUES)], 100)

    return count


def test_turns_are_shared_evenly(workers, directory, lanes, waiting, until, storms):
    started = workers(directory, 8)
    hold = lanes.hold(ONE, seconds=0)

    def begin():
        until(lambda: waiting() == 8)
        hold.release()

    found = storms(started, names=["one"], width=1, turns=30, rest=0.002, meanwhile=begin)
    assert (found.wrong, found.results) == ([], {"held": 240})
    first_ended = min(order[-1] for order in found.orders)
    turns = [sum(at <= first_ended for at in order) for order in found.orders]
    assert min(turns) >= 15, turns


def test_the_first_to_wait_is_the_first_to_be_let_in(workers, directory, lanes, waiting, until):
    first, second = workers(directory, 2)
    with lanes.hold(ONE, seconds=0):
        for number, worker in enumerate((first, second)):
            worker.send("hold", lanes=ONE, seconds=60)
            until(lambda number=number: waiting() == number + 1)
    assert first.answer()["result"] == "held"
    assert waiting() == 1
    first.ask("release")
    assert second.answer()["result"] == "held"


def test_the_urgent_overtake_those_that_wait_but_not_those_that_hold(
    workers, directory, lanes, waiting, until
):
    claim, release = workers(directory, 2)
    with lanes.hold(ONE, seconds=0):
        claim.send("hold", lanes=ONE, seconds=60)
        until(lambda: waiting() == 1)
        release.send("hold", lanes=ONE, seconds=60, urgent=True)
        until(lambda: waiting() == 2)
    assert release.answer()["result"] == "held"
    assert waiting() == 1
    release.ask("release")
    assert claim.answer()["result"] == "held"


def test_a_newcomer_does_not_overtake(workers, directory, waiting, until):
    """Who wants a wide lane alone would otherwise wait for ever."""
    lanes = open_lanes(None, str(directory), 2, 64)
    alone, newcomer = workers(directory, 2, width=2)
    with lanes.hold(ONE, seconds=0):
        alone.send("hold", lanes=[["one", True]], seconds=60)
        until(lambda: waiting() == 1)
        newcomer.send("hold", lanes=ONE, seconds=60)  # there is a free slot
        until(lambda: waiting() == 2)
    assert alone.answer()["result"] == "held"
    assert waiting() == 1
    alone.ask("release")
    assert newcomer.answer()["result"] == "held"


def test_two_that_give_up_in_the_same_microsecond_have_two_tickets(lanes, directory, waiting):
    assert free(lanes)
    deadline = time.monotonic() + 60
    with (directory / "lanes").open("r+b") as one, (directory / "lanes").open("r+b") as other:
        for file, ahead in ((one, 0), (other, 1)):
            turn = Turn(number_of("one"), alone=False)
            line = lines.Line(file.fileno(), turn, 1, deadline, urgent=False)
            line.draw()
            assert line.ahead(10) == ahead
        assert waiting() == 2


def test_who_has_less_time_left_goes_first(workers, directory, lanes, waiting, until):
    patient, hurried = workers(directory, 2)
    with lanes.hold(ONE, seconds=0):
        patient.send("hold", lanes=ONE, seconds=60)
        until(lambda: waiting() == 1)
        hurried.send("hold", lanes=ONE, seconds=30)
        until(lambda: waiting() == 2)
    assert hurried.answer()["result"] == "held"
    assert waiting() == 1


def test_who_wants_a_busy_lane_alone_is_let_in(workers, directory, tmp_path):
    started = workers(directory, 4, width=3)
    for number, worker in enumerate(started[:3]):
        worker.send(
            "storm",
            number=number,
            board=str(tmp_path / "board"),
            names=["one"],
            workers=3,
            width=3,
            turns=200,
            rest=0.005,
        )
    alone = started[3]
    assert alone.ask("hold", lanes=[["one", True]], seconds=60)["result"] == "held"
    let_in = time.monotonic()
    alone.ask("release")
    said = [worker.answer() for worker in started[:3]]
    assert max(one["order"][-1] for one in said) > let_in


def test_a_timeout_keeps_what_it_has(workers, directory, lanes):
    (other,) = workers(directory)
    both = [*ONE, *TWO]
    with lanes.hold(ONE, seconds=0):
        said = other.ask("hold", lanes=both, seconds=0.1)
        assert said["result"] == "timeout"
        assert said["waited"] >= 0.1
        assert not free(lanes, TWO)
    assert free(lanes)
    other.ask("release")
    assert free(lanes, both)


def test_a_full_queue_is_not_waited_for(workers, directory, waiting, until):
    lanes = open_lanes(None, str(directory), 1, 2)
    started = workers(directory, 2, max_waiting=2)
    with lanes.hold(ONE, seconds=0):
        for number, worker in enumerate(started):
            worker.send("hold", lanes=ONE, seconds=60)
            until(lambda number=number: waiting() == number + 1)
        with lanes.hold(ONE, seconds=60) as hold:
            assert hold.result is Result.FULL
        with lanes.hold(ONE, seconds=0.1, urgent=True) as hold:
            assert hold.result is Result.TIMEOUT
        assert waiting() == 2
    assert started[0].answer()["result"] == "held"


def test_a_killed_waiter_holds_nobody_up(workers, directory, lanes, waiting, until):
    first, second = workers(directory, 2)
    with lanes.hold(ONE, seconds=0):
        for number, worker in enumerate((first, second)):
            worker.send("hold", lanes=ONE, seconds=60)
            until(lambda number=number: waiting() == number + 1)
        first.signal(signal.SIGKILL)
        first.process.wait()
    assert second.answer()["result"] == "held"


def test_a_stopped_holder_costs_no_more_than_the_wait(workers, directory, lanes):
    (other,) = workers(directory)
    other.hold("one")
    other.signal(signal.SIGSTOP)
    with lanes.hold(ONE, seconds=0.1) as hold:
        assert hold.result is Result.TIMEOUT
    other.signal(signal.SIGCONT)
    other.ask("release")
    assert free(lanes)


def test_a_stopped_waiter_holds_others_up_no_longer_than_it_would_wait(
    workers, directory, lanes, waiting, until
):
    stopped, other = workers(directory, 2)
    with lanes.hold(ONE, seconds=0):
        stopped.send("hold", lanes=ONE, seconds=1)
        until(lambda: waiting() == 1)
        stopped.signal(signal.SIGSTOP)
        other.send("hold", lanes=ONE, seconds=60)
        until(lambda: waiting() == 2)
    assert other.answer()["result"] == "held"
