"""A linter tells more than a guard, and the same where the guard decides."""

import io
import json
import uuid

import pytest

from placement_guard import Settings
from placement_guard.api.finding import MAX_FINDINGS
from placement_guard.api.guess import candidates
from placement_guard.exchange import Exchange
from placement_guard.lint import Judged, Lint, Unclear
from placement_guard.rules import Mode

RP = "4e8e5957-649f-477b-9e5b-f1f75b21c03c"


def exchange(body):
    body = body if isinstance(body, bytes) else json.dumps(body).encode()
    environ = {
        "REQUEST_METHOD": "PUT",
        "wsgi.input": io.BytesIO(body),
        "wsgi.input_terminated": True,
    }
    return Exchange(environ, "PUT", "")


def judged(body, *, operation=None, **settings):
    among = [c for c in candidates() if operation in {None, c.operation.name}]
    return Lint(Settings(**settings))(exchange(body), among)


def told(found):
    return [(v.rule.id, v.path) for v in found.violations]


def inventories(**records):
    return {"resource_provider_generation": 1, "inventories": records}


def test_a_sound_body_breaks_nothing():
    found = judged(inventories(VCPU={"total": 1}))
    assert (found.violations, found.more, found.refused) == ((), (), 0)


def test_every_error_of_the_schema_is_told():
    body = inventories(VCPU={"total": "a", "max_unit": 0}, MEMORY_MB={"min_unit": 1, "odd": 1})
    assert told(judged(body)) == [
        ("document.invalid", "$.inventories.MEMORY_MB"),
        ("document.invalid", "$.inventories.MEMORY_MB"),
        ("document.invalid", "$.inventories.VCPU.max_unit"),
        ("document.invalid", "$.inventories.VCPU.total"),
    ]
    assert [v.what for v in judged(body).violations] == [
        "'total' is a required property",
        "Additional properties are not allowed ('odd' was unexpected)",
        "0 is less than the minimum of 1",
        "'a' is not of type 'integer'",
    ]


def test_bad_json_is_told_beside_a_broken_schema():
    body = b'{"resource_provider_generation": 1, "inventories": {"A": {"total": 1, "total": NaN}}}'
    assert told(judged(body)) == [
        ("document.invalid", "$.inventories.A.total"),
        ("json.duplicate_key", "$.inventories.A.total"),
        ("json.not_finite", "$.inventories.A.total"),
    ]


def test_what_makes_no_sense_is_told_beside_what_escapes_the_schema():
    body = {
        "inventories": {RP: inventories(vcpu=1, VCPU={"total": 1, "reserved": 2, "min_unit": 9, "max_unit": 1})},
        "allocations": {"-" * 36: {"allocations": {}, "project_id": "p", "user_id": "u", "consumer_generation": 1}},
    }  # fmt: skip
    found = judged(body)
    rules = [v.rule.id for v in found.violations]
    assert rules == [
        "inventory.unmatched_class", "allocations.consumer_not_uuid",
        "inventory.negative_capacity", "inventory.min_above_max",
    ]  # fmt: skip
    assert [v.mode for v in found.violations] == [Mode.ENFORCE] * 3 + [Mode.WARN]
    assert found.refused == 3


@pytest.mark.parametrize(
    ("body", "rule"),
    [
        (b"", "json.malformed"),
        (b"\xff\x00\x01", "json.malformed"),
        (b"[" * 100_000, "json.too_deep"),
        (b"1" * 2048, "body.too_large"),
    ],
    ids=["empty", "binary", "nested without end", "too large"],
)
def test_what_is_no_document_is_judged_as_none(body, rule):
    found = judged(body, max_body_bytes=1024 if rule == "body.too_large" else 1024 * 1024)
    assert told(found) == [(rule, "$")]
    assert found.taken_for == ()


def test_a_rule_that_is_off_is_not_heard_of():
    body = b'{"resource_provider_generation": 1, "inventories": {"A": {"total": 1, "total": 1}}}'
    assert told(judged(body, rules={"json.duplicate_key": "off"})) == []


def test_in_observe_mode_nothing_is_refused():
    found = judged(b"{", observe=True)
    assert (found.refused, len(found.violations)) == (0, 1)


@pytest.mark.parametrize("record", [{"total": "x"}, {"total": 1, "reserved": 2}], ids=repr)
def test_of_a_rule_that_is_broken_everywhere_it_says_that_there_may_be_more(record):
    providers = {str(uuid.UUID(int=n)): inventories(VCPU=record) for n in range(1, 3000)}
    found = judged({"inventories": providers, "allocations": {}})
    [rule] = {v.rule.id for v in found.violations}
    assert found.more == (rule,)
    assert len(found.violations) == MAX_FINDINGS


def test_what_comes_to_the_same_need_not_be_told_apart():
    found = judged({"name": "x"})
    assert [(c.operation.name, c.first, c.last) for c in found.taken_for] == [
        ("resource_providers:create", (1, 0), (1, 39)),
        ("resource_providers:update", (1, 0), (1, 39)),
    ]


def test_what_does_not_is_unclear():
    found = judged({"name": "CUSTOM_X\n"})
    assert isinstance(found, Unclear)
    assert {c.operation.name for c in found.candidates} == {
        "resource_classes:create", "resource_classes:update",
        "resource_providers:create", "resource_providers:update",
    }  # fmt: skip


def test_what_it_was_said_to_be_it_is():
    assert judged({"foo": 1}) == Unclear(())
    found = judged({"foo": 1}, operation="reshaper:reshape")
    assert isinstance(found, Judged)
    assert {rule for rule, _ in told(found)} == {"document.invalid"}
    found = judged({"foo": 1}, operation="resource_providers:inventories:update")
    assert found == Unclear(())


def test_a_long_error_is_told_in_a_short_line():
    [violation] = judged({"traits": ["A" * 100_000], "resource_provider_generation": 1}).violations
    assert len(violation.what) <= 310
    assert violation.what.endswith("is too long") or "..." in violation.what
