"""Values that hold no more than a part: each use that needs more is put down."""

import pytest

from placement_guard.api.routes import Router
from placement_guard.exchange import begin
from placement_guard.recording.hiding import Hiding
from placement_guard.replay.doubt import Doubts, Missing
from placement_guard.replay.errors import UndecidedError
from placement_guard.target import Target

UUID = "4e8e5957-649f-477b-9e5b-f1f75b21c03c"
CLAIM = {
    "allocations": {UUID: {"resources": {"CUSTOM_GPU": 2}}},
    "project_id": "acme",
    "user_id": "alice",
    "consumer_type": "INSTANCE",
}


@pytest.fixture
def doubts():
    return Doubts()


def test_two_hidden_names_are_compared_and_another_is_a_doubt(doubts):
    one, other = doubts.veiled("~1"), doubts.veiled("~2")
    assert one == doubts.veiled("~1") == "~1"
    assert one != other
    assert one != "~2"
    assert one != None  # noqa: E711
    assert {one: 1}["~1"] == 1
    assert doubts.why == ""
    with pytest.raises(UndecidedError):
        assert one == "nova"
    assert doubts.why == "hidden_value"
    doubts.clear()
    assert (doubts.why, doubts.hidden) == ("", set())


@pytest.mark.parametrize(
    "use",
    [
        lambda value: value + 1,
        lambda value: 1 + value,
        lambda value: value < 8,
        lambda value: value >= 8,
        lambda value: value == 8,
        lambda value: value * 0.5,
        int,
        bool,
    ],
)
def test_a_number_of_which_the_magnitude_is_known_is_not_used(doubts, use):
    with pytest.raises(UndecidedError):
        use(doubts.veil({"~": 3}))
    assert doubts.why == "hidden_value"


@pytest.mark.parametrize(
    "use",
    [
        lambda value: value["a"],
        lambda value: value.items(),
        list,
        len,
        lambda value: "a" in value,
        lambda value: value.get("a"),
    ],
)
def test_a_document_that_is_missing_is_not_looked_into(doubts, use):
    with pytest.raises(UndecidedError):
        use(Missing(doubts, "body_left_out"))
    assert doubts.why == "body_left_out"


def test_what_a_claim_is_about_can_be_told_of_its_shape(doubts):
    environ = {"REQUEST_METHOD": "PUT", "PATH_INFO": f"/allocations/{UUID}"}
    shape = doubts.veil(Hiding(b"k" * 32).shape(CLAIM, names=True))
    target = Target(begin(environ, Router()).extended(version=(1, 39), document=shape))
    assert target.values("resource_classes") == ("CUSTOM_GPU",)
    assert target.values("consumer_types") == ("INSTANCE",)
    assert len(target.values("providers")) == 1
    assert target.is_release is False
    assert doubts.why == ""
    with pytest.raises(UndecidedError):
        assert target.values("projects")[0] == "acme"
    doubts.clear()
    with pytest.raises(UndecidedError):
        assert target.amounts
