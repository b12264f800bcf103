"""The numbers of lanes, and what a request takes of them."""

import pytest

from placement_guard.lanes import LANES, MAX_LANES, MAX_WIDTH, Lane
from placement_guard.lanes.turns import GATE, Turn, number_of, turns


@pytest.mark.parametrize(
    ("name", "number"),
    [("", 13471), ("4e8e5957-649f-477b-9e5b-f1f75b21c03c", 8827), ("\ud800", 7590)],
)
def test_a_name_has_the_same_number_everywhere(name, number):
    assert number_of(name) == number


def test_numbers_are_spread_and_bounded():
    numbers = {number_of(str(name)) for name in range(100_000)}
    assert (min(numbers), max(numbers)) == (1, LANES - 1)
    assert len(numbers) > LANES * 0.99


def test_lanes_are_taken_in_the_order_of_their_numbers():
    names = [str(name) for name in range(50)]
    there, back = (turns([Lane(name) for name in some]) for some in (names, names[::-1]))
    assert there == back == sorted(there)
    assert not any(turn.alone for turn in there)


def test_a_lane_that_is_asked_for_twice_is_one_and_alone_wins():
    number = number_of("a")
    assert turns([Lane("a"), Lane("a")]) == [Turn(number, False)]
    for lanes in ([Lane("a"), Lane("a", alone=True)], [Lane("a", alone=True), Lane("a")]):
        assert turns(lanes) == [Turn(GATE, False), Turn(number, True)]


def test_too_many_lanes_are_the_gate_alone_and_some():
    alone = Lane("alone", alone=True)
    taken = turns([*(Lane(str(name)) for name in range(1000)), alone])
    assert len(taken) == MAX_LANES
    assert taken[0] == Turn(GATE, True)
    assert Turn(number_of("alone"), True) in taken
    assert taken == sorted(taken)


def test_the_gate_is_as_wide_as_a_lane_can_be():
    assert Turn(GATE, False).width(1) == MAX_WIDTH
    assert Turn(7, False).width(1) == 1
