"""A Placement whose database is gone: 503 at once, and back by itself."""

import pytest
from oslo_db import exception as db

GONE = db.DBConnectionError("(2003, \"Can't connect to MySQL server on '10.0.0.7'\")")
SETTINGS = {"breaker_failures": 3, "breaker_seconds": 0.2}


def asked(stand):
    return len(stand.application.asked)


def test_an_outage_is_a_503_that_says_when_to_come_again(stand):
    stand.application.error = GONE
    answer = stand.ask()
    assert answer.status_int == 503
    assert answer.headers["Retry-After"] == "1"
    assert "10.0.0.7" not in answer.text
    assert answer.json["errors"][0]["code"] == "placement.undefined_code"


def test_after_some_in_a_row_placement_is_not_asked_until_it_may_be_back(stand):
    import time

    stand.application.error = GONE
    for _ in range(3):
        stand.ask(settings=SETTINGS)
    assert asked(stand) == 3
    answer = stand.ask(settings=SETTINGS)
    assert (answer.status_int, answer.headers["Retry-After"]) == (503, "1")
    assert asked(stand) == 3
    assert answer.headers["Placement-Guard"] == 'decision=shed, why="outage"'
    assert answer.json["errors"][0]["code"] == "placement_guard.shed.outage"
    assert stand.count("placement_guard_shed_total", operation="traits:update", why="outage") == 1
    stand.application.error = None
    time.sleep(0.25)
    assert stand.ask(settings=SETTINGS).status_int == 204
    assert stand.ask(settings=SETTINGS).status_int == 204


def test_the_root_answers_while_the_breaker_is_open(stand):
    stand.application.error = GONE
    for _ in range(4):
        stand.ask(settings=SETTINGS)
    stand.application.error = None
    stand.application.answer = ("200 OK", [], [b"{}"])
    assert stand.ask("/", "GET", settings=SETTINGS).status_int == 200


def test_what_would_be_refused_is_still_refused_first(stand):
    stand.application.error = GONE
    for _ in range(4):
        stand.ask(settings=SETTINGS)
    answer = stand.ask("/resource_classes", "POST", body=b"{", settings=SETTINGS)
    assert answer.status_int == 400


@pytest.mark.parametrize("error", [ValueError("x"), KeyError("y")])
def test_other_failures_open_nothing(stand, error):
    stand.application.error = error
    for _ in range(9):
        assert stand.ask(settings=SETTINGS).status_int == 500
    assert asked(stand) == 9


def test_an_outage_is_not_sent_again(stand):
    """Nobody knows whether it was committed."""
    stand.application.error = GONE
    path = "/allocations/9d5c1f0a-5d0b-4d2f-8c9d-0a4b6f3c7e21"
    assert stand.ask(path, "DELETE").status_int == 503
    assert asked(stand) == 1
