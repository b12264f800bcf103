"""``placement-guard check``: what it reads, what it writes, how it ends."""

import io
import json
import os
import pty
import re
import subprocess
import sys
import types
from pathlib import Path

import jsonschema
import pytest

from placement_guard import cli
from placement_guard.rules import BY_ID, RULES, Mode
from tests import rule_requests
from tests.rule_examples import EXAMPLES
from tests.rule_examples.example import WRITTEN_OUT

SECONDS = 60

BROKEN = b'{"resource_provider_generation": 1, "inventories": {"VCPU": {"total": 1, "total": 2}}}'
DOUBTFUL = (
    b'{"resource_provider_generation": 1,'
    b' "inventories": {"VCPU": {"total": 8, "min_unit": 4, "max_unit": 2}}}'
)
SOUND = b'{"resource_provider_generation": 1, "inventories": {"VCPU": {"total": 1}}}'
EITHER = b'{"name": "CUSTOM_X\\n"}'

SCHEMA = {
    "type": "object",
    "additionalProperties": False,
    "required": ["files", "summary"],
    "properties": {
        "files": {
            "type": "array",
            "items": {
                "type": "object",
                "additionalProperties": False,
                "required": ["file", "judged_as", "guessed", "not_judged", "findings", "more"],
                "properties": {
                    "file": {"type": "string"},
                    "judged_as": {
                        "type": "array",
                        "items": {
                            "type": "object",
                            "required": [
                                "operation",
                                "method",
                                "path",
                                "microversion",
                                "fits_from",
                            ],
                            "additionalProperties": {"type": "string"},
                        },
                    },
                    "guessed": {"items": {"enum": ["operation", "microversion"]}},
                    "not_judged": {"type": ["string", "null"]},
                    "findings": {
                        "type": "array",
                        "items": {
                            "type": "object",
                            "additionalProperties": False,
                            "required": ["severity", "rule", "status", "path", "what"],
                            "properties": {
                                "severity": {"enum": ["refused", "warned"]},
                                "rule": {"enum": list(BY_ID)},
                                "status": {"type": "integer"},
                                "path": {"type": "string", "pattern": r"^\$"},
                                "what": {"type": "string"},
                            },
                        },
                    },
                    "more": {"type": "array", "items": {"enum": list(BY_ID)}},
                },
            },
        },
        "summary": {
            "type": "object",
            "additionalProperties": {"type": "integer"},
            "required": ["files", "refused", "warned", "not_judged"],
        },
    },
}


@pytest.fixture
def check(tmp_path, monkeypatch, capsys):
    """Runs the command in a directory of its own; gives exit code, output, errors."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("NO_COLOR", raising=False)

    def run(*arguments, given=b"", **files):
        for name, content in files.items():
            (tmp_path / f"{name}.json").write_bytes(content)
        monkeypatch.setattr(sys, "stdin", types.SimpleNamespace(buffer=io.BytesIO(given)))
        try:
            code = cli.main(["check", *arguments])
        except SystemExit as end:  # argparse's
            code = end.code
        told = capsys.readouterr()
        return code, told.out, told.err

    return run


AS = (
    "judged as resource_providers:inventories:update (PUT /resource_providers/{uuid}/inventories), "
    "microversion 1.39 (1.0 to 1.39 fit); guessed: operation and microversion"
)


# Exit codes and lines --------------------------------------------------------------------------


def test_nothing_found(check):
    assert check("a.json", a=SOUND) == (0, f"a.json: {AS}\n\nNothing found in 1 file.\n", "")


def test_something_that_is_refused(check):
    assert check("a.json", "b.json", a=BROKEN, b=SOUND) == (
        1,
        (
            f"a.json: {AS}\n"
            "a.json: $.inventories.VCPU.total: refused: json.duplicate_key: the key stands there more "
            "than once\n"
            f"b.json: {AS}\n"
            "\n1 finding (1 refused, 0 warned) in 2 files.\n"
        ),
        "",
    )


@pytest.mark.parametrize(
    ("more", "code"),
    [([], 0), (["--strict"], 1), (["--rules", "inventory.min_above_max:off", "--strict"], 0)],
    ids=["as it is", "strict", "switched off"],
)
def test_something_that_is_warned_of(check, more, code):
    assert check("a.json", *more, a=DOUBTFUL)[0] == code


def test_a_rule_in_another_mode(check):
    code, out, _ = check("a.json", "--rules", "inventory.min_above_max:enforce", a=DOUBTFUL)
    assert code == 1
    assert "min_unit: refused: inventory.min_above_max: above max_unit" in out


def test_the_rules_of_a_configuration_and_one_changed(check, tmp_path):
    (tmp_path / "placement.conf").write_text(
        "[placement_guard]\nrules = json.duplicate_key:warn,inventory.min_above_max:enforce\n"
    )
    where = ("--config-dir", str(tmp_path))
    code, out, _ = check("a.json", *where, a=BROKEN)
    assert (code, "warned: json.duplicate_key" in out) == (0, True)
    code, out, _ = check("a.json", *where, "--rules", "json.duplicate_key:off", a=DOUBTFUL)
    assert (code, "refused: inventory.min_above_max" in out) == (1, True)


def test_a_body_that_is_too_large_is_not_read_to_its_end(check, tmp_path):
    (tmp_path / "placement.conf").write_text("[placement_guard]\nmax_body_bytes = 1024\n")
    code, out, err = check("/dev/zero", "--config-dir", str(tmp_path))
    assert (code, err) == (1, "")
    assert out.splitlines()[0] == (
        "/dev/zero: $: refused: body.too_large: The body has more than 1024 bytes; the limit is "
        "1024 bytes."
    )


def test_standard_input(check):
    code, out, _ = check("-", given=BROKEN)
    assert code == 1
    assert out.startswith("(standard input): judged as ")


def test_standard_input_can_be_named_once(check):
    assert check("-", "-") == (
        2, "", "placement-guard check: standard input can be read once; name - once\n",
    )  # fmt: skip


def test_what_cannot_be_read_is_told_and_the_rest_is_judged(check, tmp_path):
    (tmp_path / "folder").mkdir()
    assert check("gone.json", "folder", "a\0b", "a.json", a=BROKEN) == (
        2,
        (
            "gone.json: not judged: it cannot be read (No such file or directory)\n"
            "folder: not judged: it cannot be read (Is a directory)\n"
            "a\\x00b: not judged: it cannot be read (embedded null byte)\n"
            f"a.json: {AS}\n"
            "a.json: $.inventories.VCPU.total: refused: json.duplicate_key: the key stands there more "
            "than once\n"
            "\n1 finding (1 refused, 0 warned) in 1 file; 3 files not judged.\n"
        ),
        "",
    )


def test_what_cannot_be_told_apart_is_listed(check):
    assert check("a.json", a=EITHER) == (
        2,
        (
            "a.json: not judged: it may be POST /resource_classes, PUT /resource_classes/{name}, POST "
            "/resource_providers, PUT /resource_providers/{uuid}; say which with --operation\n"
            "\n1 file not judged.\n"
        ),
        "",
    )


@pytest.mark.parametrize(
    ("operation", "code"),
    [
        ("resource_classes:create", 1),
        ("POST /resource_classes", 1),
        ("PUT /resource_providers/4e8e5957-649f-477b-9e5b-f1f75b21c03c", 0),
    ],
)
def test_what_it_is_said_to_be_it_is(check, operation, code):
    assert check("a.json", "--operation", operation, "--microversion", "1.39", a=EITHER)[0] == code


def test_what_was_said_is_not_called_guessed(check):
    said = ("--operation", "reshaper:reshape", "--microversion", "1.30")
    _, out, _ = check("a.json", *said, a=SOUND)
    assert out.startswith(
        "a.json: judged as reshaper:reshape (POST /reshaper), microversion 1.30\n"
    )


def test_what_is_like_nothing_is_not_judged(check):
    code, out, _ = check("a.json", a=b'{"foo": 1}')
    assert code == 2
    assert "it is like no body that Placement takes" in out


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["--operation", "traits:update"], "traits:update takes no body; those that take one: res"),
        (["--operation", "reshape"], "reshape is no operation; those that take one: resource_cl"),
        (
            ["--operation", "reshaper:reshape", "--microversion", "1.29"],
            "reshaper:reshape takes no body at this microversion; it does at 1.30 to 1.33, 1.34 to",
        ),
        (["--rules", "json.x:off"], "settings.unknown_rule: [placement_guard] rules: there is no"),
        (["--rules", "json.duplicate_key:no"], "settings.unknown_mode: [placement_guard] rules:"),
        (["--rules", "nonsense"], "--rules 'nonsense': write for example json.duplicate_key:warn,"),
        (
            ["--config-dir", "nowhere"],
            "nowhere/placement.conf cannot be read; choose another --con",
        ),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_what_cannot_be_done_as_asked(check, arguments, why):
    code, out, err = check("a.json", *arguments, a=SOUND)
    assert (code, out) == (2, "")
    assert err.startswith(f"placement-guard check: {why}")
    assert len(err.splitlines()) == 1


@pytest.mark.parametrize("text", ["1.40", "2.0", "1", "1.-1", "latest", "1.٣", "1.0000039", ""])
def test_a_microversion_has_bounds(check, text):
    code, _, err = check(f"--microversion={text}", "a.json")
    assert code == 2
    assert f"{text!r} is no microversion from 1.0 to 1.39" in err


def test_a_configuration_that_cannot_be_used(check, tmp_path):
    (tmp_path / "placement.conf").write_text("[placement_guard]\nmetrics_port = 70000\nfoo = 1\n")
    code, out, err = check("a.json", "--config-dir", str(tmp_path), a=SOUND)
    assert (code, out) == (2, "")
    assert [line.split(": ")[1] for line in err.splitlines()] == [
        "settings.unknown_option", "settings.metrics_port",
    ]  # fmt: skip


def test_an_interrupt(check, monkeypatch):
    class Interrupted(io.BytesIO):
        def read(self, *_):
            raise KeyboardInterrupt

    monkeypatch.setattr(cli.check, "opened", Interrupted().read)
    assert check("a.json") == (2, "", "placement-guard check: interrupted\n")


# Output ----------------------------------------------------------------------------------------


def test_json_is_as_its_schema_says(check):
    files = {"broken": BROKEN, "doubtful": DOUBTFUL, "either": EITHER, "no": b"\xff", "ok": SOUND}
    names = [f"{name}.json" for name in files]
    code, out, err = check("--format", "json", *names, "gone.json", **files)
    told = json.loads(out)
    jsonschema.validate(told, SCHEMA)
    assert (code, err) == (2, "")
    assert told["summary"] == {"files": 6, "refused": 2, "warned": 1, "not_judged": 2}
    assert [len(file["findings"]) for file in told["files"]] == [1, 1, 0, 1, 0, 0]
    assert [file["not_judged"] is None for file in told["files"]] == [
        True,
        True,
        False,
        True,
        True,
        False,
    ]
    assert told["files"][0]["judged_as"] == [
        {
            "operation": "resource_providers:inventories:update",
            "method": "PUT",
            "path": "/resource_providers/{uuid}/inventories",
            "microversion": "1.39",
            "fits_from": "1.0",
        }
    ]
    assert told["files"][0]["guessed"] == ["operation", "microversion"]


def test_names_and_values_reach_no_terminal_raw(check, tmp_path):
    name = "a\x1b[2J\u202e.json"
    (tmp_path / name).write_bytes(b'{"name": 1, "\\u001b[31m\\u202e": "\\ud800\\u0000"}')
    for form in ("table", "json"):
        code, out, err = check(name, "--format", form)
        assert (code, err) == (1, "")
        assert all(letter == "\n" or letter.isprintable() for letter in out)
    assert out.isascii()


def start(*arguments, **options):
    return subprocess.Popen(
        [sys.executable, "-m", "placement_guard", "check", *arguments],
        stderr=subprocess.PIPE, text=True, **options,
    )  # fmt: skip


def test_a_reader_that_went_away(tmp_path):
    (tmp_path / "a.json").write_bytes(BROKEN)
    reading, writing = os.pipe()
    os.close(reading)
    process = start(str(tmp_path / "a.json"), stdout=writing)
    os.close(writing)
    _, err = process.communicate(timeout=SECONDS)
    assert (process.returncode, err) == (
        2, "placement-guard check: the report cannot be written (Broken pipe)\n",
    )  # fmt: skip


def test_a_full_disk(tmp_path):
    (tmp_path / "a.json").write_bytes(BROKEN)
    with Path("/dev/full").open("w") as full:
        process = start(str(tmp_path / "a.json"), stdout=full)
        _, err = process.communicate(timeout=SECONDS)
    assert (process.returncode, err) == (
        2, "placement-guard check: the report cannot be written (No space left on device)\n",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("environ", "colours"),
    [({}, 1), ({"NO_COLOR": "1"}, 0), ({"TERM": "dumb"}, 0)],
    ids=["a terminal", "NO_COLOR", "a terminal without colours"],
)
def test_colour_is_for_terminals(check, monkeypatch, environ, colours):
    outer, inner = pty.openpty()
    monkeypatch.setenv("TERM", "xterm")
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    with os.fdopen(inner, "w") as terminal, monkeypatch.context() as patch:
        patch.setattr(sys, "stdout", terminal)
        assert check("a.json", a=BROKEN)[0] == 1
    out = os.read(outer, 65536).decode()
    os.close(outer)
    assert out.count("\x1b[31mrefused\x1b[0m") == colours
    assert out.count("\x1b") == 2 * colours


def test_no_colour_elsewhere(check):
    assert "\x1b" not in check("a.json", a=BROKEN)[1]


# Agreement with the guard ----------------------------------------------------------------------


_LATER = {"document", "invariants"}
_WITH_BODY = [r for r in RULES if r.stage in _LATER and not r.blamed]


def _sent(text):
    """Method, path, microversion and body of an example."""
    for short, whole in WRITTEN_OUT.items():
        text = text.replace(short, whole)
    head, _, body = text.partition("\n\n")
    method, path, _ = head.split("\n")[0].split(" ")
    version = re.search(r"placement (1\.\d+)", head)[1]
    return method, path, version, body.encode()


@pytest.mark.parametrize("rule", _WITH_BODY, ids=lambda rule: rule.id)
def test_the_example_of_a_rule_is_found(check, rule):
    method, path, version, body = _sent(EXAMPLES[rule.id].refused)
    said = ("--operation", f"{method} {path}", "--microversion", version, "--format", "json")
    code, out, _ = check("-", *said, given=body)
    [file] = json.loads(out)["files"]
    by_rule = {found["rule"]: found["severity"] for found in file["findings"]}
    assert by_rule[rule.id] == ("refused" if rule.default_mode is Mode.ENFORCE else "warned")
    assert code == (rule.default_mode is Mode.ENFORCE)
    assert rule.id in (rule_requests.refused(rule).decision or "")


@pytest.mark.parametrize("rule", _WITH_BODY, ids=lambda rule: rule.id)
def test_and_put_right_nothing_is_found(check, rule):
    method, path, version, body = _sent(EXAMPLES[rule.id].accepted)
    said = ("--operation", f"{method} {path}", "--microversion", version, "--format", "json")
    code, out, _ = check("-", *said, given=body)
    assert (code, json.loads(out)["files"][0]["findings"]) == (0, [])
