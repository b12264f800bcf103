"""What an inventory means: capacity, ratio, units, in all places where one can be written."""

import pytest

from placement_guard.api import documents
from placement_guard.api.invariants import invariants

PROVIDER = "4e8e5957-649f-477b-9e5b-f1f75b21c03c"
CONSUMER = "5e8e5957-649f-477b-9e5b-f1f75b21c03c"
LATEST = (1, 39)

PLACES = {
    "PUT inventories": (
        documents.INVENTORIES,
        lambda r: {"resource_provider_generation": 0, "inventories": {"VCPU": r}},
        ("inventories", "VCPU"),
    ),
    "POST inventories": (documents.NEW_INVENTORY, lambda r: {"resource_class": "VCPU", **r}, ()),
    "PUT one inventory": (
        documents.INVENTORY,
        lambda r: {"resource_provider_generation": 0, **r},
        (),
    ),
    "reshape": (
        documents.RESHAPE_1_38,
        lambda r: {
            "inventories": {
                PROVIDER: {"resource_provider_generation": 0, "inventories": {"VCPU": r}}
            },
            "allocations": {},
        },
        ("inventories", PROVIDER, "inventories", "VCPU"),
    ),
}


def found(place, record, version=LATEST):
    document, wrap, at = PLACES[place]
    findings = invariants(document, wrap(record), version)
    assert all(finding.path[: len(at)] == at for finding in findings)
    return [finding.rule for finding in findings]


EVERYWHERE = [
    ("plain", {"total": 8}, []),
    ("all is reserved", {"total": 8, "reserved": 8}, []),
    ("a ratio below one", {"total": 8, "allocation_ratio": 0.001}, []),
    ("the largest ratio", {"total": 2147483647, "allocation_ratio": 3.40282e38}, []),
    ("units at their edges", {"total": 8, "min_unit": 4, "max_unit": 4, "step_size": 8}, []),
    ("a whole number as a float", {"total": 8.0, "reserved": 0.0}, []),
    ("a ratio of zero", {"total": 8, "allocation_ratio": 0}, ["inventory.zero_ratio"]),
    ("a ratio of minus zero", {"total": 8, "allocation_ratio": -0.0}, ["inventory.zero_ratio"]),
    ("min above max", {"total": 8, "min_unit": 5, "max_unit": 4}, ["inventory.min_above_max"]),
    ("step above total", {"total": 8, "step_size": 9}, ["inventory.step_above_total"]),
    (
        "step above total, not above capacity",
        {"total": 8, "step_size": 9, "allocation_ratio": 2},
        [],
    ),
    (
        "a negative ratio that makes the capacity positive",
        {"total": 1, "reserved": 5, "allocation_ratio": -2},
        ["inventory.negative_ratio"],
    ),
]


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize(
    ("record", "rules"), [case[1:] for case in EVERYWHERE], ids=[case[0] for case in EVERYWHERE]
)
def test_alike_in_every_place(place, record, rules):
    assert found(place, record) == rules


BY_PLACE = [
    ("reserved above total", {"total": 1, "reserved": 5}, ["inventory.negative_capacity"], []),
    ("a negative ratio", {"total": 1, "allocation_ratio": -1}, ["inventory.negative_ratio"], []),
    (
        "a capacity that is not finite",
        {"total": 2147483647, "allocation_ratio": -1e308},
        ["inventory.negative_ratio"],
        ["inventory.capacity_overflow"],
    ),
]


@pytest.mark.parametrize(
    ("record", "reshape", "elsewhere"),
    [case[1:] for case in BY_PLACE],
    ids=[case[0] for case in BY_PLACE],
)
def test_what_placement_refuses_by_itself_is_left_to_it(record, reshape, elsewhere):
    """It checks the capacity where one provider's inventory is written, after the generation."""
    assert found("reshape", record) == reshape
    for place in ("PUT inventories", "POST inventories", "PUT one inventory"):
        assert found(place, record) == elsewhere


def test_a_capacity_of_zero_is_placements_to_refuse_below_1_26():
    record = {"total": 8, "allocation_ratio": 0}
    assert found("PUT inventories", record, (1, 25)) == []
    assert found("PUT inventories", record, (1, 26)) == ["inventory.zero_ratio"]


def test_where_placement_refuses_one_class_it_is_left_with_all_of_them():
    document, _, _ = PLACES["PUT inventories"]
    bad = {"total": 1, "reserved": 5, "allocation_ratio": -2}
    refused = {"total": 1, "reserved": 5}
    for records in ({"A": bad, "B": refused}, {"A": refused, "B": bad}):
        data = {"resource_provider_generation": 0, "inventories": records}
        assert invariants(document, data, LATEST) == []


def test_every_violation_is_found():
    record = {"total": 1, "min_unit": 5, "max_unit": 2, "step_size": 9, "allocation_ratio": 0}
    assert found("reshape", record) == [
        "inventory.zero_ratio",
        "inventory.min_above_max",
        "inventory.step_above_total",
    ]


@pytest.mark.parametrize(
    "record",
    [
        None,
        [],
        "x",
        {},
        {"total": "a"},
        {"total": 1, "min_unit": "a"},
        {"total": 1, "allocation_ratio": "2"},
        {"total": 1, "allocation_ratio": "two"},
        {"total": 1, "allocation_ratio": float("nan")},
    ],
)
def test_what_is_no_inventory_is_not_judged_here(record):
    for place in ("PUT inventories", "reshape"):
        document, wrap, _ = PLACES[place]
        assert invariants(document, wrap(record), LATEST) == []


def reshape(total, *amounts):
    return {
        "inventories": {
            PROVIDER: {
                "resource_provider_generation": 0,
                "inventories": {"VCPU": {"total": total}},
            }
        },
        "allocations": {
            f"{number:08}{CONSUMER[8:]}": {
                "allocations": {
                    PROVIDER: {"resources": {"VCPU": amount}},
                    CONSUMER: {"resources": {"VCPU": 1000}},
                }
            }
            for number, amount in enumerate(amounts)
        },
    }


def test_a_reshape_may_exceed_its_own_inventory_but_that_is_told():
    assert invariants(documents.RESHAPE, reshape(8, 4, 4), LATEST) == []
    [finding] = invariants(documents.RESHAPE, reshape(8, 4, 5), LATEST)
    assert finding.rule == "reshape.exceeds_inventory"
    assert finding.what == "9 used of 8"
    assert finding.path == ("inventories", PROVIDER, "inventories", "VCPU")


def test_documents_without_inventories_have_none():
    assert invariants(documents.TRAITS, {"traits": []}, LATEST) == []
    assert invariants(documents.MANY_ALLOCATIONS, {}, LATEST) == []
