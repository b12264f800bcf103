"""What was said of a refused body is said again, without judging it again; nothing else is kept."""

import json

import pytest

from placement_guard.api.operations import OPERATIONS
from placement_guard.exchange import Exchange
from placement_guard.rejection import Rejection
from placement_guard.rules import BY_ID, Mode
from placement_guard.settings import Settings
from placement_guard.stages.document import MAX_REFUSED, MAX_REFUSED_BYTES, DocumentStage

PUT = next(o for o in OPERATIONS if o.method == "PUT" and o.path.endswith("/inventories"))
WRONG = b'{"resource_provider_generation": 0, "inventories": {"VCPU": {"total": "4"}}}'
DOUBLED = b'{"resource_provider_generation": 0, "inventories": {}, "inventories": {}}'


@pytest.fixture
def stage(monkeypatch):
    """A stage that counts what it judges the exact way."""
    made = DocumentStage(Settings().modes())
    made.judged = []
    examine = made.examine

    def counting(expected, body):
        made.judged.append(body)
        return examine(expected, body)

    monkeypatch.setattr(made, "examine", counting)
    return made


def exchange(body, version=(1, 39), operation=PUT):
    return Exchange({}, "PUT", "/", operation=operation, version=version, body=body)


def test_the_same_body_is_refused_in_the_same_words_and_judged_once(stage):
    first, second = stage(exchange(WRONG)), stage(exchange(bytes(bytearray(WRONG))))
    assert isinstance(first, Rejection)
    assert first == second
    assert stage.judged == [WRONG]


def test_another_document_is_judged_for_itself(stage):
    post = next(o for o in OPERATIONS if o.name == "resource_providers:inventories:create")
    refused = [stage(exchange(WRONG)), stage(exchange(WRONG, operation=post))]
    assert refused[0].detail != refused[1].detail
    assert len(stage.judged) == 2


def test_what_is_large_is_not_remembered(stage):
    large = WRONG + b" " * MAX_REFUSED_BYTES
    assert stage(exchange(large)) == stage(exchange(large))
    assert len(stage.judged) == 2


def test_what_only_the_guard_refuses_is_not_remembered(stage):
    assert stage(exchange(DOUBLED)).rule.id == "json.duplicate_key"
    assert stage(exchange(DOUBLED)).rule.id == "json.duplicate_key"
    assert len(stage.judged) == 2


def test_no_more_than_a_bounded_number_is_remembered(stage):
    for number in range(3 * MAX_REFUSED):
        stage(exchange(b"{" + str(number).encode()))
    assert len(stage._refused) <= MAX_REFUSED
    assert len(stage.judged) == 3 * MAX_REFUSED


def test_a_warning_is_remembered_as_one():
    modes = {**Settings().modes(), "document.invalid": Mode.WARN}
    stage = DocumentStage(modes)
    passed = [stage(exchange(WRONG)) for _ in range(2)]
    for one in passed:
        assert [warning.rule.id for warning in one.warnings] == ["document.invalid"]
        assert (one.document, one.accepted) == (None, False)


@pytest.mark.parametrize(
    ("body", "accepted"),
    [
        pytest.param(WRONG.replace(b'"4"', b"4"), True, id="the fast way"),
        pytest.param(WRONG.replace(b'"4"', b"4.0"), True, id="the exact way"),
        pytest.param(DOUBLED, False, id="let through with a warning"),
    ],
)
def test_accepted_is_that_in_which_nothing_was_found(body, accepted):
    modes = dict.fromkeys(BY_ID, Mode.WARN)
    passed = DocumentStage(modes)(exchange(body))
    assert passed.accepted is accepted
    assert passed.document == json.loads(body)
