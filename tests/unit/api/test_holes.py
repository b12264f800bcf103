"""What the schemas let through though it cannot be meant, and what they rightly let through."""

import pytest

from placement_guard.api import documents
from placement_guard.api.finding import MAX_FINDINGS
from placement_guard.api.holes import holes

UUID = "4e8e5957-649f-477b-9e5b-f1f75b21c03c"


def inventories(**records):
    return {"resource_provider_generation": 0, "inventories": records}


def rules(document, data):
    return [(finding.rule, finding.path) for finding in holes(document, data)]


@pytest.mark.parametrize("record", [{}, [], "x", None, 5, {"total": "a"}, {"total": 1, "x": 2}])
def test_a_key_that_escapes_the_schema_with_no_inventory_behind_it(record):
    expected = [("inventory.unmatched_class", ("inventories", "vcpu"))]
    assert rules(documents.INVENTORIES, inventories(vcpu=record)) == expected


@pytest.mark.parametrize("name", ["vcpu", "", "VCPU ", "V-CPU", "\u0416"])
def test_one_with_an_inventory_behind_it_is_left_to_placement(name):
    """It says 'No such resource class', after it has looked up the provider."""
    assert rules(documents.INVENTORIES, inventories(**{name: {"total": 1}})) == []


def test_it_is_found_in_a_reshape_too():
    data = {"inventories": {UUID: inventories(vcpu=None)}, "allocations": {}}
    for document in (documents.RESHAPE, documents.RESHAPE_1_34, documents.RESHAPE_1_38):
        assert rules(document, data) == [
            ("inventory.unmatched_class", ("inventories", UUID, "inventories", "vcpu"))
        ]


@pytest.mark.parametrize("consumer", ["-" * 36, UUID + "\n", "a" * 35 + "-"])
def test_a_consumer_that_only_looks_like_a_uuid(consumer):
    found = rules(documents.MANY_ALLOCATIONS_1_28, {consumer: {}, UUID: {}})
    assert found == [("allocations.consumer_not_uuid", (consumer,))]
    data = {"inventories": {}, "allocations": {consumer: {}}}
    assert rules(documents.RESHAPE, data) == [
        ("allocations.consumer_not_uuid", ("allocations", consumer))
    ]


@pytest.mark.parametrize("consumer", [UUID, UUID.upper(), "a" * 8 + UUID[8:]])
def test_a_uuid_in_any_case_is_one(consumer):
    assert rules(documents.MANY_ALLOCATIONS, {consumer: {}}) == []


def test_a_name_that_ends_in_a_line_break():
    assert rules(documents.RESOURCE_CLASS, {"name": "CUSTOM_A\n"}) == [
        ("document.trailing_newline", ("name",))
    ]
    assert rules(documents.RESOURCE_CLASS, {"name": "CUSTOM_A"}) == []
    assert rules(documents.ALLOCATIONS_1_38, {"consumer_type": "INSTANCE\n"}) == [
        ("document.trailing_newline", ("consumer_type",))
    ]
    assert rules(documents.MANY_ALLOCATIONS_1_38, {UUID: {"consumer_type": "INSTANCE\n"}}) == [
        ("document.trailing_newline", (UUID, "consumer_type"))
    ]
    assert rules(documents.ALLOCATIONS_1_28, {"project_id": "p\n"}) == []


def test_an_aggregate_that_no_column_holds():
    long = "urn:uuid:" + UUID
    assert rules(documents.AGGREGATES, [UUID, long]) == [("document.too_long", (1,))]
    data = {"aggregates": [long], "resource_provider_generation": 0}
    assert rules(documents.AGGREGATES_1_19, data) == [("document.too_long", ("aggregates", 0))]
    assert rules(documents.AGGREGATES, [UUID.replace("-", ""), UUID.upper()]) == []


def test_the_findings_are_bounded():
    data = {"-" * 36 + "\n" * n: {} for n in range(100)}
    assert len(holes(documents.MANY_ALLOCATIONS, data)) == MAX_FINDINGS


def test_other_documents_have_none():
    assert holes(documents.PROVIDER, {"name": "x\n"}) == []
    assert holes(documents.TRAITS, {"traits": ["A\n"]}) == []
