"""A real Prometheus that scrapes a real guarded Placement of two uWSGI workers, under load."""

import contextlib
import json
import shutil
import subprocess
import time
import urllib.parse
import urllib.request

import pytest
import yaml

from deploy.monitoring import prometheus as made
from tests.monitoring.load import BREAKER, POLICY, Load
from tests.uwsgi_workers import Workers, free_port

PROMETHEUS, PROMTOOL = shutil.which("prometheus"), shutil.which("promtool")
PACKAGE = "the Debian package prometheus"

LOAD_SECONDS = 14
"""How long the load lasts: some scrapes, and more than two of each rate."""


class Prometheus:
    """A server of its own, that scrapes one target and evaluates our rules each second."""

    def __init__(self, directory, target):
        self.port = free_port()
        self.directory = directory
        config = made.prometheus()
        config["global"] = {"scrape_interval": "1s", "evaluation_interval": "1s"}
        config["scrape_configs"][0]["static_configs"] = [{"targets": [target]}]
        (directory / made.RULES_FILE).write_text(made.written(made.rules()))
        (directory / "prometheus.yml").write_text(yaml.safe_dump(config))
        self.log = (directory / "prometheus.log").open("wb")
        self.process = subprocess.Popen(
            [
                PROMETHEUS,
                f"--config.file={directory}/prometheus.yml",
                f"--storage.tsdb.path={directory}/data",
                f"--web.listen-address=127.0.0.1:{self.port}",
            ],
            stdout=self.log,
            stderr=subprocess.STDOUT,
        )

    def get(self, path, **query):
        address = f"http://127.0.0.1:{self.port}{path}?{urllib.parse.urlencode(query)}"
        with urllib.request.urlopen(address, timeout=30) as answer:
            return json.load(answer)["data"]

    def query(self, expr):
        """The series of an instant query."""
        return self.get("/api/v1/query", query=expr)["result"]

    def until(self, is_so, seconds=60):
        deadline = time.monotonic() + seconds
        while True:
            with contextlib.suppress(OSError):
                found = is_so()
                if found:
                    return found
            assert self.process.poll() is None, (self.directory / "prometheus.log").read_text()
            assert time.monotonic() < deadline, (self.directory / "prometheus.log").read_text()
            time.sleep(0.2)

    def close(self):
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(20)
        self.log.close()


@pytest.fixture(scope="session")
def promtool(api):
    """Runs promtool, and gives what it says; it must succeed."""
    api.require(PROMTOOL, PACKAGE)

    def run(*arguments, text=None):
        done = subprocess.run(
            [PROMTOOL, *map(str, arguments)],
            input=text,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    return run


@pytest.fixture(scope="session")
def monitored(tmp_path_factory, api):
    """``monitored.workers`` and ``monitored.prometheus``, after the load."""
    api.require(PROMETHEUS, PACKAGE)
    directory = tmp_path_factory.mktemp("monitored")
    policy = directory / "target-policy.yaml"
    policy.write_text(POLICY)
    guard = {
        "target_policy_file": policy,
        "break_glass_role": BREAKER.rpartition(",")[2],
        "audit": directory / "audit.jsonl",
        "capture_file": directory / "capture.jsonl",
        "verify_share": 1.0,
        "limit_claims": 4,
        "lane_directory": directory / "lanes",
    }
    (directory / "lanes").mkdir(mode=0o700)
    (directory / "prometheus").mkdir()
    with contextlib.ExitStack() as stack:
        workers = stack.enter_context(contextlib.closing(Workers(directory, api, guard)))
        workers.until_ready()
        workers.until_all_have_loaded()
        prometheus = stack.enter_context(
            contextlib.closing(
                Prometheus(directory / "prometheus", f"127.0.0.1:{workers.metrics_port}")
            )
        )
        prometheus.workers = workers
        prometheus.until(lambda: prometheus.query("placement_guard_workers"))
        load = Load(workers)
        load.begin()
        load.run(LOAD_SECONDS / 2)
        policy.write_text(POLICY + "# and another line\n")
        load.run(LOAD_SECONDS / 2)
        prometheus.load = load
        yield prometheus
