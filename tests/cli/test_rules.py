"""``placement-guard rules``: the catalogue, and the modes that a configuration comes to."""

import json
from pathlib import Path

import jsonschema
import pytest

from placement_guard import cli
from placement_guard.cli.rules import PAGE
from placement_guard.rules import BY_ID, RULES

ROOT = Path(__file__).parents[2]

RULE = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "rule": {"enum": list(BY_ID)},
        "stage": {"enum": sorted({rule.stage for rule in RULES})},
        "status": {"type": "integer", "minimum": 400, "maximum": 499},
        "code": {"type": "string"},
        "kind": {"enum": ["sound", "chosen", "opinion"]},
        "default_mode": {"enum": ["enforce", "warn"]},
        "mode": {"enum": ["enforce", "warn", "off"]},
        "since": {"type": "string"},
        "because": {"type": "string"},
        "message": {"type": ["string", "null"]},
        "placement_has_it": {"type": "boolean"},
        "asked_after_a_failure": {"type": "boolean"},
        "wrong_pipeline": {"type": "boolean"},
        "page": {"type": "string"},
    },
}
SCHEMA = {
    "type": "object",
    "additionalProperties": False,
    "required": ["observe", "rules"],
    "properties": {
        "observe": {"type": "boolean"},
        "rules": {"type": "array", "items": {**RULE, "required": list(RULE["properties"])}},
    },
}


@pytest.fixture
def rules(capsys):
    def run(*arguments):
        code = cli.main(["rules", *arguments])
        told = capsys.readouterr()
        return code, told.out, told.err

    return run


@pytest.fixture
def conf(tmp_path):
    (tmp_path / "placement.conf").write_text(
        "[placement_guard]\nobserve = true\n"
        "rules = json.duplicate_key:off,inventory.zero_ratio:enforce\n"
    )
    return ("--config-dir", str(tmp_path))


def test_all_of_them_a_line_each(rules):
    code, out, err = rules()
    assert (code, err) == (0, "")
    head, *lines = out.splitlines()
    assert head.split() == [
        "RULE", "STAGE", "STATUS", "KIND", "DEFAULT", "MODE", "SINCE", "BECAUSE",
    ]  # fmt: skip
    assert [line.split()[0] for line in lines] == [rule.id for rule in RULES]
    [line] = [line for line in lines if line.startswith("inventory.zero_ratio ")]
    assert line.split(maxsplit=7)[1:] == [
        "invariants", "400", "opinion", "warn", "warn", "0.1.0",
        BY_ID["inventory.zero_ratio"].summary,
    ]  # fmt: skip
    columns = {line.index(BY_ID[line.split()[0]].summary) for line in lines}
    assert columns == {head.index("BECAUSE")}


def test_the_modes_are_those_of_the_configuration(rules, conf):
    code, out, _ = rules(*conf, "--format", "json")
    told = json.loads(out)
    assert (code, told["observe"]) == (0, True)
    modes = {rule["rule"]: (rule["default_mode"], rule["mode"]) for rule in told["rules"]}
    assert modes["json.duplicate_key"] == ("enforce", "off")
    assert modes["inventory.zero_ratio"] == ("warn", "warn")
    assert modes["json.malformed"] == ("enforce", "warn")


def test_json_is_as_its_schema_says(rules):
    told = json.loads(rules("--format", "json")[1])
    jsonschema.validate(told, SCHEMA)
    assert [rule["rule"] for rule in told["rules"]] == [rule.id for rule in RULES]


def test_one_of_them_in_full(rules, conf):
    assert rules("json.duplicate_key", *conf) == (
        0,
        (
            "json.duplicate_key\n"
            "  broken   because a key stands twice in one object\n"
            "  stage    document\n"
            "  status   400\n"
            "  code     placement_guard.json.duplicate_key\n"
            "  whose    the guard's only\n"
            "  kind     sound\n"
            "  default  enforce\n"
            "  mode     off (the option rules says off)\n"
            "  since    0.1.0\n"
            "  page     docs/rules/json.duplicate_key.md\n"
        ),
        "",
    )


@pytest.mark.parametrize(
    ("rule", "told"),
    [
        ("json.malformed", "mode     warn (observe lets it pass)"),
        ("inventory.zero_ratio", "warn (the option rules says enforce, observe lets it pass)"),
        ("inventory.min_above_max", "mode     warn\n"),
        ("json.malformed", "whose    Placement refuses it too, in the same words"),
        ("query.nul_character", "asked    after Placement has failed, to name the cause"),
        ("context.reused", "note     only a wrong pipeline around the guard breaks it"),
        ("body.incomplete", "message  The body ended before it was complete."),
    ],
)
def test_what_is_told_of_one(rules, conf, rule, told):
    assert told in rules(rule, *conf)[1]


def test_several_in_the_order_that_was_asked(rules):
    _, out, _ = rules("json.not_finite", "context.missing")
    assert [line for line in out.splitlines() if line and line[0] != " "] == [
        "json.not_finite", "context.missing",
    ]  # fmt: skip
    told = json.loads(rules("json.not_finite", "--format", "json")[1])
    assert [rule["rule"] for rule in told["rules"]] == ["json.not_finite"]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_the_page_is_there(rule):
    assert (ROOT / PAGE.format(rule.id)).is_file()


def test_one_that_is_none(rules):
    assert rules("json.duplicate_keys") == (
        2, "",
        ("placement-guard rules: there is no rule json.duplicate_keys; did you mean "
        "json.duplicate_key?\n"),
    )  # fmt: skip
    assert rules("\x1b[2J") == (2, "", "placement-guard rules: there is no rule \\x1b[2J\n")


def test_a_configuration_that_cannot_be_used(rules, tmp_path):
    (tmp_path / "placement.conf").write_text("[placement_guard]\nrules = x:off\n")
    code, out, err = rules("--config-dir", str(tmp_path))
    assert (code, out) == (2, "")
    assert err.startswith("placement-guard rules: settings.unknown_rule: [placement_guard] rules:")
    (tmp_path / "placement.conf").write_text("[placement_guard\n")
    code, _, err = rules("--config-dir", str(tmp_path))
    assert code == 2
    assert "Invalid section" in err
