"""``placement-guard serve``: a real server in a process of its own, asked over HTTP."""

import concurrent.futures
import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import urllib.error
import urllib.request
import uuid

import pytest

from placement_guard import cli
from placement_guard.cli import serve

READY_SECONDS = 60


def free_port():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


class Server:
    """A started server: what it said, and how to ask it."""

    def __init__(self, state, *more):
        self.port = free_port()
        # Closed before the next one is looked for, it may be given again.
        self.metrics_port = next(port for port in iter(free_port, self.port))
        self.process = subprocess.Popen(
            [
                sys.executable, "-m", "placement_guard", "serve",
                "--port", str(self.port), "--metrics-port", str(self.metrics_port),
                "--state-dir", str(state), *more,
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )  # fmt: skip
        self.said = ""
        too_late = threading.Timer(READY_SECONDS, self.process.kill)
        too_late.start()
        for line in self.process.stdout:
            self.said += line
            if "Ctrl-C" in line:
                break
        too_late.cancel()
        assert "Ctrl-C" in self.said, f"did not start: {self.said}{self.process.communicate()}"

    def ask(self, method, path, body=None, version="1.39"):
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={
                "X-Auth-Token": "admin",
                "Content-Type": "application/json",
                "OpenStack-API-Version": f"placement {version}",
            },
        )
        try:
            with urllib.request.urlopen(request, timeout=READY_SECONDS) as answer:
                return answer.status, answer.read(), answer.headers
        except urllib.error.HTTPError as error:
            return error.code, error.read(), error.headers

    def metrics(self):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.metrics_port}/metrics") as answer:
            return answer.read().decode()

    def stop(self, signal_number):
        self.process.send_signal(signal_number)
        out, err = self.process.communicate(timeout=READY_SECONDS)
        return self.process.returncode, self.said + out, err


@contextlib.contextmanager
def serving(state, *more):
    server = Server(state, *more)
    try:
        yield server
    finally:
        if server.process.poll() is None:
            server.process.kill()
        server.process.communicate()


def test_it_serves_says_where_and_stops_cleanly(tmp_path):
    state = tmp_path / "state"
    with serving(state) as server:
        status, body, _ = server.ask("POST", "/resource_providers", {"name": "one"})
        assert (status, json.loads(body)["name"]) == (200, "one")
        status, body, headers = server.ask("POST", "/resource_providers", {"name": 1})
        assert status == 400
        assert headers["Placement-Guard"].startswith("decision=reject")
        assert (
            'placement_guard_requests_total{operation="resource_providers:create",'
            'outcome="rejected"} 1.0'
        ) in server.metrics()
        code, out, err = server.stop(signal.SIGINT)
    assert code == 0
    assert err == ""
    assert f"http://127.0.0.1:{server.port} (token: admin)" in out
    assert f"http://127.0.0.1:{server.metrics_port}/metrics" in out
    assert re.search(r"OpenStack Placement 1\d\.\d+\.\d+ behind placement-guard", out)
    assert str(state / "placement.db") in out
    assert "mode      enforce" in out
    assert out.endswith("Stopped.\n")
    assert (state / "placement.db").exists()
    assert "placement-guard is in place" in (state / "serve.log").read_text()


def test_it_stops_where_it_was_started_with_the_interrupt_ignored(tmp_path):
    """As a job in the background of a script is."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with serving(tmp_path) as server:
            assert server.stop(signal.SIGINT)[0] == 0
    finally:
        signal.signal(signal.SIGINT, before)


def test_it_tells_that_it_lives_and_is_ready(tmp_path):
    with serving(tmp_path) as server:
        for path, key in (("healthz", "alive"), ("readyz", "ready")):
            url = f"http://127.0.0.1:{server.metrics_port}/{path}"
            with urllib.request.urlopen(url) as answer:
                told = json.load(answer)
            assert told[key] is True
        assert told["checks"] == {"placement": "ok", "database": "ok"}
        assert told["lanes"]["driver"] == "files"
        assert told["breaker"] == {"open": False}


def test_it_comes_back_with_its_database_and_stops_on_sigterm(tmp_path):
    name = str(uuid.uuid4())
    with serving(tmp_path) as server:
        assert server.ask("POST", "/resource_providers", {"name": "x", "uuid": name})[0] == 200
        assert server.stop(signal.SIGTERM)[0] == 0
    with serving(tmp_path, "--observe") as server:
        assert server.ask("GET", f"/resource_providers/{name}")[0] == 200
        status, _, headers = server.ask("POST", "/resource_providers", {"name": 1})
        assert (status, headers["Placement-Guard"].split(",")[0]) == (400, "decision=warn")
        assert "mode      observe" in server.said


def test_several_clients_at_once_never_meet_a_locked_database(tmp_path):
    def client(number):
        provider = str(uuid.uuid4())
        path = f"/resource_providers/{provider}"
        statuses = [
            server.ask("POST", "/resource_providers", {"name": provider, "uuid": provider})[0]
        ]
        for generation in range(4):
            body = {
                "resource_provider_generation": generation,
                "inventories": {"VCPU": {"total": 10 + number}},
            }
            statuses.append(server.ask("PUT", f"{path}/inventories", body)[0])
        for _ in range(4):
            body = {
                "allocations": {provider: {"resources": {"VCPU": 1}}},
                "project_id": "p",
                "user_id": f"u{number}",
                "consumer_generation": None,
                "consumer_type": "INSTANCE",
            }
            statuses.append(server.ask("PUT", f"/allocations/{uuid.uuid4()}", body)[0])
            statuses.append(server.ask("GET", f"{path}/usages")[0])
        return statuses

    with serving(tmp_path) as server:
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(client, range(8)))
        log = (tmp_path / "serve.log").read_text()
    assert answers == [[200] * 5 + [204, 200] * 4] * 8
    assert "database is locked" not in log


def test_a_configuration_directory_is_gone_by(tmp_path, api):
    api.write_conf(tmp_path, placement_guard={"max_body_bytes": 2048})
    with serving(tmp_path / "state", "--config-dir", str(tmp_path), "--threads", "2") as server:
        assert str(tmp_path / "placement.db") in server.said
        assert server.ask("POST", "/resource_providers", {"name": "x" * 3000})[0] == 413


def run(*arguments, **environ):
    done = subprocess.run(
        [sys.executable, "-m", "placement_guard", *arguments],
        capture_output=True,
        text=True,
        timeout=READY_SECONDS,
        check=False,
        env={**os.environ, **environ},
    )
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize("option", ["--port", "--metrics-port"])
def test_a_busy_port_is_one_clear_line(tmp_path, option):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        busy = taken.getsockname()[1]
        ports = {"--port": str(free_port()), "--metrics-port": str(free_port()), option: str(busy)}
        code, out, err = run(
            "serve",
            "--state-dir",
            str(tmp_path),
            *[word for pair in ports.items() for word in pair],
        )
    assert (code, out) == (2, "")
    assert err == (
        f"placement-guard serve: cannot listen on 127.0.0.1:{busy} "
        f"(Address already in use); choose another {option}\n"
    )


def test_an_unwritable_directory_is_one_clear_line(tmp_path):
    (tmp_path / "file").write_text("")
    code, _, err = run("serve", "--state-dir", str(tmp_path / "file" / "state"))
    assert code == 2
    assert err == (
        f"placement-guard serve: {tmp_path}/file/state cannot be made (Not a directory)\n"
    )


def test_a_read_only_directory_is_one_clear_line(tmp_path, monkeypatch, capsys):
    # The super-user may write anywhere, so the answer of the system is what is replaced.
    monkeypatch.setattr(os, "access", lambda *_: False)
    assert cli.main(["serve", "--state-dir", str(tmp_path)]) == 2
    assert "is not writable; choose another --state-dir" in capsys.readouterr().err


@pytest.mark.parametrize("missing", ["placement", "waitress"])
def test_a_missing_extra_is_one_clear_line(missing, monkeypatch, capsys, tmp_path):
    find = serve.importlib.util.find_spec
    monkeypatch.setattr(
        serve.importlib.util, "find_spec", lambda name: None if name == missing else find(name)
    )
    assert cli.main(["serve", "--state-dir", str(tmp_path)]) == 2
    assert capsys.readouterr().err == (
        f"placement-guard serve: {missing} is not installed; it comes with placement-guard[serve]\n"
    )


def test_wrong_options_are_told_all_at_once(tmp_path, api):
    api.write_conf(tmp_path, placement_guard={"max_body_bytes": 1, "obseve": "yes"})
    code, _, err = run("serve", "--state-dir", str(tmp_path), "--config-dir", str(tmp_path))
    assert code == 2
    lines = err.splitlines()
    assert [line.split(": ")[1] for line in lines] == [
        "settings.unknown_option",
        "settings.max_body_bytes",
    ]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--config-dir", "/nowhere/at/all"], "/nowhere/at/all/placement.conf cannot be read"),
        (["--database", "sqlite:////nowhere/at/all/x.db"], "the database cannot be used"),
        (["--database", "nonsense"], "the database cannot be used"),
        (["--port", "70000"], "70000 is not a port (1 to 65535)"),
        (["--host", "no.such.host.invalid"], "cannot listen on no.such.host.invalid"),
        (["--metrics-port", "70000"], "settings.metrics_port"),
    ],
)
def test_what_cannot_be_served_is_said_in_a_line(tmp_path, arguments, said):
    ports = ["--port", str(free_port()), "--metrics-port", str(free_port())]
    code, _, err = run("serve", "--state-dir", str(tmp_path), *ports, *arguments)
    assert code == 2
    assert said in err
    assert "Traceback" not in err
    assert len(err.splitlines()) == 1


def test_help_names_every_option():
    code, out, _ = run("serve", "--help", COLUMNS="100")
    assert code == 0
    for option in (
        "--host", "--port", "--metrics-host", "--metrics-port", "--state-dir", "--database",
        "--config-dir", "--observe", "--threads", "--verbose",
    ):  # fmt: skip
        assert option in out


def test_the_version_is_told():
    code, out, _ = run("--version")
    assert code == 0
    assert re.fullmatch(r"placement-guard \d+\.\d+\.\d+\n", out)


def test_without_a_command_the_usage_is_shown():
    code, _, err = run()
    assert code == 2
    assert "usage: placement-guard" in err
