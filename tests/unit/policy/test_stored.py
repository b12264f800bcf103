"""What is told to be stored is read as Placement would tell it."""

import pytest

from placement_guard.policy.before import Before
from placement_guard.policy.stored import Stored, StoredConsumer, StoredProvider

ROOT, CHILD, OTHER, GONE = (f"00000000-0000-4000-8000-{number:012}" for number in range(4))
CONSUMER = "9d5c1f0a-5d0b-4d2f-8c9d-0a4b6f3c7e21"


@pytest.fixture
def before():
    return Before(
        Stored(
            providers={
                ROOT: StoredProvider(
                    "root", inventories={"VCPU": {"total": 8}}, traits=["CUSTOM_A"]
                ),
                CHILD: StoredProvider("child", parent=ROOT.upper()),
                OTHER: StoredProvider("other"),
            },
            consumers={
                CONSUMER: StoredConsumer("demo", "nova", {ROOT: {"VCPU": 2}}),
            },
        )
    )


def test_a_provider(before):
    assert before.name(CHILD) == "child"
    assert before.root(CHILD) == before.root(ROOT) == ROOT
    assert before.inventories(ROOT) == {"VCPU": {"total": 8}}
    assert before.traits(ROOT) == ["CUSTOM_A"]
    assert (before.inventories(OTHER), before.traits(OTHER)) == ({}, [])


def test_in_another_spelling(before):
    assert before.name(ROOT.replace("-", "")) == "root"
    assert before.allocations(CONSUMER.upper())["project_id"] == "demo"


def test_what_is_not_told_does_not_exist(before):
    assert (before.name(GONE), before.root(GONE)) == (None, None)
    assert (before.inventories(GONE), before.traits(GONE), before.tree(GONE)) == ({}, [], [])
    assert before.allocations(GONE) == {"allocations": {}}


def test_a_tree_and_the_cloud(before):
    assert before.tree(CHILD) == [ROOT, CHILD]
    assert before.tree(OTHER) == [OTHER]
    assert before.cloud() == [ROOT, CHILD, OTHER]


def test_a_consumer(before):
    assert before.allocations(CONSUMER) == {
        "allocations": {ROOT: {"resources": {"VCPU": 2}}},
        "project_id": "demo",
        "user_id": "nova",
    }


def test_a_circle_of_parents_ends(before):
    circle = Stored(
        providers={ROOT: StoredProvider(parent=CHILD), CHILD: StoredProvider(parent=ROOT)}
    )
    assert Before(circle).root(ROOT) in {ROOT, CHILD}
    assert Before(Stored(providers={ROOT: StoredProvider(parent=GONE)})).root(ROOT) == ROOT
