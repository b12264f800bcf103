"""The record: whole, bounded, and without what is nobody's business."""

import json
import re
import string

import pytest
from oslo_context.context import RequestContext

from placement_guard.api.operations import OPERATIONS
from placement_guard.observers.audit import named as audit_named
from placement_guard.observers.audit.named import MAX_TEXT, MAX_VALUES, Named, bounded, named
from placement_guard.observers.audit.record import (
    HOST,
    MAX_RECORD,
    VERDICTS,
    is_recorded,
    line_of,
)
from placement_guard.outcome import Ending, Outcome
from placement_guard.rejection import Rejection, reject
from placement_guard.rules import BY_ID
from placement_guard.target import KINDS, Target
from tests.unit.observers.audit.conftest import record_of

PROVIDER = "4e8e5957-649f-477b-9e5b-f1f75b21c03c"
OTHER = "9f2b6b1e-6c0b-4f4a-9a5a-5d1b7c6e8f90"
CONSUMER = "9d5c1f0a-5d0b-4d2f-8c9d-0a4b6f3c7e21"
CLAIM = {
    "allocations": {
        PROVIDER: {"resources": {"VCPU": 1, "MEMORY_MB": 512}},
        OTHER: {"resources": {"VCPU": 1}},
    },
    "project_id": "p",
    "user_id": "u",
    "consumer_generation": None,
    "consumer_type": "INSTANCE",
}


def context(**changes):
    given = {
        "user_id": "c8f6",
        "user_name": "nova",
        "user_domain_id": "default",
        "project_id": "1b2c",
        "project_name": "service",
        "project_domain_id": "default",
        "roles": ["admin", "service"],
        "service_user_id": "77aa",
        "service_user_name": "neutron",
        "service_project_id": "1b2c",
        "service_roles": ["service"],
        "auth_token": "gAAAAAB-secret",
        "service_token": "gAAAAAB-other-secret",
        "global_request_id": "req-global",
        "overwrite": False,
    }
    return RequestContext(**{**given, **changes})


def read(record):
    line = line_of(record)
    assert line.isascii()
    assert "\n" not in line
    return json.loads(line)


def test_a_whole_record(made):
    exchange = made.exchange(
        f"/allocations/{CONSUMER}",
        document=CLAIM,
        body=b"x" * 300,
        context=context(),
        environ={
            "HTTP_X_AUTH_TOKEN": "gAAAAAB-secret",
            "HTTP_X_SERVICE_TOKEN": "gAAAAAB-other-secret",
            "HTTP_X_FORWARDED_FOR": "198.51.100.9",
        },
    )
    outcome = Outcome(Ending.CONFLICT, 409, "generation", seconds=0.25, attempts=3)
    record = record_of(exchange, outcome, None)
    line = line_of(record)
    assert "secret" not in line
    found = json.loads(line)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", found.pop("time"))
    assert 0 < found.pop("duration") < 20
    assert found.pop("process") > 0
    assert found == {
        "schema": 1,
        "host": HOST,
        "request_id": "req-7",
        "global_request_id": "req-global",
        "user": {
            "id": "c8f6",
            "name": "nova",
            "domain_id": "default",
            "project_id": "1b2c",
            "project_name": "service",
            "project_domain_id": "default",
            "scope": "project",
            "roles": ["admin", "service"],
            "service": {
                "user_id": "77aa",
                "user_name": "neutron",
                "project_id": "1b2c",
                "roles": ["service"],
            },
        },
        "address": "192.0.2.7",
        "forwarded_for": "198.51.100.9",
        "operation": "allocations:update",
        "method": "PUT",
        "path": f"/allocations/{CONSUMER}",
        "microversion": "1.39",
        "target": {
            "providers": {"count": 2, "values": [PROVIDER, OTHER]},
            "resource_classes": {"count": 2, "values": ["VCPU", "MEMORY_MB"]},
            "consumers": {"count": 1, "values": [CONSUMER]},
            "consumer_types": {"count": 1, "values": ["INSTANCE"]},
            "projects": {"count": 1, "values": ["p"]},
            "users": {"count": 1, "values": ["u"]},
        },
        "target_complete": True,
        "verdict": "served",
        "break_glass": False,
        "stage": None,
        "rule": None,
        "policy_rule": None,
        "json_path": None,
        "warnings": [],
        "outcome": "conflict",
        "status": 409,
        "conflict": "generation",
        "shed": None,
        "attempts": 3,
        "placement": 0.25,
        "body_bytes": 300,
    }


REFUSED = Rejection(BY_ID["policy.forbidden"], "no", "$.inventories", "placement:reshaper:reshape")
WARNED = reject("inventory.zero_ratio", "x", "$.inventories.VCPU")


@pytest.mark.parametrize(
    ("verdict", "ending", "rejection", "changes"),
    [
        pytest.param("served", Ending.COMMITTED, None, {}, id="let through"),
        pytest.param("warned", Ending.COMMITTED, None, {"warnings": (WARNED,)}, id="warned of"),
        pytest.param("rejected", Ending.REJECTED, REFUSED, {}, id="refused"),
        pytest.param(
            "rejected", Ending.REJECTED, REFUSED, {"break_glass": True}, id="refused all the same"
        ),
        pytest.param("shed", Ending.SHED, None, {}, id="not let in now"),
        pytest.param(
            "break_glass",
            Ending.COMMITTED,
            None,
            {"break_glass": True, "warnings": (WARNED,)},
            id="with the glass broken",
        ),
    ],
)
def test_the_verdict(made, verdict, ending, rejection, changes):
    exchange = made.exchange(document=CLAIM, **changes)
    outcome = Outcome(ending, 403, shed="user_rate" if ending is Ending.SHED else "")
    found = read(record_of(exchange, outcome, rejection))
    assert found["verdict"] == verdict
    assert found["outcome"] == ending.value
    assert found["break_glass"] == ("break_glass" in changes)
    assert found["shed"] == (outcome.shed or None)
    decided = rejection or (WARNED if "warnings" in changes else None)
    assert found["rule"] == (decided and decided.rule.id)
    assert found["stage"] == (decided and decided.rule.stage)
    assert found["json_path"] == (decided and decided.path)
    assert found["policy_rule"] == (rejection and "placement:reshaper:reshape")
    assert found["warnings"] == ([WARNED.rule.id] if "warnings" in changes else [])
    assert found["attempts"] == 0, "Placement was not asked"


def test_every_verdict_is_one_of_the_table():
    assert set(VERDICTS) == {"served", "warned", "rejected", "shed", "break_glass"}


@pytest.mark.parametrize(
    ("recorded", "method", "outcome", "changes"),
    [
        pytest.param(True, "PUT", Outcome(Ending.REFUSED, 404), {}, id="a mutation, however"),
        pytest.param(False, "GET", Outcome(Ending.SERVED, 200), {}, id="no read that is served"),
        pytest.param(False, "GET", Outcome(Ending.REFUSED, 404), {}, id="no read of nothing"),
        pytest.param(True, "GET", Outcome(Ending.REFUSED, 403), {}, id="a read without the right"),
        pytest.param(True, "GET", Outcome(Ending.SHED, 503), {}, id="a read that was shed"),
        pytest.param(
            True, "GET", Outcome(Ending.SERVED, 200), {"break_glass": True}, id="a broken glass"
        ),
    ],
)
def test_what_is_recorded(made, recorded, method, outcome, changes):
    exchange = made.exchange(method=method, **changes)
    assert is_recorded(exchange, outcome, None) is recorded
    assert is_recorded(exchange, outcome, REFUSED)


@pytest.mark.parametrize(
    ("scope", "changes"),
    [
        ("project", {}),
        ("system", {"system_scope": "all", "project_id": None}),
        ("domain", {"domain_id": "default", "project_id": None}),
        (None, {"project_id": None}),
    ],
)
def test_the_scope_of_the_token(made, scope, changes):
    exchange = made.exchange(context=context(**changes))
    assert read(record_of(exchange, made.committed, None))["user"]["scope"] == scope


def test_who_was_refused_for_a_contradiction_is_who_the_context_says(made):
    """Identity refuses before the exchange knows the context."""
    exchange = made.exchange(environ={"placement.context": context()}).extended(context=None)
    assert read(record_of(exchange, made.committed, REFUSED))["user"]["id"] == "c8f6"


def test_without_a_context_there_is_nobody(made):
    exchange = made.exchange(environ={"placement.context": object()}).extended(context=None)
    user = read(record_of(exchange, made.committed, REFUSED))["user"]
    assert user.pop("roles") == []
    assert set(user.values()) == {None}


def test_of_many_values_the_first_are_told_and_how_many_there_are(made):
    providers = [f"{number:08}-649f-477b-9e5b-f1f75b21c03c" for number in range(500)]
    document = {**CLAIM, "allocations": {uuid: {"resources": {"VCPU": 1}} for uuid in providers}}
    exchange = made.exchange(f"/allocations/{CONSUMER}", document=document)
    target, complete = named(exchange)
    assert target["providers"] == Named(500, tuple(providers[:MAX_VALUES]))
    assert complete


@pytest.mark.parametrize(
    "document",
    [
        pytest.param(None, id="that was not read"),
        pytest.param([], id="a list"),
        pytest.param("text", id="a text"),
        pytest.param({"inventories": 3, "allocations": 4}, id="of numbers"),
        pytest.param({"inventories": {}, "allocations": {"c": None}}, id="with a null"),
        pytest.param({"inventories": {}, "allocations": {"c": [1]}}, id="with a list in it"),
        pytest.param(
            {"inventories": {}, "allocations": {"c": {**CLAIM, "project_id": {"a": []}}}},
            id="with an object for a text",
        ),
    ],
)
def test_an_odd_document_is_no_failure(made, document):
    exchange = made.exchange("/reshaper", "POST", document=document)
    target, complete = named(exchange)
    assert complete is False
    assert read(record_of(exchange, made.committed, REFUSED))["target_complete"] is False
    assert set(target) <= set(KINDS)


def test_what_is_only_in_the_path_is_told_of_a_request_that_is_refused_early(made):
    exchange = made.exchange(f"/allocations/{CONSUMER}", document=None)
    assert named(exchange) == ({"consumers": Named(1, (CONSUMER,))}, False)


def test_a_request_without_a_body_is_complete(made):
    exchange = made.exchange(f"/allocations/{CONSUMER}", "DELETE")
    assert named(exchange) == ({"consumers": Named(1, (CONSUMER,))}, True)


SAMPLES = {
    "resource_providers:create": {"name": "x", "uuid": PROVIDER},
    "resource_providers:update": {"name": "x"},
    "reshaper:reshape": {
        "inventories": {
            PROVIDER: {"resource_provider_generation": 1, "inventories": {"VCPU": {"total": 1}}}
        },
        "allocations": {CONSUMER: CLAIM},
    },
    "allocations:manage": {CONSUMER: CLAIM},
    "allocations:update": CLAIM,
    "resource_providers:traits:update": {"traits": ["CUSTOM_A"]},
    "resource_providers:aggregates:update": {"aggregates": [OTHER]},
    "resource_classes:create": {"name": "CUSTOM_B"},
    "resource_providers:inventories:create": {"resource_class": "VCPU", "total": 1},
    "resource_providers:inventories:update": {"inventories": {"VCPU": {"total": 1}}},
}


@pytest.mark.parametrize(
    "operation",
    [pytest.param(o, id=f"{o.method} {o.path}") for o in OPERATIONS if o.mutates],
)
def test_nothing_that_a_target_knows_is_left_out(made, operation):
    """Only the kinds that an operation can name are looked for: here they are all tried."""
    path = re.sub(
        r"{(\w+)}", lambda match: PROVIDER if "uuid" in match[1] else "CUSTOM_C", operation.path
    )
    exchange = made.exchange(path, operation.method, document=SAMPLES.get(operation.name))
    assert exchange.operation == operation
    target, everything = Target(exchange), {}
    for kind in KINDS:
        try:
            values = target.values(kind)
        except Exception:
            values = ()
        if values:
            everything[kind] = Named(len(values), values)
    found, _ = named(exchange)
    assert found == everything
    assert found


HOSTILE = {
    "long": "x" * 100_000,
    "line breaks": "\n" * 1000,
    "quotes": '"\\' * 1000,
    "astral": "\U0001f4a3" * 1000,
    "surrogates": "\ud800" * 1000,
    "latin": "ÿ" * 1000,
    "line separators": "\u2028\x85\x1b[31m",
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_a_text_is_bounded_and_can_be_read_by_others(text):
    cut = bounded(text)
    assert 0 < len(json.dumps(cut)) - 2 <= MAX_TEXT
    cut.encode()
    assert cut.endswith("...") or cut == text


@pytest.mark.parametrize("text", [*string.printable[:-6], "ü", "a" * MAX_TEXT, "Jörg Müller"])
def test_a_short_text_is_itself(text):
    assert bounded(text) == text


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_a_record_is_bounded_whatever_is_in_it(made, text):
    consumers = {
        f"{number}{text}": {
            **CLAIM,
            "allocations": {
                f"{number}-{n}{text}": {"resources": {f"{n}{text}": 1}} for n in range(9)
            },
            "project_id": f"{number}{text}",
            "user_id": f"{number}{text}",
            "consumer_type": f"{number}{text}",
        }
        for number in range(40)
    }
    inventories = {f"{number}{text}": {"inventories": {}} for number in range(40)}
    names = dict.fromkeys(("user_id", "user_name", "user_domain_id", "project_id", "project_name", "project_domain_id", "service_user_id", "service_user_name", "service_project_id"), text)  # fmt: skip
    roles = [f"{number}{text}" for number in range(100)]
    warnings = tuple(reject(rule, text, "$" + "x" * 299) for rule in BY_ID)
    exchange = made.exchange(
        "/reshaper",
        "POST",
        document={"inventories": inventories, "allocations": consumers},
        context=context(**names, roles=roles, service_roles=roles, global_request_id=text),
        environ={
            "openstack.request_id": text,
            "REMOTE_ADDR": text,
            "HTTP_X_FORWARDED_FOR": text,
        },
        warnings=warnings,
    ).extended(path=text, method=text)
    rejection = Rejection(BY_ID["policy.forbidden"], text, "$" + "x" * 299, text)
    record = record_of(exchange, Outcome(Ending.REJECTED, 403), rejection)
    line = line_of(record)
    assert len(line) < MAX_RECORD
    found = json.loads(line)
    assert found["target"]["providers"]["count"] == 400
    line.encode("ascii")


def test_only_what_is_too_long_loses_values(made, monkeypatch):
    providers = [f"{number:08}-649f-477b-9e5b-f1f75b21c03c" for number in range(16)]
    document = {**CLAIM, "allocations": {uuid: {"resources": {"VCPU": 1}} for uuid in providers}}
    exchange = made.exchange(f"/allocations/{CONSUMER}", document=document)
    record = record_of(exchange, made.committed, None)
    assert read(record)["target"]["providers"] == {"count": 16, "values": providers}
    monkeypatch.setattr("placement_guard.observers.audit.record.MAX_RECORD", 1200)
    assert read(record)["target"]["providers"] == {"count": 16, "values": providers[:4]}
    monkeypatch.setattr("placement_guard.observers.audit.record.MAX_RECORD", 600)
    assert read(record)["target"]["providers"] == {"count": 16, "values": []}
    assert audit_named.MAX_VALUES == 16


@pytest.mark.parametrize("text", ["ü", "\ud800", "\x7f", '"', "\n"])
def test_whatever_a_client_wrote_the_line_is_ascii_and_says_it(made, text):
    rejection = Rejection(BY_ID["policy.forbidden"], "no", f"$.{text}", None)
    record = record_of(made.exchange("/reshaper"), Outcome(Ending.REJECTED, 403), rejection)
    line = line_of(record)
    assert line.isascii()
    assert "\n" not in line
    assert json.loads(line)["json_path"] == f"$.{text}"
