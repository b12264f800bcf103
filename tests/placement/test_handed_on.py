"""Handing on in a real Placement: nobody else sees what a handler does to its data, and nothing
differs from a guard that hands nothing on."""

import copy
import json
import re
import threading
import types
import uuid

import pytest
import sqlalchemy
import webtest
from oslo_context.context import RequestContext
from oslo_db.exception import DBDeadlock
from oslo_utils import uuidutils
from placement import db_api, util
from placement.handlers import allocation as allocation_handler
from placement.objects import reshaper, resource_provider
from placement.schemas import resource_class
from prometheus_client import CollectorRegistry

from placement_guard import handing_on
from placement_guard.exchange import current
from placement_guard.guard import Guard
from placement_guard.placement import _find, loadapp
from tests.differential import cloud, worker
from tests.differential.database import State
from tests.differential.generate import Generator

REQUESTS = 250
"""How many generated requests go to both."""


@pytest.fixture(scope="module")
def sides(api, tmp_path_factory):
    """``on`` and ``off``: guarded Placements over one database, with the cloud in it."""
    directory = tmp_path_factory.mktemp("handing")
    with api.placement_of_its_own():
        made = {}
        for name, wanted in (("on", True), ("off", False)):
            conf = api.read_conf(
                api.write_conf(
                    directory,
                    placement_guard={"metrics_port": 0, "hand_on": wanted},
                    placement_database={"sqlite_synchronous": False},
                )
            )
            registry = CollectorRegistry()
            if not made:
                db_api.configure(conf)
            made[name] = loadapp(conf, registry=registry)
            made[f"{name}_metric"] = registry.get_sample_value("placement_guard_hands_on")
        for step in cloud.steps():
            status, _, body = worker.call(made["on"], step)
            assert status < 300, body
        yield types.SimpleNamespace(**made, state=State(db_api.get_placement_engine()))


@pytest.fixture
def handed(monkeypatch):
    """The bodies that were handed on."""
    bodies = []
    decoded = handing_on._decoded

    def counting(body):
        bodies.append(body)
        return decoded(body)

    monkeypatch.setattr(handing_on, "_decoded", counting)
    return bodies


class Corrupting:
    """Placement's ``extract_json`` in a handler that spoils all that it gets, as often as told."""

    def __init__(self, monkeypatch, times, error=None):
        self._extract, self._times, self._error = util.extract_json, times, error
        self.got = []
        monkeypatch.setattr(util, "extract_json", self)

    def __call__(self, body, schema):
        data = self._extract(body, schema)
        self.got.append(copy.deepcopy(data))
        if len(self.got) > self._times:
            return data
        spoil(data)
        if self._error is not None:
            raise self._error
        return data


def spoil(value):
    """Change everything in it."""
    members = list(value.values()) if isinstance(value, dict) else list(value)
    for member in members:
        if isinstance(member, dict | list):
            spoil(member)
    value.clear()
    if isinstance(value, dict):
        value["spoiled"] = 1


class Observer:
    def __init__(self, monkeypatch, app):
        self.seen = []
        guard = _find(app, Guard)
        monkeypatch.setattr(guard, "_observers", (*guard._observers, self))

    def __call__(self, exchange, outcome, rejection):
        self.seen.append((exchange.document, outcome, rejection))


def claim():
    provider = cloud.fixed("node2")
    document = {
        "allocations": {provider: {"resources": {"VCPU": 1}}},
        "project_id": "p",
        "user_id": "u",
        "consumer_generation": None,
        "consumer_type": "INSTANCE",
    }
    return f"/allocations/{uuid.uuid4()}", json.dumps(document).encode()


def put(app, path, body):
    return send(webtest.TestApp(app).put, path, body)


def post(app, path, body):
    return send(webtest.TestApp(app).post, path, body)


def send(how, path, body):
    return how(
        path,
        body,
        content_type="application/json",
        headers={
            "X-Auth-Token": "admin",
            "X-Roles": "admin,service",
            "OpenStack-API-Version": "placement 1.39",
            "Accept": "application/json",
        },
        expect_errors=True,
    )


def test_the_metric_says_whether_anything_is_handed_on(sides):
    assert (sides.on_metric, sides.off_metric) == (1, 0)


def test_what_one_request_spoils_no_other_one_and_no_observer_sees(sides, monkeypatch, handed):
    observer = Observer(monkeypatch, sides.on)
    placement = Corrupting(monkeypatch, times=1)
    path, body = claim()
    whole = json.loads(body)
    assert put(sides.on, path, body).status_int >= 400
    assert put(sides.on, path, body).status_int == 204
    assert placement.got == [whole, whole]
    assert [seen[0] for seen in observer.seen] == [whole, whole]
    assert handed == [body, body]
    added, _ = sides.state.settle()
    assert any('"used": 1' in row for row in added)


def test_what_one_attempt_spoils_the_next_one_does_not_see(sides, monkeypatch, handed):
    observer = Observer(monkeypatch, sides.on)
    placement = Corrupting(monkeypatch, times=2, error=DBDeadlock())
    path, body = claim()
    whole = json.loads(body)
    assert put(sides.on, path, body).status_int == 204
    assert placement.got == [whole] * 3
    assert handed == [body] * 3
    [(document, outcome, rejection)] = observer.seen
    assert (document, outcome.attempts, rejection) == (whole, 3, None)
    added, _ = sides.state.settle()
    assert any('"used": 1' in row for row in added)


@pytest.fixture
def reads(monkeypatch):
    """The providers that Placement has read from its database."""
    found = []
    own = resource_provider._get_provider_by_uuid

    def reading(context, uuid):
        found.append(uuid)
        return own(context, uuid)

    monkeypatch.setattr(resource_provider, "_get_provider_by_uuid", reading)
    return found


def reshape(sides, changed=0):
    """A reshape of two providers, and of a claim on one of them and on a third."""
    one, other, third = (cloud.fixed(name) for name in ("node1", "node2", "shared"))
    inventories = {}
    for provider in (one, other):
        path = f"/resource_providers/{provider}/inventories"
        found = get(sides.off, path).json
        found["resource_provider_generation"] += changed
        inventories[provider] = found
    _, claimed = claim()
    claimed = json.loads(claimed)
    claimed["allocations"] = {
        other: {"resources": {"VCPU": 1}},
        third: {"resources": {"DISK_GB": 10}},
    }
    document = {"inventories": inventories, "allocations": {str(uuid.uuid4()): claimed}}
    return (one, other, third), json.dumps(document).encode()


def get(app, path):
    headers = {"X-Auth-Token": "admin", "OpenStack-API-Version": "placement 1.39"}
    return webtest.TestApp(app).get(path, headers=headers)


def test_a_reshape_reads_each_provider_once(sides, reads):
    (one, other, third), body = reshape(sides)
    reads.clear()
    answer = post(sides.on, "/reshaper", body)
    assert answer.status_int == 204, answer.body
    assert sorted(reads) == sorted([one, other, third])
    added, _ = sides.state.settle()
    assert any('"used": 1' in row for row in added)

    _, body = reshape(sides)
    reads.clear()
    assert post(sides.off, "/reshaper", body).status_int == 204
    assert sorted(reads) == sorted([one, other, other, third])
    assert sides.state.settle()[0]


def test_each_attempt_at_a_reshape_reads_anew(sides, reads, monkeypatch):
    (one, other, third), body = reshape(sides)
    own, failures = reshaper.reshape, [DBDeadlock(), DBDeadlock()]

    def failing(*given):
        if failures:
            raise failures.pop()
        return own(*given)

    monkeypatch.setattr(reshaper, "reshape", failing)
    reads.clear()
    assert post(sides.on, "/reshaper", body).status_int == 204
    assert sorted(reads) == sorted([one, other, third] * 3)
    assert sides.state.settle()[0]


@pytest.mark.parametrize("when", ["before", "between"])
def test_a_provider_that_moves_on_is_a_conflict_in_a_reshape(sides, monkeypatch, when):
    """Behind the back of the guard: its lanes would not let it."""
    (_, other, _), body = reshape(sides)
    own = allocation_handler.inspect_consumers

    def move():
        with db_api.get_placement_engine().begin() as connection:
            connection.execute(
                sqlalchemy.text(
                    "UPDATE resource_providers SET generation = generation + 1 WHERE uuid = :uuid"
                ),
                {"uuid": other},
            )

    def inspecting(*given):
        move()
        return own(*given)

    if when == "before":
        move()
    else:
        monkeypatch.setattr(allocation_handler, "inspect_consumers", inspecting)
    answer = post(sides.on, "/reshaper", body)
    assert answer.status_int == 409
    assert answer.json["errors"][0]["code"] == "placement.concurrent_update"
    added, _ = sides.state.settle()
    assert not any('"used"' in row for row in added)


@pytest.mark.parametrize(
    ("name", "body"),
    [
        pytest.param("off", None, id="switched off"),
        pytest.param("on", b'{"name": "CUSTOM_X"}', id="a string of the handler's own"),
    ],
)
def test_placement_goes_its_own_way(sides, handed, name, body):
    if body is None:
        path, body = claim()
        status = 204
    else:  # from 1.7 on the handler checks the name in the path, in JSON of its own making
        path, status = "/resource_classes/CUSTOM_X", 201
    assert put(getattr(sides, name), path, body).status_int == status
    assert not handed
    assert sides.state.settle()[0]


def test_what_is_let_through_with_a_warning_is_not_handed_on(api, sides, handed, tmp_path):
    conf = api.read_conf(
        api.write_conf(
            tmp_path,
            placement_guard={
                "metrics_port": 0,
                "rules": "json.duplicate_key:warn,document.invalid:off",
            },
        )
    )
    app = loadapp(conf, registry=CollectorRegistry())
    path, body = claim()
    answer = put(app, path, body.replace(b'"user_id": "u"', b'"user_id": "v", "user_id": "u"'))
    assert answer.status_int == 204
    assert "json.duplicate_key" in answer.headers["Placement-Guard"]
    bare = put(app, path, body.replace(b'"u"', b"1"))
    assert bare.status_int == 400
    assert "1 is not of type 'string'" in bare.json["errors"][0]["detail"]
    assert not handed
    assert sides.state.settle()[0]


def test_what_the_exact_way_accepts_is_handed_on_too(sides, handed):
    path, body = claim()
    escaped = body.replace(b'"u"', b'"\\u0075"').replace(b'"VCPU": 1', b'"VCPU": 1.0')
    assert put(sides.on, path, escaped).status_int == 204
    assert handed == [escaped]
    added, _ = sides.state.settle()
    assert any('"used": 1' in row for row in added)


# In one process --------------------------------------------------------------------------------


class Handler:
    """Extracts the body of each request when all of them are here."""

    def __init__(self, threads):
        self.together = threading.Barrier(threads)
        self.seen = {}

    def __call__(self, environ, start_response):
        self.together.wait(20)
        body = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
        data = util.extract_json(body, resource_class.POST_RC_SCHEMA_V1_2)
        self.together.wait(20)
        self.seen[environ["n"]] = data["name"], current.get() is not None
        start_response("204 No Content", [])
        return []


def request(number):
    environ = webtest.TestRequest.blank("/resource_classes", method="POST").environ
    body = json.dumps({"name": f"CUSTOM_{number}"}).encode()
    request = webtest.TestRequest(environ)
    request.body = body
    environ |= {
        "n": number,
        "CONTENT_TYPE": "application/json",
        "HTTP_OPENSTACK_API_VERSION": "placement 1.39",
        "placement.context": RequestContext(user_id="u", roles=["admin"], overwrite=False),
    }
    return environ


def test_guarded_and_bare_requests_at_once_each_get_their_own(sides, handed):
    threads = 12
    handler = Handler(threads)
    guard = Guard(handler, registry=CollectorRegistry())

    def send(number):
        app = guard if number % 2 else handler
        app(request(number), lambda *_: None)

    working = [threading.Thread(target=send, args=[number]) for number in range(threads)]
    for thread in working:
        thread.start()
    for thread in working:
        thread.join(30)
    assert handler.seen == {n: (f"CUSTOM_{n}", bool(n % 2)) for n in range(threads)}
    assert len(handed) == threads // 2
    assert current.get() is None


def test_greenlets_in_one_thread_do_not_see_each_others(sides):
    greenlet = pytest.importorskip("greenlet", reason="what a server with greenlets brings")
    seen = []

    def handler(environ, start_response):
        before = current.get()
        main.switch()
        seen.append((environ["n"], current.get() is before, before.body))
        start_response("204 No Content", [])
        return []

    guard = Guard(handler, registry=CollectorRegistry())
    main = greenlet.getcurrent()
    both = [greenlet.greenlet(guard) for _ in range(2)]
    environs = [request(number) for number in range(2)]
    for one, environ in zip(both, environs, strict=True):
        one.switch(environ, lambda *_: None)
        assert current.get() is None
    for one in both:
        one.switch()
    assert seen == [(n, True, json.dumps({"name": f"CUSTOM_{n}"}).encode()) for n in range(2)]


# On and off ------------------------------------------------------------------------------------


def test_on_and_off_do_not_differ(sides, monkeypatch, handed):
    """In status, headers, body, and in the rows that are stored."""
    generate = Generator(cloud.Cloud(sides.state.lines), 7)
    counter = 0

    def identifier(dashed=True):  # noqa: FBT002
        nonlocal counter
        counter += 1
        made = uuid.UUID(int=counter)
        return str(made) if dashed else made.hex

    monkeypatch.setattr(uuidutils, "generate_uuid", identifier)
    statuses = set()
    for number in range(REQUESTS):
        one = generate(number)
        found = []
        for app in (sides.on, sides.off):
            counter = number * 1000
            status, headers, body = worker.call(app, one)
            headers.pop("last-modified", None)  # the time of the write itself
            told = same_ids(json.dumps(headers).encode() + body)
            found.append((status, told, sides.state.settle()))
        assert found[0] == found[1], one
        statuses.add(found[0][0])
    assert {200, 201, 204, 400, 404, 409} <= statuses
    assert len(handed) > REQUESTS // 10


def same_ids(told):
    """Without what is new in each request."""
    return re.sub(rb"req-[0-9a-f-]{36}", b"req-", told)
