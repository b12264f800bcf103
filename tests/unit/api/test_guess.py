"""What a body was made for, told by its shape."""

import pytest

from placement_guard.api.guess import MAX_MEMBERS, candidates, fitting
from placement_guard.api.operations import LAST_VERSION, OPERATIONS

RP = "4e8e5957-649f-477b-9e5b-f1f75b21c03c"
HELD = {"allocations": {RP: {"resources": {"VCPU": 1}}}, "project_id": "p", "user_id": "u"}
GENERATION = {"consumer_generation": None}
TYPED = {**GENERATION, "consumer_type": "INSTANCE"}
LISTED = [{"resource_provider": {"uuid": RP}, "resources": {"VCPU": 1}}]
INVENTORIES = {"resource_provider_generation": 1, "inventories": {"VCPU": {"total": 1}}}


def told(data, version=None):
    """Method, path, first and last microversion of everything that fits best."""
    return [
        (f"{c.operation.method} {c.operation.path}", c.first[1], c.last[1])
        for c in fitting(data, candidates(version))
    ]


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        pytest.param(
            INVENTORIES,
            [("PUT /resource_providers/{uuid}/inventories", 0, 39)],
            id="inventories",
        ),
        pytest.param(
            {"total": 1, "resource_provider_generation": 1},
            [("PUT /resource_providers/{uuid}/inventories/{resource_class}", 0, 39)],
            id="one inventory",
        ),
        pytest.param(
            {"total": 1, "resource_class": "VCPU"},
            [("POST /resource_providers/{uuid}/inventories", 0, 39)],
            id="a new inventory",
        ),
        pytest.param(
            {"traits": [], "resource_provider_generation": 1},
            [("PUT /resource_providers/{uuid}/traits", 6, 39)],
            id="traits",
        ),
        pytest.param(
            [RP], [("PUT /resource_providers/{uuid}/aggregates", 1, 18)], id="a list of aggregates"
        ),
        pytest.param(
            {"aggregates": [RP], "resource_provider_generation": 1},
            [("PUT /resource_providers/{uuid}/aggregates", 19, 39)],
            id="aggregates with a generation",
        ),
        pytest.param(
            {"allocations": LISTED},
            [("PUT /allocations/{consumer_uuid}", 0, 7)],
            id="a list of allocations",
        ),
        pytest.param(
            {"allocations": LISTED, "project_id": "p", "user_id": "u"},
            [("PUT /allocations/{consumer_uuid}", 8, 11)],
            id="a list of allocations with a project",
        ),
        pytest.param(
            HELD, [("PUT /allocations/{consumer_uuid}", 12, 27)], id="allocations by provider"
        ),
        pytest.param(
            {**HELD, **GENERATION},
            [
                ("PUT /allocations/{consumer_uuid}", 28, 33),
                ("PUT /allocations/{consumer_uuid}", 34, 37),
            ],
            id="allocations with a generation",
        ),
        pytest.param(
            {**HELD, **TYPED},
            [("PUT /allocations/{consumer_uuid}", 38, 39)],
            id="allocations with a consumer type",
        ),
        pytest.param(
            {RP: {**HELD, **TYPED}}, [("POST /allocations", 38, 39)], id="many allocations"
        ),
        pytest.param(
            {"inventories": {RP: INVENTORIES}, "allocations": {RP: {**HELD, **TYPED}}},
            [("POST /reshaper", 38, 39)],
            id="a reshape",
        ),
        pytest.param(
            {"name": "x", "parent_provider_uuid": RP},
            [("POST /resource_providers", 14, 39), ("PUT /resource_providers/{uuid}", 14, 39)],
            id="a provider with a parent, new or not",
        ),
    ],
)
def test_a_sound_body_is_known_by_its_shape(data, expected):
    assert told(data) == expected


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        pytest.param(
            {"resource_provider_generation": "1", "inventories": {"VCPU": {"total": None}}},
            "PUT /resource_providers/{uuid}/inventories",
            id="every value is wrong",
        ),
        pytest.param(
            {"inventories": {"no-uuid": {"VCPU": 1}}, "allocations": {}},
            "POST /reshaper",
            id="nothing in it is right",
        ),
        pytest.param({"no-uuid": HELD}, "POST /allocations", id="a consumer is misspelt"),
    ],
)
def test_a_broken_one_is_known_too(data, expected):
    assert {path for path, *_ in told(data)} == {expected}


@pytest.mark.parametrize("data", [None, 1, "text", {}, {"foo": 1}, {"a": {"b": 1}}], ids=repr)
def test_what_is_like_no_body_is_none(data):
    assert told(data) == []


def test_at_one_microversion_there_is_one_document_for_an_operation():
    found = candidates((1, 20))
    rows = [(c.operation.method, c.operation.path) for c in found]
    assert len(rows) == len(set(rows))
    assert {(c.first, c.last) for c in found} == {((1, 20), (1, 20))}
    for candidate in found:
        assert candidate.operation.document((1, 20)) is candidate.document


def test_each_document_of_the_table_is_a_candidate_at_its_microversions():
    for candidate in candidates():
        assert candidate.operation.document(candidate.first) is candidate.document
        assert candidate.operation.document(candidate.last) is candidate.document
        after = candidate.last[0], candidate.last[1] + 1
        if after <= LAST_VERSION:
            assert candidate.operation.document(after) is not candidate.document
    taken = sum(d is not None for o in OPERATIONS for _, d in o.bodies)
    assert len(candidates()) == taken


def test_a_bounded_part_of_a_body_decides():
    many = {f"{number:036x}": {**HELD, **TYPED} for number in range(MAX_MEMBERS)}
    assert told({**many, "odd": 1}) == told(many) == [("POST /allocations", 38, 39)]


def test_a_body_without_end_is_no_trouble():
    deep = {}
    for _ in range(400):
        deep = {"inventories": deep}
    assert {path for path, *_ in told(deep)} <= {
        "POST /reshaper", "PUT /resource_providers/{uuid}/inventories",
    }  # fmt: skip
