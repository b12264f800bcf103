"""Differences: what kind they are, and how they are counted."""

import pytest

from placement_guard.replay import differences
from placement_guard.replay.differences import OTHERS, Change, Differences, Kind, changes
from placement_guard.replay.judge import Decision, Verdict, undecided

PASSED = Verdict(Decision.PASSED)
WARNED = Verdict(Decision.PASSED, warnings=("a", "b"))
REFUSED = Verdict(Decision.REFUSED, "a")
BLAMED = "query.nul_character"


@pytest.mark.parametrize(
    ("before", "after", "found"),
    [
        (PASSED, PASSED, []),
        (REFUSED, REFUSED, []),
        (PASSED, REFUSED, [Change(Kind.NEWLY_REFUSED, "a")]),
        (REFUSED, PASSED, [Change(Kind.NEWLY_ALLOWED, "a")]),
        (REFUSED, Verdict(Decision.REFUSED, "b"), [Change(Kind.REFUSED_OTHERWISE, "b")]),
        (
            REFUSED,
            Verdict(Decision.REFUSED, "a", "rule:x"),
            [Change(Kind.REFUSED_OTHERWISE, "a", "rule:x")],
        ),
        (PASSED, WARNED, [Change(Kind.NEWLY_WARNED, "a"), Change(Kind.NEWLY_WARNED, "b")]),
        (WARNED, PASSED, [Change(Kind.NO_LONGER_WARNED, "a"), Change(Kind.NO_LONGER_WARNED, "b")]),
        (WARNED, REFUSED, [Change(Kind.NEWLY_REFUSED, "a")]),
        (undecided("x"), PASSED, [Change(Kind.UNDECIDED, "x")]),
        (REFUSED, undecided("y"), [Change(Kind.UNDECIDED, "y")]),
    ],
)
def test_two_verdicts_differ_in_a_way(stand, before, after, found):
    assert changes(stand.record(), before, after, same=True) == found


@pytest.mark.parametrize(
    ("record", "same", "after", "found"),
    [
        ({"outcome": "rejected", "rule": BLAMED}, True, PASSED, []),
        (
            {"outcome": "rejected", "rule": BLAMED},
            False,
            PASSED,
            [Change(Kind.UNDECIDED, "blamed")],
        ),
        ({"outcome": "failed"}, False, PASSED, [Change(Kind.UNDECIDED, "blamed")]),
        ({"outcome": "failed"}, True, PASSED, []),
        ({"outcome": "committed"}, False, PASSED, []),
        (
            {"outcome": "rejected", "rule": BLAMED},
            True,
            REFUSED,
            [Change(Kind.REFUSED_OTHERWISE, "a")],
        ),
    ],
)
def test_what_is_said_after_placement_has_failed_is_not_guessed(stand, record, same, after, found):
    assert changes(stand.record(**record), PASSED, after, same=same) == found


def test_groups_are_counted_with_examples(stand):
    counted = Differences()
    for number in range(5):
        counted.add(stand.record(id=f"req-{number}"), [Change(Kind.NEWLY_REFUSED, "a")])
    counted.add(stand.record(), [])
    ((key, group),) = counted.ordered()
    operation = "resource_providers:inventories:update"
    assert key == (Kind.NEWLY_REFUSED, "a", "", operation, "nova", "service")
    assert (group.count, group.examples) == (5, ["req-0", "req-1", "req-2"])
    assert (counted.judged, counted.unchanged, counted.changed) == (6, 1, True)


def test_what_is_undecided_is_no_change(stand):
    counted = Differences()
    counted.add(stand.record(), [Change(Kind.UNDECIDED, "why")])
    assert (counted.changed, counted.unchanged) == (False, 0)


def test_however_many_clients_there_are_the_groups_are_bounded(stand, monkeypatch):
    monkeypatch.setattr(differences, "MAX_GROUPS", 3)
    counted = Differences()
    for number in range(100):
        one = stand.record(identity={"user_id": f"user-{number}"})
        counted.add(one, [Change(Kind.NEWLY_REFUSED, "a")])
    assert len(counted.groups) == 4
    assert sum(group.count for group in counted.groups.values()) == 100
    assert counted.ordered()[0][0][4:] == (OTHERS, OTHERS)
