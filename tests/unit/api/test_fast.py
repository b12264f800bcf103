"""The fast way never takes what Placement would not, and takes every plain body."""

import json
import sys

import pytest

from placement_guard.api import fast
from placement_guard.api.fast import FastPath, all_names, all_uuids
from placement_guard.api.operations import OPERATIONS
from placement_guard.api.strict_json import findings, parse

DOCUMENTS = {d.name: d for operation in OPERATIONS for _, d in operation.bodies if d is not None}
EACH_DOCUMENT = pytest.mark.parametrize(
    "document", [pytest.param(document, id=name) for name, document in DOCUMENTS.items()]
)
UUID = "5d4d7ff3-5ac1-4b62-9d1f-2a3b4c5d6e7f"
ROUNDS = 200


def assert_sound(document, body, placement_says):
    """Where the fast way takes a body, Placement does too, and sees the same. Whether it does."""
    taken = FastPath(document).accept(body)
    if taken is None:
        return False
    verdict = placement_says(body, document.schema)
    assert verdict.accepted, (body, verdict.detail)
    # The printed form tells 1 from 1.0 and True, and shows the order of keys.
    assert repr(taken) == repr(verdict.data), body
    parsed = parse(body)
    assert findings(parsed.data) == [], body
    return True


def test_there_are_24_documents():
    assert len(DOCUMENTS) == 24


@EACH_DOCUMENT
def test_a_plain_body_is_taken(document, bodies, placement_says):
    make = bodies(f"plain {document.name}")
    for _ in range(ROUNDS):
        written = json.dumps(make.plain(document.schema), ensure_ascii=False).encode()
        assert assert_sound(document, written, placement_says), written


@EACH_DOCUMENT
def test_what_is_taken_of_strange_values_is_what_placement_takes(document, bodies, placement_says):
    make = bodies(f"values {document.name}")
    taken = [
        assert_sound(document, make.text(make.strange(document.schema)), placement_says)
        for _ in range(ROUNDS)
    ]
    assert 0 < sum(taken) < ROUNDS  # some of them are sound, most are not


@EACH_DOCUMENT
def test_what_is_taken_of_strange_text_is_what_placement_takes(document, bodies, placement_says):
    make = bodies(f"text {document.name}")
    taken = [
        assert_sound(document, make.strange_text(make.plain(document.schema)), placement_says)
        for _ in range(ROUNDS)
    ]
    assert 0 < sum(taken) < ROUNDS


def inventory(**fields):
    return json.dumps({"resource_provider_generation": 1, "total": 8, **fields}).encode()


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="nothing at all"),
        pytest.param(b"null", id="null"),
        pytest.param(b'{"name": "a", "name": "b"}', id="a key twice"),
        pytest.param(b'{"name": "a", "n\\u0061me": "b"}', id="a key twice, once escaped"),
        pytest.param(b'{"name": "a", "more": 1}', id="an unknown key"),
        pytest.param(b'{"name": "a", "": {}}', id="an empty key"),
        pytest.param(b'{"more": {"a": "b:c", "d": 1}, "name": "a:b"}', id="colons in both"),
        pytest.param(b'{"name": "a\\u0000"}', id="a NUL"),
        pytest.param(b'{"name": "\\ud800"}', id="half a surrogate pair"),
        pytest.param(b'{"name": "\xed\xa0\x80"}', id="half a surrogate pair in UTF-8"),
        pytest.param(b'{"name": "\xff"}', id="a byte that is not UTF-8"),
        pytest.param(b'{"name": "a\nb"}', id="a newline that should have been escaped"),
        pytest.param(b'{"name": "a\x00b"}', id="a NUL that should have been escaped"),
        pytest.param(b'\xef\xbb\xbf{"name": "a"}', id="a byte order mark"),
        pytest.param('{"name": "a"}'.encode("utf-16"), id="UTF-16"),
        pytest.param(b'{"name": "a"} {}', id="more after the end"),
        pytest.param(b'{"name": "a"', id="no end"),
        pytest.param(b"{'name': 'a'}", id="single quotes"),
        pytest.param(b'{"name": "a",}', id="a trailing comma"),
        pytest.param(json.dumps({"name": "a" * 201}).encode(), id="a name too long"),
        pytest.param(json.dumps({"name": "a", "uuid": UUID + "\n"}).encode(), id="uuid, newline"),
        pytest.param(b"[" * 5000 + b"]" * 5000, id="nesting without end"),
    ],
)
def test_a_provider_that_is_not_plain_is_left_to_the_exact_way(body):
    assert FastPath(DOCUMENTS["new provider"]).accept(body) is None


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(inventory(total=True), id="true for a number"),
        pytest.param(inventory(total=3.0), id="3.0 for 3"),
        pytest.param(inventory(total=2**31), id="more than the database holds"),
        pytest.param(inventory(total=0), id="a total of 0"),
        pytest.param(inventory(reserved=-1), id="less than nothing reserved"),
        pytest.param(inventory(allocation_ratio=float("nan")), id="NaN"),
        pytest.param(inventory(allocation_ratio=float("inf")), id="infinity"),
        pytest.param(inventory(allocation_ratio=3.5e38), id="a ratio too large"),
        pytest.param(inventory(allocation_ratio=10**39), id="a whole ratio too large"),
        pytest.param(inventory(allocation_ratio=None), id="no ratio"),
        pytest.param(b'{"resource_provider_generation":1,"total":1e400}', id="1e400"),
        pytest.param(b'{"resource_provider_generation":1,"total":1e2}', id="1e2 for 100"),
        pytest.param(b'{"resource_provider_generation":1,"total":08}', id="a leading zero"),
    ],
)
def test_an_inventory_that_is_not_plain_is_left_to_the_exact_way(body):
    assert FastPath(DOCUMENTS["inventory"]).accept(body) is None


def test_whole_ratios_stay_whole():
    taken = FastPath(DOCUMENTS["inventory"]).accept(inventory(allocation_ratio=16))
    assert repr(taken["allocation_ratio"]) == "16"


@pytest.mark.parametrize(
    "name",
    ["vcpu", "VCPU\n", "", "A-B", "\u0391"],
    ids=["lower", "newline", "empty", "dash", "Greek"],
)
@pytest.mark.parametrize("document", ["inventories", "reshape", "reshape 1.38"])
def test_a_class_that_escapes_the_schema_is_left_to_the_exact_way(document, name, placement_says):
    # The schema takes any key here: one that its pattern does not match is not looked at.
    def body(resource_class):
        value = {"resource_provider_generation": 1, "inventories": {resource_class: {"total": 1}}}
        if document != "inventories":
            value = {"inventories": {UUID: value}, "allocations": {}}
        return json.dumps(value, ensure_ascii=False).encode()

    judged = DOCUMENTS[document]
    assert FastPath(judged).accept(body("VCPU")) is not None
    assert FastPath(judged).accept(body(name)) is None
    assert placement_says(body(name), judged.schema).accepted


def test_text_that_holds_colons_is_taken():
    body = json.dumps({"name": ":a::b:", "uuid": UUID}).encode()
    assert FastPath(DOCUMENTS["new provider"]).accept(body) == {"name": ":a::b:", "uuid": UUID}


def test_an_aggregate_that_stands_twice_is_left_to_the_exact_way():
    aggregates = FastPath(DOCUMENTS["aggregates"])
    assert aggregates.accept(json.dumps([UUID]).encode()) == [UUID]
    assert aggregates.accept(json.dumps([UUID, UUID]).encode()) is None


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        pytest.param([], True, id="none"),
        pytest.param([UUID], True, id="one"),
        pytest.param([UUID, UUID.upper()], True, id="upper case too"),
        pytest.param([UUID.replace("-", "")], False, id="no dashes"),
        pytest.param([UUID + "\n"], False, id="a trailing newline"),
        pytest.param(["-" * 36], False, id="only dashes"),
        pytest.param(["5d4d7ff-35ac1-4b62-9d1f-2a3b4c5d6e7f"], False, id="a dash misplaced"),
        pytest.param([UUID[:-1] + "g"], False, id="a letter that is no digit"),
        pytest.param([UUID[:-1] + "٣"], False, id="a digit of another script"),
        pytest.param([UUID + ",", UUID[:-1]], False, id="lengths that only add up"),
        pytest.param([UUID + "," + UUID], False, id="two in one"),
        pytest.param([UUID[:-1] + ",", UUID], False, id="a comma for a digit"),
        pytest.param([UUID, ""], False, id="an empty one"),
    ],
)
def test_uuids_are_told_in_bulk(texts, expected):
    assert all_uuids(texts) is expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        pytest.param("VCPU", True, id="a standard class"),
        pytest.param("CUSTOM_A_1", True, id="a custom class"),
        pytest.param("0", True, id="a digit"),
        pytest.param("vcpu", False, id="lower case"),
        pytest.param("VCPU\n", False, id="a trailing newline"),
        pytest.param("", False, id="empty"),
        pytest.param("A-B", False, id="a dash"),
        pytest.param("A" * 3000, True, id="a name too long to remember"),
    ],
)
def test_names_are_told_again_the_same(name, expected):
    assert [all_names({name}) for _ in range(2)] == [expected, expected]


def test_the_memory_of_names_is_bounded(monkeypatch):
    monkeypatch.setattr(fast, "_seen", set())
    names = {f"CUSTOM_{i}" for i in range(fast.MEMO_NAMES + 100)}
    assert all_names(names | {"A" * (fast.MEMO_LENGTH + 1)})
    assert len(fast._seen) == fast.MEMO_NAMES
    assert max(map(len, fast._seen)) <= fast.MEMO_LENGTH
    assert all_names(names)
    assert sys.getsizeof(fast._seen) < 1024**2
