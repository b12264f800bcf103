"""What the storms are made with: sides as they are asked for, journals that outlive their writer."""

import pytest

from benchmarks.storm.calls import CONFLICT, FULL, SERVED, STALE, Answer
from benchmarks.storm.journal import MAX_ATTEMPTS, Journal, read
from benchmarks.storm.sides import variant


def test_a_variant_is_a_guarded_side_with_options():
    side = variant("wide:lane_width=2,rules=a.b:warn,c.d:off,placement.randomize=true")
    assert side.guarded
    assert side.name == "wide"
    assert side.options == {
        "placement_guard.lane_width": "2",
        "placement_guard.rules": "a.b:warn,c.d:off",
        "placement.randomize": "true",
    }


@pytest.mark.parametrize(
    "text",
    ["wide", "bare:x=1", ":x=1", "a b:x=1", "wide:x", "wide:=1"],
    ids=["no options", "a side's name", "no name", "a name of two words", "no value", "no option"],
)
def test_anything_else_is_refused(text):
    with pytest.raises(ValueError, match="is not"):
        variant(text)


def test_a_variant_may_have_no_option():
    assert variant("twin:").options == {}


@pytest.fixture
def journal(tmp_path):
    path = tmp_path / "journal"
    opened = Journal(path)
    yield opened, path
    opened.close()


def test_a_journal_holds_what_was_asked_and_answered(journal):
    opened, path = journal
    opened.record({"consumer": "a"}, lambda: Answer(204, SERVED))
    opened.record(None, lambda: Answer(200, SERVED, document=[1]), keep=lambda a: a.document)
    first, second = read(path, 3)
    assert (first.worker, first.what, first.status, first.served) == (
        3,
        {"consumer": "a"},
        204,
        True,
    )
    assert second.told == [1]
    assert first.began <= first.ended <= second.began <= second.ended


def test_a_request_without_an_answer_may_have_been_served(journal):
    opened, path = journal

    def die():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        opened.record("it", die)
    (found,) = read(path, 0)
    assert (found.unknown, found.served, found.ended) == (True, False, float("inf"))


def test_a_line_that_was_not_written_whole_is_none(journal):
    opened, path = journal
    opened.record("it", lambda: Answer(204, SERVED))
    whole = path.read_bytes()
    path.write_bytes(whole[:-5])
    (found,) = read(path, 0)
    assert found.unknown


@pytest.mark.parametrize(
    ("answers", "attempts"),
    [
        ([Answer(204, SERVED)], 1),
        ([Answer(409, CONFLICT, retry=True), Answer(204, SERVED)], 2),
        ([Answer(409, STALE, retry=True)], 1),
        ([Answer(409, FULL)], 1),
        ([Answer(409, CONFLICT, retry=True)] * MAX_ATTEMPTS, MAX_ATTEMPTS),
    ],
    ids=[
        "not after success",
        "after a conflict",
        "not with a view that is stale",
        "not where it is full",
        "not for ever",
    ],
)
def test_a_persistent_client_tries_again(journal, answers, attempts):
    opened, path = journal
    left = iter(answers)
    opened.record("it", lambda: next(left), persistent=True)
    assert next(left, None) is None
    assert read(path, 0)[0].attempts == attempts
