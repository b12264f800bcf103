"""The commands on the page about scans do what the page says; each kind has its section."""

import contextlib
import json
import os
import re
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from placement_guard.cli import scan
from placement_guard.scan import reader
from placement_guard.scan.kinds import KINDS
from placement_guard.scan.walk import MAX_TWINS, MAX_UNANSWERED

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/scan.md").read_text()
BLOCK = re.compile(r"<!-- run: (\w+)(?:, exit (\d))? -->\n```sh\n(.*?)```", re.DOTALL)
ANSWER = re.compile(r"<!-- answer: (\w+) -->\n```text\n(.*?)```", re.DOTALL)
COMMANDS = {name: (int(code or 0), text) for name, code, text in BLOCK.findall(PAGE)}
SECONDS = 120


@contextlib.contextmanager
def serving(state):
    """What ``make serve`` starts, on another port; gives the port."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, "-m", "placement_guard", "serve", "--port", str(port),
         "--state-dir", str(state), "--config-dir", str(state)],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    too_late = threading.Timer(SECONDS, process.kill)
    too_late.start()
    said = ""
    for line in process.stdout:
        said += line
        if "Ctrl-C" in line:
            break
    too_late.cancel()
    try:
        assert "Ctrl-C" in said, said
        yield port
    finally:
        process.terminate()
        process.communicate()


@pytest.fixture(scope="module")
def shell(tmp_path_factory, api):
    """Runs a command as the page has it, but for the port; where the page's Placement is."""
    where = tmp_path_factory.mktemp("scan-page")
    api.write_conf(where)  # which has no port for metrics
    with serving(where) as port:
        url = f"http://127.0.0.1:{port}"
        (where / "token").write_text("admin\n")
        (where / "clouds.yaml").write_text(
            "clouds:\n  mycloud:\n    auth_type: admin_token\n"
            f"    auth: {{endpoint: '{url}', token: admin}}\n"
        )
        environ = {name: value for name, value in os.environ.items() if name[:3] != "OS_"}
        environ["PATH"] = f"{Path(sys.executable).parent}:{environ['PATH']}"
        environ["OS_CLIENT_CONFIG_FILE"] = str(where / "clouds.yaml")
        environ["OS_CLOUD"] = "mycloud"

        def run(command):
            done = subprocess.run(
                ["bash", "-uc", command.replace("127.0.0.1:8778", f"127.0.0.1:{port}")],
                capture_output=True, text=True, timeout=SECONDS, check=False, cwd=where, env=environ,
            )  # fmt: skip
            return done.returncode, done.stdout, done.stderr

        assert run(f"set -e\n{COMMANDS['damage'][1]}") == (0, "", "")
        run.where = where
        yield run


def test_every_command_is_run():
    assert len(COMMANDS) == PAGE.count("```sh\n") == 8


@pytest.mark.parametrize("name", [name for name in COMMANDS if name != "damage"])
def test_a_command_does_what_the_page_says(shell, name):
    expected, command = COMMANDS[name]
    for line in command.splitlines():
        code, out, err = shell(line)
        assert code == expected
        shown = dict(ANSWER.findall(PAGE)).get(name)
        if shown:
            assert out == shown
        if "--provider" in line:
            assert "not looked for" in err
        else:
            assert err == ""


def test_the_files_are_what_the_page_says(shell):
    for line in COMMANDS["json"][1].splitlines():
        shell(line)
    told = json.loads((shell.where / "findings.json").read_text())
    row = PAGE.partition("| `json` |")[2].partition("\n")[0]
    for member in told["findings"][0]:
        assert f"`{member}`" in row
    head, finding = (shell.where / "findings.csv").read_text().splitlines()
    assert set(head.replace('"', "").split(",")) == set(told["findings"][0]) - {"values"}
    assert "4e8e5957-649f-477b-9e5b-f1f75b21c03c" in finding


@pytest.mark.parametrize("kind", KINDS.values(), ids=lambda kind: kind.id)
def test_a_kind_has_a_section_that_tells_its_severity(kind):
    _, _, section = PAGE.partition(f"\n### {kind.id}\n\n")
    assert section.startswith(kind.severity.value.capitalize())
    if not kind.by_default:
        assert f"`--only {kind.id}`" in section.partition("\n### ")[0]
    if kind.since > (1, 14):
        assert f"microversion {'.'.join(map(str, kind.since))}" in section.partition("\n### ")[0]


def test_no_section_is_about_a_kind_that_is_none():
    _, _, kinds = PAGE.partition("\n## Kinds\n")
    assert re.findall(r"^### (\S+)$", kinds, re.MULTILINE) == list(KINDS)


def test_the_bounds_are_those_of_the_source():
    assert f"`--concurrency`, 1 to {scan.MAX_THREADS}, by default {scan.THREADS} |" in PAGE
    assert f"`--timeout`, 1 to {scan.MAX_SECONDS:g} seconds, by default {scan.SECONDS:g} |" in PAGE
    assert f"| attempts | {reader.ATTEMPTS}, " in PAGE
    assert f"up to {reader.LONGEST_WAIT:g} seconds; otherwise {reader.FIRST_WAIT}, 1 and 2" in PAGE
    assert f"after {MAX_UNANSWERED} the scan is given up" in PAGE
    assert MAX_TWINS == 3
    assert "with more than three of them none is" in PAGE
