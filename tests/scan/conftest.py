"""A real Placement, served over HTTP, damaged where a test asks for it, and scanned."""

import contextlib
import io
import json
import os
import re
import sqlite3
import subprocess
import sys
import threading
import types
import uuid
from socketserver import ThreadingMixIn
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import pytest

from placement_guard import cli
from placement_guard.scan import reader


class Handler(WSGIRequestHandler):
    def log_message(self, *_):
        pass


class Threads(ThreadingMixIn, WSGIServer):
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, *_):
        """A client that goes away in the middle is part of the tests."""


@contextlib.contextmanager
def serving(application):
    """A WSGI application over HTTP; gives its URL."""
    server = make_server("127.0.0.1", 0, application, Threads, Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class Between:
    """Stands before Placement: writes down what is asked, and lets a test step in."""

    def __init__(self, application):
        self.application = application
        self.lock = threading.Lock()
        self.turn = threading.Lock()
        self.forget()

    def forget(self):
        self.asked = []
        self.steps = []

    def before(self, pattern, *calls, times=1):
        """One of ``calls`` before each of the next requests whose path and query match.

        All of them ``times`` over; None for nothing. What it returns, if it is a tuple, is the
        answer: status, headers and body.
        """
        self.steps.append((re.compile(pattern), list(calls) * times))

    def __call__(self, environ, start_response):
        query = environ.get("QUERY_STRING")
        url = environ["PATH_INFO"] + (f"?{query}" if query else "")
        with self.lock:
            self.asked.append((environ["REQUEST_METHOD"], url))
            steps = (calls for pattern, calls in self.steps if calls and pattern.search(url))
            call = next((calls.pop(0) for calls in steps), None)
        canned = None
        if call:
            with self.turn:  # SQLite takes one writer at a time
                canned = call()
        if not isinstance(canned, tuple):
            return self.application(environ, start_response)
        status, headers, body = canned
        start_response(status, [("Content-Type", "application/json"), *headers])
        return [body]


def named(name):
    """The UUID of what a test calls ``name``."""
    return str(uuid.uuid5(uuid.NAMESPACE_OID, name))


class Cloud:
    """Placement to be filled, damaged and scanned."""

    named = staticmethod(named)

    def __init__(self, app, between, url, database, headers):
        self.app = app
        self.between = between
        self.url = url
        self.database = database
        self.headers = headers

    # Filling it, as clients do

    def ask(self, method, path, body=None, version="1.39"):
        given = {} if body is None else {"params": json.dumps(body)}
        answer = self.app.request(
            path,
            method=method,
            headers=self.headers(version, **{"Content-Type": "application/json"}),
            **({"body": given["params"].encode()} if given else {}),
        )
        return json.loads(answer.body) if answer.body else None

    def provider(self, name, parent=None, **totals):
        """A provider with inventories; a total may be a whole record."""
        body = {"name": name, "uuid": named(name)}
        if parent:
            body["parent_provider_uuid"] = named(parent)
        self.ask("POST", "/resource_providers", body)
        inventories = {
            key: total if isinstance(total, dict) else {"total": total}
            for key, total in totals.items()
        }
        if inventories:
            self.inventories(name, inventories, 0)
        return named(name)

    def inventories(self, name, inventories, generation=None):
        path = f"/resource_providers/{named(name)}"
        if generation is None:
            generation = self.ask("GET", path)["generation"]
        body = {"resource_provider_generation": generation, "inventories": inventories}
        self.ask("PUT", f"{path}/inventories", body)

    def claim(self, consumer, held, *, project="demo", user="demo", kind="INSTANCE", odd=None):
        """``held`` is by the name of the provider. POST takes ``odd`` ids, where PUT does not."""
        body = {
            "allocations": {named(name): {"resources": had} for name, had in held.items()},
            "project_id": project,
            "user_id": user,
            "consumer_generation": None,
        }
        if kind:
            body["consumer_type"] = kind
        version = "1.39" if kind else "1.28"
        if odd:
            self.ask("POST", "/allocations", {odd: body}, version)
        else:
            self.ask("PUT", f"/allocations/{named(consumer)}", body, version)

    def release(self, consumer):
        self.ask("DELETE", f"/allocations/{named(consumer)}")

    # Damaging it, behind the API

    def sql(self, statement, **values):
        with contextlib.closing(sqlite3.connect(self.database, timeout=30)) as base:
            cursor = base.execute(statement, values)
            base.commit()
            return cursor.fetchall()

    def held(self, provider, consumer, amount, resource_class="VCPU"):
        """A row of the allocations, whatever it says."""
        self.sql(
            "INSERT INTO allocations (resource_provider_id, consumer_id, resource_class_id, used,"
            " created_at) SELECT p.id, :consumer, c.id, :amount, '2026-01-01 00:00:00.000000' FROM resource_providers p, resource_classes c"
            " WHERE p.uuid = :provider AND c.name = :name",
            provider=named(provider), consumer=consumer, amount=amount, name=resource_class,
        )  # fmt: skip

    def inventory(self, provider, values, resource_class="VCPU"):
        """Some columns of an inventory, whatever they say."""
        sets = ", ".join(f"{column} = :{column}" for column in values)
        self.sql(
            f"UPDATE inventories SET {sets} WHERE"
            " resource_provider_id = (SELECT id FROM resource_providers WHERE uuid = :provider) AND"
            " resource_class_id = (SELECT id FROM resource_classes WHERE name = :name)",
            provider=named(provider), name=resource_class, **values,
        )  # fmt: skip

    def copy(self):
        base = sqlite3.connect(":memory:")
        with contextlib.closing(sqlite3.connect(self.database)) as live:
            live.backup(base)
        return base

    def put_back(self, copy):
        with contextlib.closing(sqlite3.connect(self.database, timeout=30)) as live:
            copy.backup(live)

    # Scanning it

    def command(self, *arguments):
        return ["scan", "--endpoint", self.url, "--token", "admin", *arguments]

    def run(self, *arguments):
        """Scan in this process: the exit code, standard output and standard error."""
        out, err = io.StringIO(), io.StringIO()
        self.between.asked.clear()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            try:
                code = cli.main(self.command(*arguments))
            except SystemExit as end:
                code = end.code
        assert {method for method, _ in self.between.asked} <= {"GET"}
        return code, out.getvalue(), err.getvalue()

    def start(self, *arguments, **options):
        """Scan in a process of its own."""
        return subprocess.Popen(
            [sys.executable, "-m", "placement_guard", *self.command(*arguments)],
            text=True,
            **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options},
        )

    def scan(self, *arguments):
        """The exit code, the findings and the summary, and standard error."""
        code, out, err = self.run("--format", "json", *arguments)
        told = json.loads(out) if out else {"findings": [], "summary": None}
        return types.SimpleNamespace(code=code, err=err, **told)

    def found(self, *arguments):
        """The kinds and the places of what is found."""
        done = self.scan(*arguments)
        found = {
            (f["kind"], f["provider"] or f["consumer"], f["resource_class"]) for f in done.findings
        }
        assert len(found) == len(done.findings)
        assert (done.code, done.err) == (1 if found else 0, "")
        assert done.summary["complete"]
        return found


@pytest.fixture(scope="module")
def placement(real, api):
    """A Placement with nothing in it, served."""
    between = Between(real.bare.app)
    database = real.conf.placement_database.connection.removeprefix("sqlite:///")
    with contextlib.closing(sqlite3.connect(database)) as base:
        base.execute("PRAGMA journal_mode=WAL")  # as serve has it
    with serving(between) as url:
        yield Cloud(real.bare, between, url, database, api.headers)


@pytest.fixture(scope="module")
def filled(placement):
    """What a healthy cloud may hold, however odd it looks; with a copy to go back to."""
    fill(placement)
    with contextlib.closing(placement.copy()) as copy:
        yield placement, copy


@pytest.fixture
def cloud(filled, monkeypatch):
    """A healthy cloud, a test's own to damage."""
    monkeypatch.setattr(reader, "FIRST_WAIT", 0.01)
    for name in [name for name in os.environ if name.startswith("OS_")]:
        monkeypatch.delenv(name)
    found, copy = filled
    found.between.forget()
    yield found
    found.put_back(copy)


@pytest.fixture(scope="session")
def server():
    """``server(application)``: a WSGI application over HTTP."""
    return serving


@pytest.fixture(scope="session")
def between():
    """``between(application)``: what is asked, and steps of a test."""
    return Between


def fill(cloud):
    """Everything here is in order."""
    cloud.ask("PUT", "/resource_classes/CUSTOM_BAREMETAL_GOLD")
    cloud.ask("PUT", "/traits/CUSTOM_A_1")
    room = {"VCPU": {"total": 8, "allocation_ratio": 4.0}, "MEMORY_MB": 4096}
    for number in range(4):
        cloud.provider(f"compute-{number}", **room)
    cloud.provider("compute-0-numa", "compute-0", PCPU=4)
    cloud.provider("compute-0-port", "compute-0-numa", SRIOV_NET_VF=8)
    cloud.provider("Rechenzentrum Zürich 🌍 'quoted' \"=1\"", VCPU=1)
    cloud.provider("storage", DISK_GB={"total": 1000, "reserved": 10})
    cloud.provider("empty")
    # An Ironic node: closed for others while it is in use.
    cloud.provider("node", CUSTOM_BAREMETAL_GOLD=1)
    flavor = {"VCPU": 2, "MEMORY_MB": 512}
    for number in range(4):
        held = {f"compute-{number}": flavor, "storage": {"DISK_GB": 20}}
        cloud.claim(f"instance-{number}", held, user=f"user-{number}")
    cloud.claim(
        "instance-nested",
        {
            "compute-0": {"MEMORY_MB": 1},
            "compute-0-numa": {"PCPU": 4},
            "compute-0-port": {"SRIOV_NET_VF": 1},
        },
        project="other",
    )
    cloud.claim("instance-old", {"compute-1": {"VCPU": 1}}, kind=None)
    cloud.claim("instance-metal", {"node": {"CUSTOM_BAREMETAL_GOLD": 1}})
    cloud.inventories("node", {"CUSTOM_BAREMETAL_GOLD": {"total": 1, "reserved": 1}})
    # A move as nova makes it: the migration has the source, the instance its destination.
    cloud.claim("instance-moved", {"compute-2": flavor}, user="mover", kind=None)
    cloud.claim("migration", {"compute-3": flavor}, user="mover", kind=None)
