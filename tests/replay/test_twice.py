"""What a replay says is what a second live run shows, exchange by exchange."""

from collections import Counter

import pytest

from placement_guard.replay.differences import Kind
from placement_guard.replay.judge import Decision
from tests.replay.twice import BASE, CONFIGURATIONS, STRICTER, TARGETED, compared, live

REQUESTS = 180


@pytest.fixture(scope="module")
def recordings(tmp_path_factory):
    """The live runs: recorded whole by the base and with a target policy, and in shapes by the
    stricter configuration."""
    directory = tmp_path_factory.mktemp("twice")
    return {
        "base": live(directory / "base", BASE, REQUESTS),
        "stricter": live(directory / "stricter", STRICTER, REQUESTS, capture_bodies="shape"),
        "targeted": live(directory / "targeted", TARGETED, REQUESTS),
    }


def test_a_replay_by_a_stricter_configuration_is_what_a_live_run_shows(recordings, tmp_path):
    base, stricter = recordings["base"], recordings["stricter"]
    found = list(compared(base, stricter, STRICTER.write(tmp_path / "stricter")))
    assert len(found) == REQUESTS
    assert [one for one in found if not one.agrees] == []
    kinds = Counter((c.kind, c.rule) for one in found for c in one.replay_changes)
    for change in (
        (Kind.NEWLY_REFUSED, "policy.forbidden"),
        (Kind.NEWLY_REFUSED, "inventory.min_above_max"),
        (Kind.NEWLY_REFUSED, "inventory.zero_ratio"),
        (Kind.NEWLY_REFUSED, "body.too_large"),
        (Kind.NEWLY_ALLOWED, "json.duplicate_key"),
        (Kind.NO_LONGER_WARNED, "inventory.step_above_total"),
    ):
        assert kinds[change] > 0, change
    undecided = Counter(one.judged.why for one in found if one.judged.why)
    assert set(undecided) <= {"body_not_read", "provider_asked"}
    assert undecided.total() < REQUESTS / 20


def test_a_replay_by_a_target_policy_is_what_a_live_run_shows(recordings, tmp_path):
    configuration = TARGETED.write(tmp_path / "targeted")
    found = list(compared(recordings["base"], recordings["targeted"], configuration))
    assert len(found) == REQUESTS
    assert [one for one in found if not one.agrees] == []
    kinds = Counter((c.kind, c.rule, c.policy) for one in found for c in one.replay_changes)
    forbidden = "policy.target_forbidden"
    for change in (
        (Kind.NEWLY_REFUSED, forbidden, "cyborg:resource_providers:inventories:update"),
        (Kind.NEWLY_REFUSED, forbidden, "cyborg:default"),
        (Kind.NEWLY_REFUSED, forbidden, "nova:allocations:update"),
        (Kind.NEWLY_WARNED, forbidden, ""),
        (Kind.UNDECIDED, "needs_more", ""),
    ):
        assert kinds[change] > 0, change
    undecided = Counter(one.judged.why for one in found if one.judged.why)
    assert set(undecided) <= {"needs_more", "provider_asked"}
    assert undecided.total() < REQUESTS / 20


def test_shapes_judged_by_a_target_policy_say_what_a_live_run_shows_or_nothing(
    recordings, tmp_path, caplog
):
    configuration = TARGETED.write(tmp_path / "targeted")
    caplog.clear()
    found = list(compared(recordings["stricter"], recordings["targeted"], configuration))
    assert [one for one in found if not one.agrees] == []
    decided = sum(one.judged.decision is not Decision.UNDECIDED for one in found)
    assert decided > REQUESTS / 3
    assert not caplog.records, "a doubt is no failure of the policy"


def test_a_replay_of_shapes_says_what_a_live_run_shows_or_nothing(recordings, tmp_path):
    base, stricter = recordings["base"], recordings["stricter"]
    found = list(compared(stricter, base, BASE.write(tmp_path / "base")))
    assert [one for one in found if not one.agrees] == []
    decided = sum(one.judged.decision is not Decision.UNDECIDED for one in found)
    assert decided > REQUESTS / 3


@pytest.mark.parametrize("side", ["base", *CONFIGURATIONS])
def test_by_the_same_configuration_nothing_changes(recordings, tmp_path, side):
    configuration = {"base": BASE, **CONFIGURATIONS}[side].write(tmp_path / "same")
    found = list(compared(recordings[side], recordings[side], configuration))
    assert [one for one in found if one.judged != one.lived and not one.judged.why] == []
    assert {c.kind for one in found for c in one.replay_changes} <= {Kind.UNDECIDED}
