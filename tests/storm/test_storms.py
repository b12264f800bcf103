"""Short storms on real database servers, of workers that are processes.

What must be right is asserted, never how long it takes. ``python -m benchmarks.storm`` runs as much
of it as one likes, and measures.
"""

from itertools import islice
from random import Random

import pytest

from benchmarks.storm import judged
from benchmarks.storm.claims import Storm
from benchmarks.storm.mixed import Melee
from benchmarks.storm.run import Contest, Faults, contest, database
from benchmarks.storm.sides import BARE, SERIAL, variant
from tests.database_servers import PACKAGES, found

WORKERS = 6

ONE = Storm(WORKERS, claims=5, room=20)
"""30 claims where 20 fit."""

MIXED = Melee(WORKERS, steps=12)

ENOUGH = 12
"""So many rounds are enough for a bare Placement to go wrong: nearly every one is."""

PATIENT = variant("patient:resend_seconds=60,lane_wait_seconds=30")
"""A guard that no slow machine makes go on without its lanes: what is asserted is no speed."""


@pytest.fixture(scope="module", params=["mariadb", "postgresql"])
def sides(request, api):
    api.require(found(request.param), f"{PACKAGES[request.param]}, and the extra 'fuzz'")
    compared = (BARE, SERIAL, PATIENT)
    with (
        database(request.param, compared, durable=False) as base,
        contest(base, compared, WORKERS) as started,
    ):
        yield started


def wrong(rounds):
    """What was wrong in any of these rounds, with what was told of it."""
    every = list(rounds)
    return {
        what: [text for each in every for text in each.told]
        for what in every[0].wrong
        if any(each.wrong[what] for each in every)
    }


def play(sides: Contest, side, storm, faults=None):
    """Round after round."""
    random = Random(1)
    while True:
        yield sides.round(side.name, storm, random, faults)


def test_a_bare_placement_over_commits(sides):
    rounds = islice(play(sides, BARE, ONE), ENOUGH)
    assert any(each.wrong[judged.OVER] for each in rounds)


def test_a_guarded_one_fills_the_room_and_no_more(sides):
    every = list(islice(play(sides, PATIENT, ONE), 2))
    assert not wrong(every)
    assert {each.usage for each in every} == {(ONE.room, ONE.room)}


def test_a_guarded_one_loses_nothing_that_a_killed_worker_has_acknowledged(sides):
    every = list(islice(play(sides, PATIENT, ONE, Faults(kill=2)), 1))
    assert not wrong(every)
    assert [each.killed for each in every] == [2]


def test_nothing_is_found_wrong_where_one_write_is_made_at_a_time(sides):
    assert not wrong(islice(play(sides, SERIAL, MIXED), 1))


def test_a_bare_placement_goes_wrong_where_everything_is_mixed(sides):
    rounds = islice(play(sides, BARE, MIXED), ENOUGH)
    assert any(each.is_wrong() for each in rounds)


def test_a_guarded_one_goes_wrong_nowhere(sides):
    assert not wrong(islice(play(sides, PATIENT, MIXED), 2))
