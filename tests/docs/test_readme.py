"""The README's commands give what the README shows."""

import json
import re
import subprocess
import sys
import threading
import urllib.request
from pathlib import Path

import pytest

README = Path(__file__).parents[2] / "README.md"
READY_SECONDS = 60
BLOCK = re.compile(r"<!-- (run|answer): (\w+) -->\n+```\w*\n(.*?)```", re.DOTALL)


def blocks():
    found = {(kind, name): text.strip() for kind, name, text in BLOCK.findall(README.read_text())}
    return {name: (found["run", name], found["answer", name]) for kind, name in found}


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """What ``make serve`` starts, on the ports that the README names."""
    process = subprocess.Popen(
        [sys.executable, "-m", "placement_guard", "serve",
         "--state-dir", str(tmp_path_factory.mktemp("readme"))],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    too_late = threading.Timer(READY_SECONDS, process.kill)
    too_late.start()
    said = ""
    for line in process.stdout:
        said += line
        if "Ctrl-C" in line:
            break
    too_late.cancel()
    assert "Ctrl-C" in said, said
    yield process
    process.terminate()
    process.communicate()


def comparable(text):
    """JSON without what differs from run to run."""
    data = json.loads(text)
    for error in data.get("errors", ()):
        error.pop("request_id")
    return data


def test_the_readme_shows_three_curls():
    assert set(blocks()) == {"accepted", "refused", "metrics"}


@pytest.mark.parametrize("name", ["accepted", "refused", "metrics"])
@pytest.mark.parametrize("turn", ["once", "again"])
def test_a_curl_gives_what_is_shown(server, name, turn):
    command, shown = blocks()[name]
    done = subprocess.run(
        ["bash", "-euc", command], capture_output=True, text=True, timeout=READY_SECONDS, check=True
    )
    if name == "metrics":
        # Counts go on; the series are what is shown.
        series = {line.rsplit(" ", 1)[0] for line in done.stdout.splitlines()}
        assert {line.rsplit(" ", 1)[0] for line in shown.splitlines()} <= series
    else:
        assert comparable(done.stdout) == comparable(shown)


def test_the_metrics_are_where_the_readme_says(server):
    assert "http://127.0.0.1:9778/metrics" in README.read_text()
    with urllib.request.urlopen("http://127.0.0.1:9778/metrics") as answer:
        assert b"placement_guard_requests_total" in answer.read()
