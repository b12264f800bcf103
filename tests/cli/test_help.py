"""What every command says of itself is true: its examples run, its exit codes are told."""

import io
import re
import shlex
import sys
import types

import pytest

from placement_guard import cli
from placement_guard.recording.lines import Header, Record, encode
from placement_guard.rules import RULES
from placement_guard.version import __version__
from tests.cli_page import commands

PARSERS = {parser.prog: parser for parser in commands()}

BODIES = {
    "inventories.json": (
        b'{"resource_provider_generation": 1, "inventories": {"VCPU": {"total": 1}}}'
    ),
    "reshape.json": (
        b'{"inventories": {"4e8e5957-649f-477b-9e5b-f1f75b21c03c": {'
        b'"resource_provider_generation": 1, "inventories": {}}}, "allocations": {}}'
    ),
}


def recording(path, identity):
    """A recording of one write of inventories that was let through."""
    body = (
        '{"resource_provider_generation": 1, '
        '"inventories": {"CUSTOM_A": {"total": 8, "min_unit": 9, "max_unit": 8}}}'
    )
    one = Record(
        at=0.0,
        id="req-1",
        by="a",
        method="PUT",
        path=path,
        operation="resource_providers:inventories:update",
        status=200,
        outcome="committed",
        version=(1, 39),
        headers={"CONTENT_TYPE": "application/json", "CONTENT_LENGTH": str(len(body))},
        identity=identity,
        size=len(body),
        body=body,
        asked=True,
        warnings=["inventory.min_above_max"],
    )
    modes = {rule.id: rule.default_mode.value for rule in RULES}
    header = Header(1, "a", __version__, "", "whole", modes)
    return b"".join(encode(line) + b"\n" for line in (header, one))


def _user(name):
    return {"user_id": name, "user_name": name, "roles": ["service"]}


_INVENTORIES = "/resource_providers/4e8e5957-649f-477b-9e5b-f1f75b21c03c/inventories"

FILES = {
    **BODIES,
    "capture.jsonl": recording(_INVENTORIES, _user("cyborg")),
    "capture.jsonl.1": recording(_INVENTORIES, _user("nova")),
    "gate.yaml": b'"placement:resource_providers:inventories:update": "role:gardener"\n',
    "policy.yaml": (
        b'"profile:cyborg": "user_name:cyborg"\n'
        b'"cyborg:resource_providers:inventories:update": "resource_classes:VCPU"\n'
    ),
    "cases.yaml": (
        b"policy: [policy.yaml]\n"
        b"cases:\n"
        b"- case: one\n"
        b"  who: {user_name: cyborg, roles: [service]}\n"
        b"  request: DELETE /traits/CUSTOM_A\n"
        b"  expect: refused\n"
    ),
    "conf/placement.conf": b"[placement_guard]\nmetrics_port = 0\nlanes = false\n",
}


FINDING = {
    "placement-guard replay --policy policy.yaml capture.jsonl.1 capture.jsonl",
    "placement-guard replay --gate-policy gate.yaml --format json - < capture.jsonl",
    "placement-guard replay --rules inventory.min_above_max:enforce --against conf capture.jsonl",
}
"""The examples that find something in these files."""


def examples():
    for name, parser in PARSERS.items():
        _, _, block = (parser.epilog or "").partition("examples:\n")
        whole = block.partition("\n\n")[0].replace("\\\n", " ")
        for line in whole.splitlines():
            text = " ".join(line.split())
            yield pytest.param(name, text, id=text)


@pytest.mark.parametrize(("name", "line"), list(examples()))
def test_an_example_runs(name, line, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "conf").mkdir(mode=0o700)
    for file, text in FILES.items():
        (tmp_path / file).write_bytes(text)
    words = shlex.split(line)
    assert " ".join(words).startswith(name)
    if "<" in words:
        at = words.index("<")
        given = (tmp_path / words[at + 1]).read_bytes()
        monkeypatch.setattr(sys, "stdin", types.SimpleNamespace(buffer=io.BytesIO(given)))
        del words[at : at + 2]
    words = words[: words.index(">")] if ">" in words else words
    code = 1 if line in FINDING else 0
    assert f"\n  {code}  " in PARSERS[name].epilog
    assert cli.main(words[1:]) == code
    told = capsys.readouterr()
    assert told.out
    assert told.err == ""


def test_the_examples_that_find_something_are_there():
    assert {param.values[1] for param in examples()} >= FINDING


def test_the_commands_of_this_release_have_examples():
    assert {param.values[0] for param in examples()} == set(PARSERS) - {
        "placement-guard serve", "placement-guard scan",
    }  # fmt: skip


@pytest.mark.parametrize("name", [name for name in PARSERS if name != "placement-guard serve"])
def test_the_exit_codes_are_told(name):
    codes = re.search(r"^exit codes?:\n((?:  .*\n)+)", PARSERS[name].epilog, re.MULTILINE)
    assert re.findall(r"^  (\d)  ", codes[1], re.MULTILINE) in (["0", "2"], ["0", "1", "2"])


@pytest.mark.parametrize("name", PARSERS)
def test_every_argument_says_what_it_is_for(name):
    for action in PARSERS[name]._actions:
        assert action.help, action


def test_without_a_command_it_says_which_there_are(capsys):
    with pytest.raises(SystemExit) as end:
        cli.main([])
    assert end.value.code == 2
    assert "required: COMMAND" in capsys.readouterr().err
