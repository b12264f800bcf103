"""A request enters the stages that can say something of its operation, in the one order."""

import pytest

from placement_guard.api.operations import OPERATIONS, UNMATCHED
from placement_guard.settings import Settings
from placement_guard.stages import ORDER, journey, of_operation

SETTINGS = Settings()
JOURNEY = journey(SETTINGS)


def names(operation, settings=SETTINGS):
    return [name for name, _ in of_operation(JOURNEY, operation, settings)]


@pytest.mark.parametrize(
    "operation", [pytest.param(o, id=f"{o.method} {o.path}") for o in OPERATIONS]
)
def test_the_order_is_kept_and_those_of_one_name_enter_the_same(operation):
    entered = names(operation)
    assert entered == [name for name in ORDER if name in entered]
    assert entered[:3] == ["identity", "framing", "operation"]
    for other in OPERATIONS:
        if other.name == operation.name:
            assert names(other) == entered
    assert ("gate_policy" in entered) == (operation.mutates and operation.rule is not None)
    with_body = {"content_type", "body", "document"}
    assert with_body & set(entered) == (with_body if operation.bodies else set())


def test_what_is_not_known_enters_all():
    assert names(UNMATCHED) == [name for name, _ in JOURNEY]


def test_reads_enter_the_gate_where_that_is_asked_for():
    settings = Settings(policy_on_reads=True)
    for operation in OPERATIONS:
        assert ("gate_policy" in names(operation, settings)) == (operation.rule is not None)
