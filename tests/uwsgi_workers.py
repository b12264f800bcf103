"""A guarded Placement under a real uWSGI with several workers, for tests."""

import contextlib
import http.client
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

from prometheus_client.mmap_dict import MmapedDict

UWSGI = shutil.which("uwsgi", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
PACKAGE = "the extra [servers]: pip install 'placement-guard[servers]'"
READY_SECONDS = 60

LAZY = ("--lazy-apps", "--enable-threads")


def free_port():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


class Workers:
    """Workers of one service, on SQLite in ``directory``; ``guard`` are options of the guard."""

    def __init__(
        self, directory, api, guard=None, options=LAZY, processes=2, database=None, default=None
    ):
        api.require(UWSGI, PACKAGE)
        self.directory = directory
        self.port, self.metrics_port = free_port(), free_port()
        sections = {
            "DEFAULT": default or {},
            "placement_guard": {"metrics_port": self.metrics_port, **(guard or {})},
            "placement_database": {
                "connection": database or f"sqlite:///{directory}/placement.db?timeout=30"
            },
        }
        api.write_conf(directory, **sections)
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
                UWSGI, "--http-socket", f"127.0.0.1:{self.port}", "--master",
                "--processes", str(processes), "--threads", "1", "--die-on-term",
                "--need-app", "--module", "placement_guard.wsgi:application",
                "--home", sys.prefix, *options,
            ],
            stdout=self.log, stderr=subprocess.STDOUT, env=environ,
        )  # fmt: skip

    @property
    def said(self):
        """What uWSGI, and the guard, have logged."""
        log = self.directory / "placement.log"
        return Path(self.log.name).read_text() + (log.read_text() if log.exists() else "")

    def ask(self, path="/", method="GET", body=None, **headers):
        """The status of an answer. OSError where there is none."""
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"X-Auth-Token": "admin", "Content-Type": "application/json"}
            | {name.replace("_", "-"): value for name, value in headers.items()},
        )
        try:
            with urllib.request.urlopen(request, timeout=READY_SECONDS) as answer:
                answer.read()
                return answer.status
        except urllib.error.HTTPError as error:
            error.close()
            return error.code
        except http.client.HTTPException as error:
            raise OSError from error

    def until_ready(self):
        self.until(lambda: self.ask() == 200)

    def until(self, is_so):
        """Wait until it is so; OSError means not yet."""
        deadline = time.monotonic() + READY_SECONDS
        while True:
            with contextlib.suppress(OSError):
                if is_so():
                    return
            assert self.process.poll() is None, self.said
            assert time.monotonic() < deadline, self.said
            time.sleep(0.05)  # uWSGI tells nobody when it is ready

    def files(self):
        """The files of counters, one for each worker that has loaded its application."""
        return list(self.counts.glob("counter_*.db"))

    def until_all_have_loaded(self):
        """Wait until each worker, all of which are lazy, can be given a request."""
        self.until(lambda: all(f"pid: {pid} (default app)" in self.said for pid in self.pids()))

    def pids(self):
        """The processes of the workers."""
        found = subprocess.run(
            ["ps", "-o", "pid=", "--ppid", str(self.process.pid)],
            capture_output=True, text=True, check=False,
        ).stdout  # fmt: skip
        return set(map(int, found.split()))

    def listening(self):
        """The worker that has the port of the metrics."""
        inodes = {
            line.split()[9]
            for line in Path("/proc/net/tcp").read_text().splitlines()[1:]
            if line.split()[1].endswith(f":{self.metrics_port:04X}") and line.split()[3] == "0A"
        }
        for pid in self.pids():
            for fd in Path(f"/proc/{pid}/fd").iterdir():
                with contextlib.suppress(OSError):
                    if str(fd.readlink()).strip("socket:[]") in inodes:
                        return pid
        raise OSError("nobody listens")

    def kill(self, pid, number=signal.SIGKILL):
        """Kill a worker, and wait until another is in its place."""
        before = self.pids()
        os.kill(pid, number)
        self.until(lambda: pid not in self.pids() and len(self.pids()) == len(before))
        if "--lazy-apps" in self.process.args:  # one that loads would not hear that it is to end
            self.until_all_have_loaded()
        self.until_ready()

    def read(self, path="/metrics"):
        with urllib.request.urlopen(
            f"http://127.0.0.1:{self.metrics_port}{path}", timeout=READY_SECONDS
        ) as answer:
            return answer.read().decode()

    def metrics(self):
        """The value of each series."""
        lines = self.read().splitlines()
        return {
            series: float(value)
            for series, value in (line.rsplit(" ", 1) for line in lines if line[0] != "#")
        }

    def close(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            # A worker that is loading its application does not hear that it is to end.
            self.process.wait(15)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(READY_SECONDS)
        self.log.close()


def counted_by(path):
    """How many requests one worker's file holds."""
    values = MmapedDict.read_all_values_from_file(str(path))
    return sum(v for key, v, *_ in values if "placement_guard_requests_total" in key)
