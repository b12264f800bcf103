"""Processes that take lanes, and a Redis server of one's own."""

import contextlib
import importlib.util
import json
import signal
import subprocess
import sys
import time
import types
from pathlib import Path

import pytest

from tests.redis_server import PACKAGE, RedisServer, found

WORKER = Path(__file__).with_name("worker.py")

READY_SECONDS = 60
"""How long anything may take that is expected to happen (seconds)."""


class Worker:
    """A process with lanes of its own; see worker.py."""

    def __init__(self, directory, *, url=None, width=1, max_waiting=64):
        options = {
            "url": url,
            "directory": str(directory),
            "width": width,
            "max_waiting": max_waiting,
        }
        self.process = subprocess.Popen(
            [sys.executable, str(WORKER), json.dumps(options)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def send(self, do, **command):
        self.process.stdin.write(json.dumps({"do": do, **command}) + "\n")
        self.process.stdin.flush()

    def answer(self):
        line = self.process.stdout.readline()
        assert line, f"the worker ended: {self.process.wait()}"
        return json.loads(line)

    def ask(self, do, **command):
        self.send(do, **command)
        return self.answer()

    def hold(self, *names, seconds=READY_SECONDS, **more):
        return self.ask("hold", lanes=[[name] for name in names], seconds=seconds, **more)

    def signal(self, number):
        self.process.send_signal(number)

    def stop(self):
        for number in (signal.SIGCONT, signal.SIGKILL):
            with contextlib.suppress(ProcessLookupError):
                self.signal(number)
        self.process.communicate()


@pytest.fixture
def workers():
    """``workers(directory, number, **options)``: so many workers, started; they end with the test."""
    with contextlib.ExitStack() as stack:

        def start(directory, number=1, **options):
            started = [Worker(directory, **options) for _ in range(number)]
            for worker in started:
                stack.callback(worker.stop)
            for worker in started:
                worker.state = worker.answer()["state"]
            return started

        yield start


@pytest.fixture
def redis_server(tmp_path_factory, api):
    """``redis_server(password)``: starts one, which ends with the test."""
    api.require(found(), PACKAGE)
    with contextlib.ExitStack() as stack:

        def start(password=""):
            server = RedisServer(tmp_path_factory.mktemp("redis"), password)
            stack.callback(server.stop)
            return server

        yield start


@pytest.fixture(scope="session")
def until():
    """``until(condition)``: wait for what is to come."""

    def wait(condition):
        deadline = time.monotonic() + READY_SECONDS
        while not condition():
            assert time.monotonic() < deadline, "it did not come"
            time.sleep(0.01)

    return wait


@pytest.fixture
def storms(tmp_path):
    """``storms(workers, **options)``: a storm in each of the workers at once, and what they said.

    ``meanwhile`` is called when all have been told to begin.
    """

    def run(workers, *, names, meanwhile=lambda: None, **options):
        board = str(tmp_path / "board")
        for number, worker in enumerate(workers):
            worker.send(
                "storm",
                number=number,
                board=board,
                names=names,
                workers=len(workers),
                **options,
            )
        meanwhile()
        said = [worker.answer() for worker in workers]
        results = {}
        for one in said:
            for result, times in one["results"].items():
                results[result] = results.get(result, 0) + times
        return types.SimpleNamespace(
            wrong=[text for one in said for text in one["wrong"]],
            results=results,
            orders=[one["order"] for one in said],
        )

    return run


@pytest.fixture(scope="session")
def worker_module():
    """worker.py, for threads of this process."""
    spec = importlib.util.spec_from_file_location("lanes_worker", WORKER)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
