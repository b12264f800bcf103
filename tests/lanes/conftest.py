"""Processes that take lanes, and a Redis server of one's own."""

import contextlib
import importlib.util
import json
import shutil
import signal
import socket
import subprocess
import sys
import time
import types
from pathlib import Path

import pytest

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


class RedisServer:
    """A redis-server on loopback that keeps nothing on disk."""

    def __init__(self, directory, password=""):
        self.directory, self.password = directory, password
        with socket.socket() as found:
            found.bind(("127.0.0.1", 0))
            self.port = found.getsockname()[1]
        user = f":{password}@" if password else ""
        self.url = f"redis://{user}127.0.0.1:{self.port}/3"
        self.where = f"redis://127.0.0.1:{self.port}/3"
        self.start()

    def start(self):
        command = [shutil.which("redis-server"), "--port", str(self.port), "--bind", "127.0.0.1"]
        command += ["--save", "", "--appendonly", "no", "--dir", str(self.directory)]
        if self.password:
            command += ["--requirepass", self.password]
        with (self.directory / "redis.log").open("ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log)
        deadline = time.monotonic() + READY_SECONDS
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port)):
                return
            assert time.monotonic() < deadline, (self.directory / "redis.log").read_text()
            time.sleep(0.01)

    def signal(self, number):
        self.process.send_signal(number)

    def kill(self):
        self.process.kill()
        self.process.wait()

    def stop(self):
        self.signal(signal.SIGCONT)
        self.kill()

    def ask(self, *command):
        import redis

        with redis.Redis.from_url(self.url, decode_responses=True) as client:
            return client.execute_command(*command)


@pytest.fixture
def redis_server(tmp_path_factory, api):
    """``redis_server(password)``: starts one, which ends with the test."""
    api.require(shutil.which("redis-server"), "the Debian package redis-server")
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
