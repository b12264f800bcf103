"""The catalogue, and what is chosen of it."""

import re

import pytest

from placement_guard.rules import RULES
from placement_guard.scan.kinds import CHOICES, KINDS, Reads, Severity, chosen, reads_for


def test_an_id_is_an_area_and_what_is_wrong():
    assert all(re.fullmatch(r"[a-z]+\.[a-z]+(_[a-z]+)*", name) for name in KINDS)
    assert all(kind.id == name for name, kind in KINDS.items())


def test_no_area_is_a_severity():
    assert not {kind.area for kind in KINDS.values()} & set(Severity)
    assert set(KINDS) < CHOICES


def test_what_a_rule_keeps_out_is_called_what_the_rule_is_called():
    shared = {rule.id for rule in RULES} & set(KINDS)
    assert {"inventory.negative_capacity", "inventory.negative_ratio", "inventory.zero_ratio",
            "inventory.min_above_max", "inventory.step_above_total"} <= shared  # fmt: skip


def test_by_default_all_but_one():
    assert set(KINDS) - chosen([]) == {"consumer.twins"}


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["usage.above_capacity"], {"usage.above_capacity"}),
        (["usage"], {"usage.above_capacity"}),
        (["consumer.twins"], {"consumer.twins"}),
        (["consumer"], {"consumer.not_uuid", "consumer.two_spellings", "consumer.two_trees",
                        "consumer.migration"}),
        (["name", "read"], {"name.control_character", "name.pattern", "read.fails"}),
    ],
    ids=lambda words: " ".join(sorted(words)),
)  # fmt: skip
def test_a_word_stands_for(words, expected):
    assert chosen(words) == expected


@pytest.mark.parametrize("severity", Severity)
def test_a_severity_stands_for_its_kinds(severity):
    expected = {k.id for k in KINDS.values() if k.severity == severity and k.by_default}
    assert chosen([severity.value]) == expected


def test_what_is_read_is_what_is_needed():
    assert reads_for([]) == Reads.PROVIDERS
    assert reads_for(["inventory.zero_ratio"]) == Reads.PROVIDERS | Reads.INVENTORIES
    assert reads_for(KINDS) == ~Reads(0)


def test_what_compares_two_reads_is_looked_for_twice():
    compared = Reads.INVENTORIES | Reads.ALLOCATIONS | Reads.USAGES
    several = {
        name for name, kind in KINDS.items()
        if (kind.reads & compared) not in {Reads(0), Reads.INVENTORIES, Reads.ALLOCATIONS}
        and name != "read.fails"
    }  # fmt: skip
    assert several == {name for name, kind in KINDS.items() if kind.racy}
