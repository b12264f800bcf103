"""``placement-guard explain``: stage by stage, and as the guard itself would."""

import io
import json
import re
import sys
import types

import jsonschema
import pytest
from oslo_context.context import RequestContext
from prometheus_client import CollectorRegistry

from placement_guard import Guard, Settings, cli
from placement_guard.policy.stored import Stored
from placement_guard.rehearsal import Rehearsal, Request, Says
from placement_guard.rules import BY_ID
from placement_guard.stages import ORDER
from tests.differential.cloud import Cloud, fixed
from tests.differential.generate import Generator
from tests.differential.requests import environ
from tests.differential.test_verdicts import WORLD

RP = "4e8e5957-649f-477b-9e5b-f1f75b21c03c"
PUT = f"PUT /resource_providers/{RP}/inventories"
OWN = b'{"resource_provider_generation": 1, "inventories": {"CUSTOM_ACCELERATOR_A": {"total": 1}}}'
VCPU = b'{"resource_provider_generation": 1, "inventories": {"VCPU": {"total": 1}}}'
DOUBTFUL = (
    b'{"resource_provider_generation": 1, "inventories": {"VCPU": {"total": 8, "step_size": 9}}}'
)

POLICY = """\
"profile:cyborg": "user_name:cyborg"
"cyborg:resource_providers:inventories:update": "resource_classes:CUSTOM_ACCELERATOR_*"
"""
STATEFUL = '"placement_guard:resource_providers:inventories:update": "dropped_classes:none"\n'

RULE = {
    "type": "object",
    "additionalProperties": False,
    "required": ["rule", "path", "detail", "policy_rule", "where"],
    "properties": {
        "rule": {"enum": list(BY_ID)},
        "path": {"type": ["string", "null"]},
        "detail": {"type": "string"},
        "policy_rule": {"type": ["string", "null"]},
        "where": {"type": ["string", "null"]},
    },
}
SCHEMA = {
    "type": "object",
    "additionalProperties": False,
    "required": [
        "request", "stages", "gate_policy", "target_policy", "break_glass", "provider_first", "verdict", "status",
        "refused_by",
    ],
    "properties": {
        "request": {
            "type": "object",
            "required": ["method", "path", "operation", "microversion", "path_assumed", "user_id"],
        },
        "stages": {
            "type": "array",
            "items": {
                "type": "object",
                "additionalProperties": False,
                "required": ["stage", "says", "rules"],
                "properties": {
                    "stage": {"enum": list(ORDER)},
                    "says": {"enum": list(Says)},
                    "rules": {"type": "array", "items": RULE},
                },
            },
        },
        "gate_policy": {
            "type": ["object", "null"],
            "additionalProperties": False,
            "required": ["rule", "check", "where"],
            "properties": {"rule": {}, "check": {}, "where": {}},
        },
        "target_policy": {
            "type": ["object", "null"],
            "additionalProperties": False,
            "required": ["allowed", "decided_by", "where", "asked"],
            "properties": {
                "allowed": {"type": "boolean"},
                "decided_by": {"type": ["string", "null"]},
                "where": {"type": ["string", "null"]},
                "asked": {
                    "type": "array",
                    "items": {
                        "type": "object",
                        "additionalProperties": False,
                        "required": ["rule", "says", "where", "check", "why"],
                        "properties": {
                            "rule": {"type": "string"},
                            "says": {"enum": ["passes", "does not pass", "cannot tell"]},
                            "where": {"type": "string"},
                            "check": {"type": "string"},
                            "why": {"type": ["string", "null"]},
                        },
                    },
                },
            },
        },
        "break_glass": {"type": "boolean"},
        "provider_first": {"type": "boolean"},
        "verdict": {"enum": ["allowed", "refused"]},
        "status": {"enum": [None, 400, 401, 403, 404, 413, 415]},
        "refused_by": {"anyOf": [{"type": "null"}, RULE]},
    },
}  # fmt: skip


@pytest.fixture
def explain(tmp_path, monkeypatch, capsys):
    """Runs the command where its files are, as cyborg."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "policy.yaml").write_text(POLICY)

    def run(*arguments, body=None, who=("--user-name", "cyborg", "--role", "service"), **files):
        for name, text in files.items():
            (tmp_path / f"{name}.yaml").write_text(text)
        words = [*who, *arguments]
        if body is not None:
            monkeypatch.setattr(sys, "stdin", types.SimpleNamespace(buffer=io.BytesIO(body)))
            words.append("-")
        code = cli.main(["explain", *words])
        told = capsys.readouterr()
        return code, told.out, told.err

    def told(*arguments, **more):
        code, out, err = run("--format", "json", *arguments, **more)
        assert err == ""
        told = json.loads(out)
        jsonschema.validate(told, SCHEMA)
        assert [stage["stage"] for stage in told["stages"]] == list(ORDER)
        assert code == (told["verdict"] == "refused")
        return told

    return types.SimpleNamespace(run=run, told=told)


BY_POLICY = ("--policy", "policy.yaml")


def test_a_refusal_by_policy(explain):
    assert explain.run(*BY_POLICY, PUT, body=VCPU) == (
        1,
        (
            f"{PUT}, microversion 1.39: resource_providers:inventories:update\n"
            "sent by cyborg, roles: service\n"
            "\n"
            "STAGE          SAYS       WHY\n"
            "identity       passes\n"
            "framing        passes\n"
            "operation      passes\n"
            "content_type   passes\n"
            "gate_policy    passes     placement:resource_providers:inventories:update: "
            "rule:admin_or_service_api in the defaults\n"
            "query          not asked\n"
            "path           not asked\n"
            "body           passes\n"
            "document       passes\n"
            "invariants     passes\n"
            "target_policy  refuses    policy.target_forbidden: resource class VCPU is not allowed by "
            "resource_classes:CUSTOM_ACCELERATOR_*, by policy rule "
            "cyborg:resource_providers:inventories:update: $.inventories.VCPU\n"
            "\n"
            "POLICY RULE                                   SAYS           WHERE            CHECK\n"
            "profile:cyborg                                passes         policy.yaml:1:1  "
            "user_name:cyborg\n"
            "cyborg:resource_providers:inventories:update  does not pass  policy.yaml:2:1  "
            "resource_classes:CUSTOM_ACCELERATOR_*\n"
            "\n"
            "It is refused with 403: policy.target_forbidden, by policy rule "
            "cyborg:resource_providers:inventories:update in policy.yaml:2:1.\n"
        ),
        "",
    )


def test_what_goes_on(explain):
    code, out, err = explain.run(*BY_POLICY, PUT, body=OWN)
    assert (code, err) == (0, "")
    assert out.endswith("\nIt goes on to Placement.\n")
    told = explain.told(*BY_POLICY, PUT, body=OWN)
    assert told["target_policy"]["decided_by"] == "cyborg:resource_providers:inventories:update"
    assert told["target_policy"]["where"] == "policy.yaml:2:1"


def test_a_path_is_assumed_where_an_operation_is_named(explain):
    told = explain.told(*BY_POLICY, "resource_providers:inventories:update", body=VCPU)
    assert told["request"]["path_assumed"]
    assert told["request"]["path"].endswith("/inventories")
    assert told["refused_by"]["rule"] == "policy.target_forbidden"


def test_a_refusal_by_the_policy_of_placement(explain, tmp_path):
    told = explain.told("DELETE /traits/CUSTOM_A", who=("--user-id", "x", "--role", "reader"))
    assert told["refused_by"]["rule"] == "policy.forbidden"
    assert told["gate_policy"] == {
        "rule": "placement:traits:delete", "check": "rule:admin_or_service_api", "where": None,
    }  # fmt: skip
    (tmp_path / "placement.conf").write_text("[oslo_policy]\npolicy_file = gate.yaml\n")
    gate = '# mine\n"placement:traits:delete": "role:reader"\n'
    told = explain.told(
        "--config-dir", str(tmp_path), "DELETE /traits/CUSTOM_A", gate=gate,
        who=("--user-id", "x", "--role", "reader"),
    )  # fmt: skip
    assert told["verdict"] == "allowed"
    assert (told["gate_policy"]["check"], told["gate_policy"]["where"]) == (
        "role:reader", "gate.yaml:2:1",
    )  # fmt: skip


def test_of_a_read_placement_asks(explain):
    code, out, _ = explain.run("GET /traits/CUSTOM_A")
    assert code == 0
    assert (
        "gate_policy    not asked  Placement asks it: placement:traits:show: rule:admin_or" in out
    )


def test_a_query_is_judged_too(explain):
    told = explain.told("GET /resource_providers?limit=none")
    assert (told["request"]["path"], told["verdict"]) == ("/resource_providers", "allowed")
    told = explain.told("GET /allocation_candidates?resources=VCPU:1&limit=many&limit=5")
    assert told["refused_by"]["rule"] == "query.unreadable_limit"


@pytest.mark.parametrize(
    ("stored", "rule", "why"),
    [
        (None, "policy.not_evaluable", "there is no Placement to ask what is stored"),
        (f"providers: {{{RP}: {{inventories: {{VCPU: {{}}}}}}}}", "policy.target_forbidden", None),
        ("providers: {}", None, None),
    ],
    ids=["nothing is told", "it goes away", "there is nothing"],
)
def test_what_is_stored_is_told(explain, stored, rule, why):
    more = () if stored is None else ("--stored", "stored.yaml")
    told = explain.told("--policy", "p.yaml", *more, PUT, body=OWN, p=STATEFUL, stored=stored or "")
    assert (told["refused_by"] or {}).get("rule") == rule
    [asked] = told["target_policy"]["asked"]
    assert asked["why"] == why


def test_a_warning_is_told_and_the_journey_goes_on(explain):
    told = explain.told(PUT, body=DOUBTFUL)
    stages = {stage["stage"]: stage for stage in told["stages"]}
    assert stages["invariants"]["says"] == "warns"
    assert stages["invariants"]["rules"][0]["rule"] == "inventory.step_above_total"
    assert (stages["target_policy"]["says"], told["verdict"]) == ("not asked", "allowed")


def test_what_comes_after_a_refusal_is_not_asked(explain):
    told = explain.told(*BY_POLICY, PUT, body=b"{")
    says = {stage["stage"]: stage["says"] for stage in told["stages"]}
    assert (says["body"], says["document"], says["invariants"]) == (
        "passes",
        "refuses",
        "not asked",
    )
    assert told["target_policy"] is None
    assert told["status"] == 400


def test_a_provider_that_placement_looks_up_first(explain):
    aggregates = f"PUT /resource_providers/{RP}/aggregates"
    _, out, _ = explain.run(aggregates, body=b"{}")
    assert out.endswith("Where there is no such provider, Placement's 404 is the answer.\n")
    assert explain.told(aggregates, body=b"{}")["provider_first"]


def test_observed_and_off(explain, tmp_path):
    conf = "[placement_guard]\nobserve = true\nrules = json.malformed:off\n"
    (tmp_path / "placement.conf").write_text(conf)
    where = ("--config-dir", str(tmp_path))
    says = {s["stage"]: s["says"] for s in explain.told(*where, PUT, body=b"{")["stages"]}
    assert says["document"] == "passes"
    told = explain.told(*where, *BY_POLICY, PUT, body=VCPU)
    assert {s["stage"]: s["says"] for s in told["stages"]}["target_policy"] == "warns"
    assert (told["verdict"], told["target_policy"]["allowed"]) == ("allowed", False)


def test_broken_glass(explain, tmp_path):
    conf = "[placement_guard]\nbreak_glass_role = fire\n"
    (tmp_path / "placement.conf").write_text(conf)
    more = ("--config-dir", str(tmp_path), *BY_POLICY, "--role", "Fire", PUT)
    told = explain.told(*more, body=VCPU)
    assert (told["break_glass"], told["target_policy"], told["verdict"]) == (True, None, "allowed")
    assert (
        "not judged: the user has the role that breaks the glass"
        in explain.run(*more, body=VCPU)[1]
    )


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["--policy", "gone.yaml", PUT], "policy.unusable: [placement_guard] target_policy_file: "),
        (["nothing:update"], "'nothing:update' is no operation; name one, or write METHOD /path"),
        (["allocations:update"], "PUT /allocations/00000000-0000-4000-8000-000000000002 has a body"),
        (["resource_providers:inventories:delete"], "resource_providers:inventories:delete is sev"),
        ([PUT, "gone.json"], "gone.json cannot be read (No such file or directory)"),
        (["--stored", "policy.yaml", "DELETE /traits/X"], "policy.yaml: Object contains unknown f"),
        (["--policy", "policy.yaml", *BY_POLICY, PUT], "several --policy must be directories; on"),
    ],
    ids=["no policy", "no operation", "no body", "two operations", "no file", "nothing stored", "two"],
)  # fmt: skip
def test_what_cannot_be_told(explain, arguments, why):
    code, out, err = explain.run(*arguments)
    assert (code, out) == (2, "")
    assert err.startswith(f"placement-guard explain: {why}")


def test_somebody_must_ask(explain):
    assert explain.run("DELETE /traits/X", who=()) == (
        2, "", "placement-guard explain: nobody asks: give --user-name or --user-id\n",
    )  # fmt: skip


def test_nothing_reaches_a_terminal_raw(explain):
    who = ("--user-name", "\x1b[2J", "--role", "\u202e")
    _, out, _ = explain.run("DELETE /traits/\x1b[31m", who=who)
    assert all(letter == "\n" or letter.isprintable() for letter in out)


# Agreement with the guard ----------------------------------------------------------------------

REQUESTS = 1000
FOR_ALL = f"""\
"everybody": "max_providers:3"
"profile:cyborg": "user_name:cyborg"
"cyborg:resource_providers:inventories:update": "resource_classes:CUSTOM_* and dropped_classes:none"
"cyborg:allocations:manage": "release:true"
"profile:nova": "user_name:nova"
"nova:default": "providers:!{fixed("node2")},*"
"placement_guard:traits:update": "role:admin"
"profile_of_others": "release:true or min_microversion:1.20"
"""
WHO = [
    {"user_id": name, "user_name": name, "roles": roles, "project_id": "service"}
    for name in ("cyborg", "nova", "somebody")
    for roles in (["service"], ["admin"], ["reader"])
]
DECIDED = re.compile(r'decision=reject, stage="\w+", rule="([\w.]+)"')
BY_RULE = re.compile(r"by policy rule ([\w:]*\w)")


def test_it_agrees_with_the_guard_on_generated_requests(tmp_path):
    policy = tmp_path / "policy.yaml"
    policy.write_text(FOR_ALL)
    settings = Settings(target_policy_file=str(policy))
    nothing = Stored()

    def placement(asked, start_response):
        status, document = 204, None
        if asked["PATH_INFO"].endswith("/aggregates"):  # where a provider is looked up first
            status, document = 200, {}
        elif asked["REQUEST_METHOD"] == "GET":
            status, document = nothing(asked["PATH_INFO"], asked["QUERY_STRING"])
        start_response(f"{status} X", [("Content-Type", "application/json")])
        return [json.dumps(document).encode()] if status == 200 else []

    guard = Guard(placement, settings, registry=CollectorRegistry())
    rehearsal = Rehearsal(settings)
    generate = Generator(Cloud([json.dumps(row) for row in WORLD]), seed=7)
    said, number = [], 0
    while len(said) < REQUESTS:
        number += 1
        request, who = generate(number), WHO[number % len(WHO)]
        if request.kind not in {"valid", "value", "text"} or request.method == "GET":
            continue
        asked = {k: v for k, v in environ(request).items() if not k.startswith("HTTP_X_")}
        asked["placement.context"] = RequestContext(**who, overwrite=False)
        answered = []
        body = b"".join(guard(asked, lambda *given, to=answered: to.append(given[:2])))
        decided = DECIDED.search(dict(answered[0][1]).get("Placement-Guard", ""))
        by_rule = BY_RULE.search(body.decode())
        live = decided and decided[1], by_rule and by_rule[1]
        rehearsed = rehearsal(
            Request(
                method=request.method, path=asked["PATH_INFO"], who=who, body=request.body,
                version=(1, request.minor), stored=nothing,
            )
        )  # fmt: skip
        rejection = rehearsed.rejection
        told = (rejection.rule.id, rejection.policy or None) if rejection else (None, None)
        assert told == live, request
        said.append(told)
    by_policy = {policy for _, policy in said if policy}
    assert by_policy >= {
        "cyborg:resource_providers:inventories:update", "nova:default", "profile_of_others",
    }  # fmt: skip
    assert said.count((None, None)) > REQUESTS / 10
    assert len(set(said)) > 10
