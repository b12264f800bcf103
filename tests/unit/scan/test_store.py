"""What is compared across providers."""

import contextlib

import pytest

from placement_guard.scan import store as store_module
from placement_guard.scan.store import Store
from placement_guard.scan.views import Held


@pytest.fixture
def store():
    with contextlib.closing(Store()) as made:
        yield made


def test_holders_are_told_once_and_in_order(store):
    store.replace_holders("p1", "r1", ["b", "a"])
    store.replace_holders("p2", "r1", ["c", "a"])
    assert list(store.holders()) == ["a", "b", "c"]
    assert store.count_holders() == 3
    assert list(store.holders(["p2"])) == ["a", "c"]
    assert list(store.holders([])) == []


def test_holders_are_replaced(store):
    store.replace_holders("p1", "r1", ["a"])
    store.replace_holders("p1", "r1", ["b"])
    assert list(store.holders()) == ["b"]


def test_pages_end_where_they_should(store, monkeypatch):
    monkeypatch.setattr(store_module, "PAGE", 3)
    for count in range(8):
        names = [f"c{number}" for number in range(count)]
        store.replace_holders("p", "r", names)
        assert list(store.holders()) == names


def test_what_comes_while_it_is_told_is_no_trouble(store):
    store.replace_holders("p", "r", ["a", "b"])
    told = []
    for name in store.holders():
        told.append(name)
        store.replace_consumer(Held(name, {}))
    assert told == ["a", "b"]


def test_who_is_spread_over_trees(store):
    store.replace_holders("p1", "r1", ["in one", "in two"])
    store.replace_holders("p2", "r1", ["in one"])
    store.replace_holders("p3", "r2", ["in two"])
    assert list(store.spread()) == ["in two"]


def test_spellings_of_one_uuid(store):
    plain = "9d5c1f0a-5d0b-4d2f-8c9d-0a4b6f3c7e21"
    odd = [plain.upper(), plain.replace("-", ""), f"{{{plain}}}"]
    store.replace_holders("p", "r", [plain, *odd, "another"])
    store.replace_holders("p2", "r", [plain])
    assert list(store.spellings()) == [sorted([plain, *odd])]


def test_a_consumer_is_kept_whole(store):
    strange = Held("c", {"p": {"VCPU": 1}}, "half\ud800", "nul\0", "unknown")
    assert store.consumer("c") is None
    assert store.replace_consumer(strange) is None
    assert store.consumer("c") == strange
    assert store.replace_consumer(Held("c", {})) == strange


def test_who_holds_the_same(store):
    migration = Held("m", {"p1": {"VCPU": 1, "PCPU": 2}}, "p", "u", "MIGRATION")
    alike = [
        Held("i1", {"p2": {"PCPU": 2, "VCPU": 1}}, "p", "u", "INSTANCE"),
        Held("i2", {"p2": {"PCPU": 2}, "p3": {"VCPU": 1}}, "p", "u", None),
    ]
    others = [
        Held("x1", {"p2": {"VCPU": 1}}, "p", "u", "INSTANCE"),
        Held("x2", {"p2": {"VCPU": 1, "PCPU": 2}}, "p", "v", "INSTANCE"),
        Held("x3", {"p2": {"VCPU": 1, "PCPU": 2}}, "q", "u", "INSTANCE"),
        Held("x4", {"p2": {"VCPU": 1, "PCPU": 2}}, "p", "u", "MIGRATION"),
    ]
    for held in [migration, *alike, *others]:
        store.replace_consumer(held)
    assert store.like(migration, 9) == alike
    assert store.like(migration, 1) == alike[:1]
    assert list(store.migrations()) == ["m", "x4"]


def test_pairs(store):
    for name in ("a", "b"):
        store.replace_consumer(Held(name, {name: {"VCPU": 1}}, "p", "u"))
    for name in ("c", "d", "e"):
        store.replace_consumer(Held(name, {name: {"VCPU": 2}}, "p", "u"))
    for name in ("f", "g"):
        store.replace_consumer(Held(name, {name: {"VCPU": 3}}, "p", "u", "MIGRATION"))
    assert list(store.pairs()) == [("a", "b")]


def test_memory_is_bounded_by_the_cache():
    """The pages that SQLite holds are no more than its cache, however much is stored."""
    with contextlib.closing(Store()) as store:
        assert store._base.execute("PRAGMA cache_size").fetchone() == (-store_module.CACHE_KIB,)
        assert store._base.execute("PRAGMA temp_store").fetchone() == (0,)
        assert store._base.execute("PRAGMA database_list").fetchone()[2] == ""  # a file, nameless
