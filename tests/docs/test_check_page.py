"""The commands on the page about checks do what the page says."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from placement_guard.api.exact import MAX_PLACES
from placement_guard.api.finding import MAX_FINDINGS
from placement_guard.cli.policy.cases import MAX_CASES, Case, CaseFile, Who
from placement_guard.policy.stored import Stored, StoredConsumer, StoredProvider

PAGE = (Path(__file__).parents[2] / "docs/check.md").read_text()
BLOCK = re.compile(r"<!-- run: (\w+)(?:, exit (\d))? -->\n```sh\n(.*?)```", re.DOTALL)
ANSWER = re.compile(r"<!-- answer: (\w+) -->\n```text\n(.*?)```", re.DOTALL)
COMMANDS = {name: (int(code or 0), text) for name, code, text in BLOCK.findall(PAGE)}
ANSWERS = dict(ANSWER.findall(PAGE))
SECONDS = 60


@pytest.fixture(scope="module")
def shell(tmp_path_factory):
    """Runs a command as the page has it, where its files are."""
    where = tmp_path_factory.mktemp("check-page")
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    environ = {"PATH": path, "HOME": str(where), "PYTHONPATH": os.environ.get("PYTHONPATH", "")}

    def run(name):
        code, command = COMMANDS[name]
        done = subprocess.run(
            ["bash", "-euc", command], cwd=where, env=environ, capture_output=True, text=True,
            timeout=SECONDS, check=False,
        )  # fmt: skip
        assert (done.returncode, done.stderr) == (code, "")
        return done.stdout

    run.where = where
    assert run("make") == run("conf") == run("policy") == run("cases") == ""
    return run


def test_every_command_is_run():
    assert len(COMMANDS) == PAGE.count("```sh\n") == 14
    assert len(ANSWERS) == PAGE.count("```text\n") == 8


@pytest.mark.parametrize("name", ANSWERS)
def test_a_command_gives_what_is_shown(shell, name):
    assert shell(name) == ANSWERS[name]


def test_the_object_is_what_the_page_says(shell):
    assert shell("json") == ""
    told = json.loads((shell.where / "findings.json").read_text())
    [file] = told["files"]
    members = {*told, *file, *file["judged_as"][0], *file["findings"][0], *told["summary"]}
    section = PAGE.partition("### For programs")[2].partition("<!--")[0]
    assert members - {"summary"} == set(re.findall(r"`(\w+)`", section)) - {"summary"}


def test_completion_is_where_bash_looks_for_it(shell):
    assert shell("completion") == ""
    script = shell.where / ".local/share/bash-completion/completions/placement-guard"
    assert "complete -o bashdefault" in script.read_text()


def test_the_bounds_are_those_of_the_source():
    assert f"More than {MAX_FINDINGS} findings of a rule" in PAGE
    assert f"it looks at {MAX_PLACES} places of each level" in PAGE
    assert f"at most {MAX_CASES} cases" in PAGE


@pytest.mark.parametrize("kind", [CaseFile, Case, Who, Stored, StoredProvider, StoredConsumer])
def test_every_key_is_told(kind):
    assert [key for key in kind.__struct_fields__ if f"`{key}`" not in PAGE] == []
