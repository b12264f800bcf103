"""How an exchange ended, told from what came back."""

import pytest

from placement_guard.outcome import Ending, classify


@pytest.mark.parametrize(
    ("status", "mutates", "ending"),
    [
        (200, False, Ending.SERVED),
        (204, True, Ending.COMMITTED),
        (304, False, Ending.SERVED),
        (400, True, Ending.REFUSED),
        (404, False, Ending.REFUSED),
        (409, True, Ending.CONFLICT),
        (500, True, Ending.FAILED),
        (503, False, Ending.FAILED),
    ],
)
def test_a_status_tells_the_ending(status, mutates, ending):
    outcome = classify(status, mutates=mutates)
    assert (outcome.ending, outcome.status) == (ending, status)


def test_only_a_conflict_has_a_kind():
    assert (
        classify(409, mutates=True, detail="Unable to allocate inventory: x").conflict == "capacity"
    )
    assert classify(400, mutates=True, detail="Unable to allocate inventory: x").conflict == ""
