"""What in a query makes Placement fail: beforehand where it always does, else after it has."""

import sys

import pytest

from placement_guard.api import queries

BEFORE_LIMITS = (1, 15)
LAST = (1, 39)
RESOURCES = ("resources", "VCPU:1")
DIGITS = sys.get_int_max_str_digits()


def limit(*values, version=LAST, more=()):
    pairs = (RESOURCES, *(("limit", value) for value in values), *more)
    found = queries.unreadable_limit(pairs, version)
    return found and found.rule


@pytest.mark.parametrize("first", ["", "x", "1e3", "1.5", "0x10", "5\0", "NaN", "1" * (DIGITS + 1)])
def test_placement_checks_the_last_limit_and_reads_the_first(first):
    assert limit(first, "5") == "query.unreadable_limit"
    assert limit(first, "7", "5") == "query.unreadable_limit"


def test_a_limit_of_more_digits_than_python_reads():
    assert limit("1" * (DIGITS + 1)) == "query.unreadable_limit"
    assert limit("1" * DIGITS) is None


@pytest.mark.parametrize("first", ["5", "-1", "0", "+5", "5_0", " 5", "\u0665", "5\n"])
def test_what_python_reads_as_an_integer_is_left_alone(first):
    assert limit(first, "5") is None


@pytest.mark.parametrize("last", ["", "x", "0", "-1", "05", "+5"])
def test_what_the_schema_refuses_is_left_to_placement(last):
    assert limit("x", last) is None
    assert limit(last) is None


def test_no_limit_and_no_schema_that_knows_it():
    assert limit() is None
    assert limit("x", "5", version=BEFORE_LIMITS) is None


REFUSED_BY_SCHEMA = [
    # a parameter, the first microversion that takes it
    (("required", "A"), (1, 17)),
    (("member_of", "A"), (1, 21)),
    (("resources1", "A"), (1, 25)),
    (("required1", "A"), (1, 25)),
    (("member_of22", "A"), (1, 25)),
    (("group_policy", "none"), (1, 25)),
    (("in_tree", "A"), (1, 31)),
    (("in_tree1", "A"), (1, 31)),
    (("resources_NET", "A"), (1, 33)),
    (("resources" + "A" * 64, "A"), (1, 33)),
    (("root_required", "A"), (1, 35)),
    (("same_subtree", "A"), (1, 36)),
]


@pytest.mark.parametrize(("pair", "since"), REFUSED_BY_SCHEMA)
def test_a_name_that_the_schema_does_not_know_is_left_to_placement(pair, since):
    below = (1, since[1] - 1)
    assert limit("x", "5", version=since, more=[pair]) == "query.unreadable_limit"
    assert limit("x", "5", version=below, more=[pair]) is None


@pytest.mark.parametrize(
    "pair", [("limits", "1"), ("resources" + "A" * 65, "A"), ("", ""), ("group_policy", "all")]
)
def test_a_name_or_a_policy_that_no_schema_knows_is_left_to_placement(pair):
    assert limit("x", "5", more=[pair]) is None


def test_below_granular_groups_the_resources_must_be_there():
    pairs = (("limit", "x"), ("limit", "5"))
    assert queries.unreadable_limit(pairs, (1, 24)) is None
    assert queries.unreadable_limit(pairs, (1, 25)) is not None


def test_an_undecodable_query_is_refused_in_placements_words():
    with pytest.raises(UnicodeDecodeError) as caught:
        b"a\xff".decode()
    assert queries.undecodable(caught.value).what == (
        "Invalid query string parameters: "
        "'utf-8' codec can't decode byte 0xff in position 1: invalid start byte"
    )
