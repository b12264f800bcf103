"""What is wrong with a consumer, decided from what was read."""

import pytest

from placement_guard.scan.judge_consumers import (
    judge_consumer,
    judge_migration,
    judge_pair,
    judge_project,
    judge_spellings,
)
from placement_guard.scan.views import Held

ROOTS = {"compute": "compute", "numa": "compute", "storage": "storage", "other": "other"}


def held(consumer="c", /, project="p", user="u", kind="INSTANCE", **allocations):
    return Held(consumer, allocations, project, user, kind)


@pytest.mark.parametrize(
    ("allocations", "classes"),
    [
        ({"compute": {"VCPU": 1}}, None),
        ({"compute": {"VCPU": 1}, "storage": {"DISK_GB": 1}}, None),
        ({"compute": {"VCPU": 1}, "numa": {"VCPU": 1}}, None),
        ({"compute": {"VCPU": 1}, "other": {"VCPU": 1}}, "VCPU"),
        ({"numa": {"VCPU": 1, "PCPU": 1}, "other": {"VCPU": 1, "PCPU": 1}}, "PCPU,VCPU"),
        ({"compute": {"VCPU": 1}, "gone": {"VCPU": 1}}, None),
    ],
    ids=str,
)
def test_two_trees(allocations, classes):
    found = list(judge_consumer(held(**allocations), ROOTS))
    assert [f.values["resource_classes"] for f in found] == ([classes] if classes else [])
    assert {(f.kind, f.consumer) for f in found} <= {("consumer.two_trees", "c")}


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ({"project": "\x1b"}, "name.control_character"),
        ({"user": "a\0"}, "name.control_character"),
        ({"kind": "A\n"}, "name.control_character"),
        ({"kind": "instance"}, "name.pattern"),
        ({"kind": "unknown"}, None),
        ({"kind": None, "project": None, "user": None}, None),
    ],
)
def test_names(values, kind):
    found = list(judge_consumer(held(**values), ROOTS))
    assert [f.kind for f in found] == ([kind] if kind else [])


@pytest.mark.parametrize(
    ("twins", "ending", "told"),
    [
        ([], "2 VCPU on compute", ""),
        (["a"], "; so does a of the same user", "a"),
        (["a", "b"], "; so does a,b of the same user", "a,b"),
        (["a", "b", "c"], "; so do more than 2 others of the same user", ""),
    ],
)
def test_a_migration(twins, ending, told):
    alike = [held(name, compute={"VCPU": 2}) for name in twins]
    finding = judge_migration(held("m", compute={"VCPU": 2}), alike, 2)
    assert finding.what.endswith(ending)
    assert finding.values == {"providers": "compute", "twins": told}


def test_a_pair():
    finding = judge_pair(held("a", compute={"VCPU": 2}), held("b", other={"VCPU": 2}))
    assert finding.what == "it holds 2 VCPU, and so does b of the same user"
    assert finding.values == {"twin": "b", "twin_providers": "other"}


def test_spellings():
    finding = judge_spellings(["A", "a", "b"])
    assert (finding.consumer, finding.what) == ("A", "it is also spelt a, b")


def test_a_project():
    found = list(judge_project("p", {"VCPU": 3, "DISK_GB": 1, "PCPU": 1}, {"VCPU": 2, "PCPU": 1}))
    assert [(f.resource_class, f.values["usage"], f.values["held"]) for f in found] == [
        ("DISK_GB", 1, 0),
        ("VCPU", 3, 2),
    ]


def test_totals_are_over_all_providers():
    both = held(compute={"VCPU": 1, "PCPU": 2}, other={"VCPU": 3})
    assert both.totals() == {"VCPU": 4, "PCPU": 2}
