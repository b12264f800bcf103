"""What is wrong with a provider, decided from what was read."""

import math

import pytest

from placement_guard.scan.judge_providers import judge_failure, judge_provider, judge_view
from placement_guard.scan.views import Provider, View

ROOT, CHILD, OTHER = (f"00000000-0000-4000-8000-00000000000{n}" for n in range(3))
CONSUMER = "9d5c1f0a-5d0b-4d2f-8c9d-0a4b6f3c7e21"
PROVIDER = Provider(ROOT, "compute", 1, None, ROOT)
RECORD = {
    "total": 10, "reserved": 0, "min_unit": 1, "max_unit": 10, "step_size": 1,
    "allocation_ratio": 1.0,
}  # fmt: skip


def kinds(found):
    return [finding.kind for finding in found]


def of_record(**values):
    view = View(inventories={"VCPU": {**RECORD, **values}})
    return list(judge_view(PROVIDER, view))


# Trees


def tree(*rows):
    known = {uuid: Provider(uuid, "n", 0, parent, root) for uuid, parent, root in rows}
    return {
        uuid: [f.what for f in judge_provider(provider, known)] for uuid, provider in known.items()
    }


def test_a_tree_in_order():
    assert tree((ROOT, None, ROOT), (CHILD, ROOT, ROOT), (OTHER, CHILD, ROOT)) == {
        ROOT: [], CHILD: [], OTHER: [],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([(CHILD, ROOT, ROOT)], {CHILD: [f"its parent is missing: {ROOT}"]}),
        ([(CHILD, None, ROOT)], {CHILD: [f"it has no parent, but its root is {ROOT}"]}),
        ([(CHILD, None, None)], {CHILD: ["it has no parent, but its root is None"]}),
        ([(ROOT, None, ROOT), (CHILD, ROOT, OTHER)],
         {ROOT: [], CHILD: [f"its root is {OTHER}, that of its parent {ROOT}"]}),
        ([(CHILD, CHILD, CHILD)], {CHILD: ["it is among its own ancestors"]}),
        ([(ROOT, CHILD, ROOT), (CHILD, ROOT, ROOT), (OTHER, CHILD, ROOT)],
         {ROOT: ["it is among its own ancestors"], CHILD: ["it is among its own ancestors"],
          OTHER: []}),
    ],
    ids=["no parent", "a lost parent", "no root", "two roots", "its own parent", "a circle"],
)  # fmt: skip
def test_a_broken_tree(rows, expected):
    assert tree(*rows) == expected


@pytest.mark.parametrize("uuid", ["", "x", "-" * 36, f"{ROOT}\n", "../../allocations"])
def test_a_provider_that_is_no_uuid(uuid):
    provider = Provider(uuid, "n", 0, None, uuid)
    assert kinds(judge_provider(provider, {uuid: provider})) == ["provider.not_uuid"]


# Inventories


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({}, []),
        ({"reserved": 10}, []),
        ({"reserved": 11}, ["inventory.negative_capacity"]),
        ({"reserved": 11, "allocation_ratio": 0.5}, ["inventory.reserved_above_total"]),
        ({"reserved": 11, "allocation_ratio": 0}, ["inventory.reserved_above_total"]),
        ({"allocation_ratio": 0.0}, ["inventory.zero_ratio"]),
        ({"allocation_ratio": -0.1}, ["inventory.negative_ratio"]),
        ({"allocation_ratio": -1.0, "reserved": 20}, ["inventory.negative_ratio"]),
        ({"min_unit": 11}, ["inventory.min_above_max"]),
        ({"step_size": 11}, ["inventory.step_above_total"]),
        ({"step_size": 16, "allocation_ratio": 1.6}, []),
        ({"min_unit": 11, "step_size": 11, "allocation_ratio": 0},
         ["inventory.zero_ratio", "inventory.min_above_max", "inventory.step_above_total"]),
        ({"allocation_ratio": math.nan}, ["inventory.not_finite"]),
        ({"allocation_ratio": math.inf}, ["inventory.not_finite"]),
        ({"total": None}, ["inventory.not_finite"]),
        ({"total": "10"}, ["inventory.not_finite"]),
        ({"total": 10**400}, ["inventory.not_finite"]),
        ({"total": 10**300, "allocation_ratio": 1e300}, ["inventory.not_finite"]),
        ({"reserved": [], "step_size": {}}, ["inventory.not_finite"]),
    ],
    ids=str,
)  # fmt: skip
def test_an_inventory(values, expected):
    found = of_record(**values)
    assert kinds(found) == expected
    assert {f.resource_class for f in found} <= {"VCPU"}
    assert all((f.provider, f.provider_name) == (ROOT, "compute") for f in found)


def test_a_member_that_is_missing_is_no_number():
    view = View(inventories={"VCPU": {"total": 1}})
    (finding,) = judge_view(PROVIDER, view)
    assert finding.what == (
        "VCPU: reserved is None, min_unit is None, max_unit is None, step_size is None, "
        "allocation_ratio is None"
    )


# Usages and allocations


def used(amount, **values):
    view = View(inventories={"VCPU": {**RECORD, **values}}, usages={"VCPU": amount})
    return [f for f in judge_view(PROVIDER, view) if f.kind == "usage.above_capacity"]


@pytest.mark.parametrize(
    ("amount", "values", "over"),
    [
        (10, {}, False),
        (11, {}, True),
        (16, {"allocation_ratio": 1.6}, False),
        (17, {"allocation_ratio": 1.6}, True),
        (15, {"allocation_ratio": 1.55}, False),
        (16, {"allocation_ratio": 1.55}, True),
        (9, {"reserved": 2}, True),
        (0, {"reserved": 20}, False),
        (1, {"reserved": 20}, True),
        (0, {"allocation_ratio": -1.0}, False),
        (1, {"allocation_ratio": -1.0}, True),
        (1, {"allocation_ratio": 0.0}, True),
        (10, {"reserved": 10}, False),  # closed for others, as nova does with Ironic nodes
        (11, {"reserved": 10}, True),
        (5, {"allocation_ratio": math.inf}, False),  # said of the inventory already
    ],
)
def test_usage_against_capacity(amount, values, over):
    assert bool(used(amount, **values)) is over


def test_a_usage_without_an_inventory_is_not_compared():
    assert list(judge_view(PROVIDER, View(inventories={}, usages={"VCPU": 3}))) == []


def of_allocations(allocations, inventories=("VCPU",), usages=None):
    view = View(
        inventories=dict.fromkeys(inventories, RECORD), allocations=allocations, usages=usages
    )
    return list(judge_view(PROVIDER, view))


def test_allocations_in_order():
    held = {CONSUMER: {"VCPU": 2}, ROOT: {"VCPU": 3}}
    assert of_allocations(held, usages={"VCPU": 5}) == []
    # A release between the two reads.
    assert of_allocations(held, usages={"VCPU": 2}) == []


def test_a_class_without_inventory():
    (finding,) = of_allocations({CONSUMER: {"PCPU": 2}, ROOT: {"PCPU": 1}}, usages={"VCPU": 0})
    assert (finding.kind, finding.resource_class) == ("allocation.no_inventory", "PCPU")
    assert finding.what == "3 of PCPU are held, and there is no inventory of it"


def test_usage_that_nobody_holds():
    (finding,) = of_allocations({CONSUMER: {"VCPU": 2}}, usages={"VCPU": 5})
    assert finding.kind == "allocation.no_consumer"
    assert finding.values == {"usage": 5, "held": 2}


@pytest.mark.parametrize("amount", [0, -1, None, "many", math.nan])
def test_an_amount_that_is_not_positive(amount):
    (finding,) = of_allocations({CONSUMER: {"VCPU": amount}})
    assert (finding.kind, finding.consumer) == ("allocation.not_positive", CONSUMER)


@pytest.mark.parametrize("consumer", ["-" * 36, "", f"{CONSUMER}\n", "../x"])
def test_a_consumer_that_is_no_uuid(consumer):
    assert kinds(of_allocations({consumer: {"VCPU": 1}})) == ["consumer.not_uuid"]


def test_what_was_not_asked_is_not_judged():
    assert list(judge_view(PROVIDER, View())) == []
    assert list(judge_view(PROVIDER, View(usages={"VCPU": 5}))) == []


def test_a_view_of_one_moment():
    assert View(generations=frozenset({4})).of_one_moment
    assert not View(generations=frozenset({4, 5})).of_one_moment


def test_a_failure_is_told_of_what_it_is_about():
    assert judge_failure("GET x", PROVIDER).provider == ROOT
    assert judge_failure("GET x", "project").provider is None
