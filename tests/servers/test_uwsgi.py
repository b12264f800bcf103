"""Two uWSGI workers, each with an application of its own, one sum of their metrics, and one audit."""

import concurrent.futures
import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from prometheus_client.mmap_dict import MmapedDict

UWSGI = shutil.which("uwsgi", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
READY_SECONDS = 60
REQUESTS = 40


def free_port():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


class Workers:
    def __init__(self, directory, api):
        api.require(UWSGI, "the extra [servers]: pip install 'placement-guard[servers]'")
        self.port, self.metrics_port = free_port(), free_port()
        self.audit = directory / "audit.jsonl"
        api.write_conf(
            directory,
            placement_guard={"metrics_port": self.metrics_port, "audit": self.audit},
            placement_database={"connection": f"sqlite:///{directory}/placement.db?timeout=30"},
        )
        self.counts = directory / "counts"
        self.counts.mkdir()
        environ = {
            **os.environ,
            "OS_PLACEMENT_CONFIG_DIR": str(directory),
            "PROMETHEUS_MULTIPROC_DIR": str(self.counts),
        }
        # The schema and the standard names, before two workers would write them at once: SQLite
        # answers the second one "database is locked".
        first = "from placement.wsgi import init_application; init_application()"
        subprocess.run([sys.executable, "-c", first], env=environ, check=True)
        self.log = (directory / "uwsgi.log").open("wb")
        self.process = subprocess.Popen(
            [
                UWSGI, "--http-socket", f"127.0.0.1:{self.port}", "--master", "--lazy-apps",
                "--processes", "2", "--threads", "1", "--enable-threads", "--die-on-term",
                "--need-app", "--module", "placement_guard.wsgi:application",
                "--home", sys.prefix,
            ],
            stdout=self.log, stderr=subprocess.STDOUT, env=environ,
        )  # fmt: skip

    def ask(self, path="/", method="GET", body=None):
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"X-Auth-Token": "admin", "Content-Type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=READY_SECONDS) as answer:
                return answer.status
        except urllib.error.HTTPError as error:
            error.close()
            return error.code

    def until_ready(self):
        deadline = time.monotonic() + READY_SECONDS
        while True:
            try:
                return self.ask()
            except OSError:
                assert self.process.poll() is None, Path(self.log.name).read_text()
                assert time.monotonic() < deadline, Path(self.log.name).read_text()
                time.sleep(0.1)  # uWSGI tells nobody when it is ready

    def files(self):
        """The files of counters, one for each worker that has loaded its application."""
        return list(self.counts.glob("counter_*.db"))

    def until_both_are_there(self):
        deadline = time.monotonic() + READY_SECONDS
        while len(self.files()) < 2:
            assert time.monotonic() < deadline, Path(self.log.name).read_text()
            time.sleep(0.1)

    def metrics(self):
        with urllib.request.urlopen(
            f"http://127.0.0.1:{self.metrics_port}/metrics", timeout=READY_SECONDS
        ) as answer:
            lines = answer.read().decode().splitlines()
        return dict(line.rsplit(" ", 1) for line in lines if not line.startswith("#"))

    def close(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        self.process.wait(READY_SECONDS)
        self.log.close()


@pytest.fixture
def workers(tmp_path, api):
    with contextlib.closing(Workers(tmp_path, api)) as workers:
        workers.until_ready()
        yield workers


def counted_by(path):
    """How many requests one worker's file holds."""
    values = MmapedDict.read_all_values_from_file(str(path))
    return sum(v for key, v, *_ in values if "placement_guard_requests_total" in key)


def test_two_workers_report_one_sum_on_one_listener_and_write_one_audit(workers):
    def ask(number):
        if number % 2:
            return workers.ask("/resource_providers")
        return workers.ask("/resource_providers", "POST", {"name": 5})

    workers.until_both_are_there()
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(ask, range(2 * REQUESTS)))
    assert answers == [400, 200] * REQUESTS
    counted = workers.metrics()
    served = 'placement_guard_requests_total{operation="resource_providers:list",outcome="served"}'
    refused = (
        'placement_guard_rejections_total{mode="enforce",operation="resource_providers:create",'
        'rule="document.invalid",stage="document"}'
    )
    assert float(counted[served]) == REQUESTS
    assert float(counted[refused]) == REQUESTS
    by_worker = [counted_by(path) for path in workers.files()]
    assert all(by_worker)
    assert len(by_worker) == 2
    workers.close()
    records = [json.loads(line) for line in workers.audit.read_text().splitlines()]
    assert len({record["request_id"] for record in records}) == len(records) == REQUESTS
    assert len({record["process"] for record in records}) == 2
    assert {record["verdict"] for record in records} == {"rejected"}
