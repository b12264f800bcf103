"""The parameters in a path, where Placement's own check of them has a hole."""

import pytest

from placement_guard.api.paths import path_finding

CONSUMER = "4e8e5957-649f-477b-9e5b-f1f75b21c03c"


def rule(operation, version=(1, 39), **params):
    found = path_finding(operation, params, version)
    return found and found.rule


@pytest.mark.parametrize("name", ["CUSTOM_A\n", "CUSTOM_\n\n"])
def test_a_trait_whose_name_ends_in_a_line_break(name):
    assert rule("traits:update", name=name) == "path.trailing_newline"


@pytest.mark.parametrize("name", ["CUSTOM_A", "custom_a", "\nA", 'A"'])
def test_any_other_trait_is_placements_to_judge(name):
    assert rule("traits:update", name=name) is None


QUOTED = [
    'CUSTOM_A", "name": "CUSTOM_B',
    "CUSTOM_\\u0041",
    'x", "name": "CUSTOM_B',
]


@pytest.mark.parametrize("name", QUOTED)
def test_a_name_that_says_something_else_as_json(name):
    assert rule("resource_classes:update", name=name) == "path.quoted_name"
    assert rule("resource_classes:update", (1, 7), name=name) == "path.quoted_name"
    assert rule("resource_classes:update", (1, 6), name=name) is None


@pytest.mark.parametrize(
    "name",
    [
        "CUSTOM_A",
        "VCPU",
        'CUSTOM_"',
        "CUSTOM_A\\",
        "custom",
        "A\n",
        'x", "y": 1, "name": "CUSTOM_B',
        'A", "name": "custom',
        'A", "name": 5, "b": "',
        'A", "name": "CUSTOM_' + "B" * 255,
    ],
)
def test_a_name_that_placement_refuses_by_itself_is_left_to_it(name):
    assert rule("resource_classes:update", name=name) is None


def test_a_consumer_that_is_no_uuid():
    assert rule("allocations:update", consumer_uuid="x") == "allocations.malformed_consumer"
    assert rule("allocations:update", consumer_uuid=CONSUMER.replace("-", "")) is None
    assert rule("allocations:delete", consumer_uuid="x") is None
