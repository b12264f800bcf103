"""``placement-guard policy``: the rules that are in force, and cases that they must decide."""

import json

import jsonschema
import pytest

from placement_guard import cli
from placement_guard.cli.policy.testing import _ENDING

RP = "4e8e5957-649f-477b-9e5b-f1f75b21c03c"
RULE = "cyborg:resource_providers:inventories:update"

POLICY = f"""\
# whom it is for
"profile:cyborg": "user_name:cyborg"
"{RULE}": "resource_classes:CUSTOM_ACCELERATOR_*"
"helper": "role:admin"
"placement_guard:traits:update": "rule:helper"
"""
CASES = f"""\
policy: [policy.yaml]
who:
  cyborg: {{user_name: cyborg, roles: [service]}}
cases:
- case: its own
  who: cyborg
  request: PUT /resource_providers/{RP}/inventories
  body: {{resource_provider_generation: 1, inventories: {{CUSTOM_ACCELERATOR_A: {{total: 8}}}}}}
  expect: allowed
  rule: {RULE}
- case: VCPU
  who: cyborg
  request: resource_providers:inventories:update
  body: {{resource_provider_generation: 1, inventories: {{VCPU: {{total: 8}}}}}}
  expect: refused
"""
SCHEMA = {
    "type": "object",
    "additionalProperties": False,
    "required": ["cases", "summary"],
    "properties": {
        "cases": {
            "type": "array",
            "items": {
                "type": "object",
                "additionalProperties": False,
                "required": [
                    "file", "case", "passed", "expected", "expected_rule", "got", "rule", "where",
                    "why",
                ],
                "properties": {
                    **{key: {"type": "string"} for key in ("file", "case", "got")},
                    **{
                        key: {"type": ["string", "null"]}
                        for key in ("expected_rule", "rule", "where", "why")
                    },
                    "passed": {"type": "boolean"},
                    "expected": {"enum": ["allowed", "refused"]},
                },
            },
        },
        "summary": {"required": ["cases", "failed"], "additionalProperties": {"type": "integer"}},
    },
}  # fmt: skip


@pytest.fixture
def policy(tmp_path, monkeypatch, capsys):
    """Runs the command where its files are."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments, **files):
        for name, text in {"policy": POLICY, "cases": CASES, **files}.items():
            (tmp_path / f"{name}.yaml").write_text(text)
        code = cli.main(["policy", *arguments])
        told = capsys.readouterr()
        return code, told.out, told.err

    return run


# List ------------------------------------------------------------------------------------------


def test_the_rules_and_where_they_stand(policy):
    assert policy("list", "--policy", "policy.yaml") == (
        0,
        (
            "POLICY  RULE                                          PROFILE  WHERE            CHECK\n"
            "target  profile:cyborg                                cyborg   policy.yaml:2:1  "
            "user_name:cyborg\n"
            "target  cyborg:resource_providers:inventories:update  cyborg   policy.yaml:3:1  "
            "resource_classes:CUSTOM_ACCELERATOR_*\n"
            "target  helper                                        -        policy.yaml:4:1  "
            "role:admin\n"
            "target  placement_guard:traits:update                 -        policy.yaml:5:1  "
            "rule:helper\n"
        ),
        "",
    )


def test_the_last_of_several_is_in_force(policy, tmp_path):
    (tmp_path / "d").mkdir()
    (tmp_path / "d/1.yaml").write_text('"helper": "!"\n')
    code, out, _ = policy("list", "--policy", "policy.yaml", "--policy", "d", "--format", "json")
    rules = {rule["rule"]: rule for rule in json.loads(out)["rules"]}
    assert code == 0
    assert (rules["helper"]["where"], rules["helper"]["check"]) == ("d/1.yaml:1:1", "!")


def test_what_is_known_of_a_rule(policy, tmp_path):
    (tmp_path / "placement.conf").write_text(
        f"[placement_guard]\ntarget_policy_file = {tmp_path}/policy.yaml\n"
        "target_policy_observe = cyborg:*\n"
    )
    stateful = f'"profile:cyborg": "@"\n"{RULE}": "dropped_classes:none"\n'
    _, out, _ = policy("list", "--config-dir", ".", "--format", "json", policy=stateful)
    assert json.loads(out)["rules"][1] == {
        "policy": "target",
        "rule": RULE,
        "profile": "cyborg",
        "operation": "resource_providers:inventories:update",
        "where": "policy.yaml:2:1",
        "check": "dropped_classes:none",
        "asks_what_is_stored": True,
        "observed": True,
    }
    assert f"{RULE} (observed)" in policy("list", "--config-dir", ".", policy=stateful)[1]


def test_the_policy_of_placement_too(policy, tmp_path):
    (tmp_path / "placement.conf").write_text("[oslo_policy]\npolicy_file = gate.yaml\n")
    gate = '"placement:usages": "@"\n'
    code, out, _ = policy("list", "--gate", "--config-dir", ".", gate=gate)
    lines = {line.split()[1]: line.split()[2:] for line in out.splitlines()}
    assert code == 0
    assert lines["placement:usages"] == ["-", "gate.yaml:1:1", "@"]
    assert lines["placement:reshaper:reshape"] == ["-", "(default)", "rule:service_api"]


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["list"], "there is no target policy; name one with --policy or --config-dir"),
        (["list", "--policy", "gone"], "policy.unusable: [placement_guard] target_policy_file: "),
        (["list", "--config-dir", "gone"], "gone/placement.conf cannot be read; choose another"),
    ],
    ids=["none is named", "it is not there", "no configuration"],
)
def test_what_cannot_be_listed(policy, arguments, why):
    code, out, err = policy(*arguments)
    assert (code, out) == (2, "")
    assert err.startswith(f"placement-guard policy list: {why}")


def test_a_policy_that_cannot_be_used_is_told_with_every_place(policy):
    broken = '"a": "no_such:x"\n"b": "rule:gone"\n'
    code, _, err = policy("list", "--policy", "policy.yaml", policy=broken)
    assert code == 2
    assert [line.rpartition("/")[2].split(": ")[0] for line in err.splitlines()] == [
        "policy.yaml:1:7", "policy.yaml:2:7",
    ]  # fmt: skip


# Test ------------------------------------------------------------------------------------------


def test_all_as_expected(policy):
    assert policy("test", "cases.yaml") == (
        0,
        (
            "    FILE        CASE     GOT      BY                                            WHERE\n"
            f"ok  cases.yaml  its own  allowed  {RULE}  policy.yaml:3:1\n"
            f"ok  cases.yaml  VCPU     refused  {RULE}  policy.yaml:3:1\n"
            "\n2 cases, 0 failed.\n"
        ),
        "",
    )


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (
            ("expect: refused", "expect: allowed"),
            (
                f"VCPU: expected allowed, got refused by {RULE}: resource class VCPU is not allowed by "
                f"resource_classes:CUSTOM_ACCELERATOR_*, by policy rule {RULE}: $.inventories.VCPU"
            ),
        ),
        (
            (f"rule: {RULE}", "rule: everybody"),
            f"its own: expected allowed by everybody, got allowed by {RULE}",
        ),
        (
            ("{VCPU: {total: 8}}}", "{VCPU: {total: x}}}"),
            "VCPU: expected refused, got not judged (document.invalid): ",
        ),
        (
            ("roles: [service]", "roles: [reader]"),
            (
                "its own: expected allowed by cyborg:resource_providers:inventories:update, got refused "
                "by placement:resource_providers:inventories:update: Policy does not allow placement:re"
            ),
        ),
    ],
    ids=["another verdict", "another rule", "no policy was asked", "another policy"],
)
def test_one_that_is_not(policy, change, told):
    code, out, err = policy("test", "cases.yaml", cases=CASES.replace(*change))
    assert (code, err) == (1, "")
    assert "FAILED" in out
    assert f"\n{told}" in out
    schema = policy("test", "--format", "json", "cases.yaml", cases=CASES.replace(*change))
    jsonschema.validate(json.loads(schema[1]), SCHEMA)
    assert json.loads(schema[1])["summary"]["failed"] >= 1


def test_another_policy_than_the_one_that_the_file_names(policy):
    _, out, _ = policy("test", "cases.yaml", "--policy", "other.yaml", other='"everybody": "!"\n')
    assert out.count("refused  everybody  other.yaml:1:1") == 2


def test_what_is_only_observed_is_judged(policy, tmp_path):
    (tmp_path / "placement.conf").write_text(
        f"[placement_guard]\ntarget_policy_file = {tmp_path}/policy.yaml\nobserve = true\n"
        "target_policy_observe = *\nrules = policy.target_forbidden:warn\n"
    )
    assert policy("test", "--config-dir", ".", "cases.yaml")[0] == 0


@pytest.mark.parametrize(
    ("stored", "expect"),
    [("{}", "allowed"), (f"{{providers: {{{RP}: {{inventories: {{VCPU: {{}}}}}}}}}}", "refused")],
    ids=["nothing", "something"],
)
@pytest.mark.parametrize("of", ["case", "file"])
def test_what_is_stored_is_told(policy, of, stored, expect):
    stateful = '"placement_guard:resource_providers:inventories:delete": "dropped_classes:none"\n'
    case = f"""\
policy: [policy.yaml]
{"stored: " + stored if of == "file" else ""}
cases:
- case: wipe
  who: {{user_name: nova, roles: [admin]}}
  request: DELETE /resource_providers/{RP}/inventories
  expect: {expect}
  {"stored: " + stored if of == "case" else ""}
"""
    assert policy("test", "cases.yaml", policy=stateful, cases=case)[0] == 0


def test_a_body_may_be_text(policy):
    data = "{resource_provider_generation: 1, inventories: {VCPU: {total: 8}}}"
    text = '{"resource_provider_generation": 1, "inventories": {"VCPU": {"total": 8}}}'
    assert policy("test", "cases.yaml", cases=CASES.replace(data, f"'{text}'"))[0] == 0
    twice = text.replace('"total": 8', '"total": 8, "total": 8')
    _, out, _ = policy("test", "cases.yaml", cases=CASES.replace(data, f"'{twice}'"))
    assert out.count("not judged (json.duplicate_key)") == 2


LAUGH = "".join(f"  - &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 12))


@pytest.mark.parametrize(
    ("cases", "why"),
    [
        ("cases: []\n", "cases.yaml: Expected `array` of length >= 1 - at `$.cases`"),
        ("cases: [\n", "cases.yaml:2:1 is no YAML: "),
        ("- a\n", "cases.yaml: Expected `object`, got `array`"),
        (CASES.replace("expect: refused", "expect: no"), "cases.yaml: Expected `str`, got `bool` -"),
        (CASES.replace("expect: refused", "expect: maybe"), "cases.yaml: Invalid enum value 'maybe'"),
        (CASES.replace("  who: cyborg", "  who: nobody"), "cases.yaml: its own: who is nobody? The"),
        (CASES.replace("expect:", "expects:"), "cases.yaml: Object contains unknown field `expects`"),
        (
            CASES.replace("  expect:", "  microversion: '1.400'\n  expect:"),
            "cases.yaml: its own: there is no microversion 1.400",
        ),
        (CASES.replace("request: PUT /", "request: a"), "cases.yaml: its own: 'aresource_providers/"),
        (
            "x: &a0 [1]\n".replace("x:", "who: {}\nstored: {}\ncases:\n- case: lol\n  who: {user_id: x}\n"
            "  request: POST /reshaper\n  expect: refused\n  body:\n  -") + LAUGH,
            "cases.yaml: lol: a body has more than 1000000 values",
        ),
    ],
    ids=[
        "no case", "no YAML", "no mapping", "no text", "no verdict", "nobody", "a word that is none",
        "no microversion", "no request", "a body without end",
    ],
)  # fmt: skip
def test_a_file_that_cannot_be_used(policy, cases, why):
    code, out, err = policy("test", "cases.yaml", cases=cases)
    assert (code, out) == (2, "")
    assert err.startswith(f"placement-guard policy test: {why}")
    assert len(err.splitlines()) == 1


def test_the_file_in_the_help_is_one(policy):
    _, _, text = _ENDING.partition("JSON):\n")
    text = text.partition("\n\n")[0].replace("\n  ", "\n")[2:]
    assert policy("test", "cases.yaml", cases=text)[0] == 0
