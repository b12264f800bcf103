"""The harness finds what it is there to find, excuses what it should, and makes findings small."""

import json

import pytest

from tests.differential.answers import Answer
from tests.differential.cloud import CONSUMERS, PROVIDERS, Cloud, fixed
from tests.differential.damage import damage
from tests.differential.generate import Generator
from tests.differential.requests import KINDS, Request, from_data, to_data
from tests.differential.shrink import shrunk
from tests.differential.verdicts import judge

INVENTORIES = "/resource_providers/{uuid}/inventories"
ROW = {"table": "inventories", "total": 4, "reserved": 0, "allocation_ratio": 1.0}


def inventories(body=b"{}", **more):
    path = f"/resource_providers/{fixed('node1')}/inventories"
    return Request(method="PUT", path=path, route=INVENTORIES, body=body, **more)


def served(status=200, body=b"{}", **row):
    added = (json.dumps({**ROW, **row}),) if row else ()
    return Answer(status, {}, body, added)


def refused(status=400, code="placement.undefined_code", detail="No.", rule=None, added=()):
    headers = {"placement-guard": f'decision=reject, stage="x", rule="{rule}"'} if rule else {}
    body = {"errors": [{"status": status, "code": code, "detail": detail}]}
    return Answer(status, headers, json.dumps(body).encode(), added)


def by_guard(rule, **more):
    return refused(code=f"placement_guard.{rule}", rule=rule, **more)


WORDS = "JSON does not validate: 1 is not 2"
CASES = {
    "both serve alike": (served(), served(), []),
    "both refuse alike": (refused(), refused(), []),
    "both fail": (served(500), served(500), ["V1"]),
    "only the guard's side fails": (refused(), served(500), ["V1"]),
    "refused where bare fails": (served(500), by_guard("json.not_finite"), []),
    "refused without damage": (served(), by_guard("json.nul_character"), ["V2"]),
    "refused, and the damage shows": (served(name="a\0"), by_guard("json.nul_character"), []),
    "refused for damage that another rule is for": (
        served(name="a\0"),
        by_guard("json.lone_surrogate"),
        ["V2"],
    ),
    "refused in Placement's name": (served(name="a\0"), refused(rule="document.invalid"), ["V2"]),
    "served where bare refuses": (refused(), served(), ["V3"]),
    "another status": (refused(404), refused(403), ["V4"]),
    "another code": (refused(code="placement.concurrent_update"), refused(), ["V4"]),
    "other words": (refused(), refused(detail="Yes."), ["V4"]),
    "a code of its own for what Placement judges": (
        refused(detail=WORDS),
        by_guard("json.not_finite"),
        ["V4"],
    ),
    "a rule of its own before the database is asked": (
        refused(409),
        by_guard("json.not_finite"),
        [],
    ),
    "a bad body before the provider is looked up": (
        refused(404),
        refused(rule="document.invalid", detail=WORDS),
        [],
    ),
    "refused and stored": (
        refused(),
        refused(rule="document.invalid", added=(json.dumps(ROW),)),
        ["V5"],
    ),
    "blamed, and what Placement left is the same": (
        served(500, total=4),
        refused(rule="allocations.fractional_amount", added=(json.dumps(ROW),)),
        [],
    ),
    "blamed, and less was left bare": (
        served(500),
        refused(rule="allocations.fractional_amount", added=(json.dumps(ROW),)),
        ["V5"],
    ),
    "blamed, and Placement had refused it": (
        refused(added=(json.dumps(ROW),)),
        refused(rule="allocations.fractional_amount", added=(json.dumps(ROW),)),
        ["V5"],
    ),
    "another body": (served(), served(body=b"[]"), ["V6"]),
    "the same list in another order": (served(body=b"[1, 2]"), served(body=b"[2, 1]"), []),
    "another state": (served(total=1), served(total=2), ["V6"]),
}


@pytest.mark.parametrize(("bare", "guarded", "expected"), CASES.values(), ids=list(CASES))
def test_two_answers_are_judged(bare, guarded, expected):
    assert [finding.verdict for finding in judge(inventories(), bare, guarded)] == expected


def test_of_a_wording_that_is_too_long_the_middle_may_go():
    whole = f"JSON does not validate: '{'a' * 5000}' is too long"
    cut = f"{whole[:500]} ... {whole[-100:]}"
    guarded = refused(detail=cut, rule="document.invalid")
    assert judge(inventories(), refused(detail=whole), guarded) == []
    assert judge(inventories(), refused(detail=whole + "!"), guarded) != []


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ({"reserved": 5}, {"negative capacity"}),
        ({"allocation_ratio": -1.0}, {"negative capacity", "negative ratio"}),
        ({"total": 3.5}, {"not a number for that column"}),
        ({"table": "traits", "name": "CUSTOM_A\n"}, {"newline behind a name", "a name against its pattern"}),
        ({"table": "consumers", "uuid": "-" * 36}, {"not a UUID"}),
        ({"table": "consumers", "uuid": fixed("x").upper()}, set()),
        ({"table": "resource_providers", "name": "a" * 201, "uuid": fixed("x")}, {"longer than its column"}),
        ({"table": "resource_providers", "name": "a\n", "uuid": fixed("x")}, set()),
        ({"total": 4}, set()),
    ],
)  # fmt: skip
def test_damage_shows_in_rows(row, expected):
    assert damage(inventories(), served(**row)) == expected


def test_a_key_that_stands_twice_is_damage_however_it_is_spelled():
    assert damage(inventories(rb'{"a": 1, "\u0061": 2}'), served()) == {"a key twice"}
    assert damage(inventories(b'{"a": {"a": 1}}'), served()) == set()


def test_a_finding_is_made_small():
    body = json.dumps(
        {"inventories": {"VCPU": {"total": 8}, "vcpu": [1, 2, "x" * 99]}, "a": "b" * 50}
    )
    small = shrunk(
        inventories(body.encode(), minor=3, query="a=1&b=2"),
        lambda request: b'"vcpu"' in (request.body or b""),
    )
    assert small.body == b'{"inventories": {"vcpu": []}}'
    assert (small.minor, small.query) == (39, "")


@pytest.mark.parametrize("levels", [900, 100_000])
def test_a_deep_body_is_made_less_deep(levels):
    body = b'{"a": ' + b"[" * levels + b"1" + b"]" * levels + b', "b": 2}'
    small = shrunk(inventories(body), lambda request: b"[[[[" in (request.body or b""))
    assert len(small.body) < 40


@pytest.mark.parametrize(
    "body", [None, b"", b'{"a": "' + b"[a" * 5000 + b'"}', b"\xff\x00", "é\n".encode()]
)
def test_a_request_is_saved_as_it_is(body):
    request = inventories(body, query="a=%ff")
    assert from_data(json.loads(json.dumps(to_data(request)))) == request


RECORD = {"total": 9, "reserved": 0, "allocation_ratio": 1.0, "step_size": 1, "max_unit": 9}
OWNER = {"project": "project1", "user": "user1", "type": "INSTANCE", "generation": 1}
WORLD = [
    *({"table": "resource_providers", "uuid": fixed(p), "generation": 1} for p in PROVIDERS),
    *({"table": "inventories", "provider": fixed(p), "class": "VCPU", **RECORD} for p in PROVIDERS),
    *({"table": "consumers", "uuid": fixed(c), **OWNER} for c in CONSUMERS),
    *(
        {
            "table": "allocations",
            "consumer": fixed(c),
            "provider": fixed(p),
            "class": "VCPU",
            "used": 1,
        }
        for c, p in zip(CONSUMERS, ("node1", "node2", "full", "shared", "node1"), strict=True)
    ),
]


def test_the_number_and_the_seed_say_all_of_a_request():
    world = Cloud([json.dumps(row) for row in WORLD])
    numbers = [*range(400)]
    first = [Generator(world, 3)(number) for number in numbers]
    again = {number: Generator(world, 3)(number) for number in reversed(numbers)}
    assert first == [again[number] for number in numbers]
    assert {request.kind for request in first} == set(KINDS)
