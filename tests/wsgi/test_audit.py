"""The audit of a guarded Placement: one record of each write and each refusal, whatever happens."""

import json
import logging
import os
import socket
import threading
import time
import types
import uuid

import pytest
import webtest
from prometheus_client import CollectorRegistry

from placement_guard.observers.audit import Audit
from placement_guard.observers.audit.logged import NAME

PATIENCE = 60
CONSUMER = "9d5c1f0a-5d0b-4d2f-8c9d-0a4b6f3c7e21"
TOKEN = "gAAAAABm-the-token"


CYBORG = {"X-Auth-Token": "cyborg:service", "X-Roles": "service"}
BREAKING = {"X-Auth-Token": "cyborg:service", "X-Roles": "service,placement-break-glass"}

POLICY = """
"profile:cyborg": "user_id:cyborg"
"cyborg:resource_providers:inventories:update": "resource_classes:CUSTOM_ACCELERATOR_*"
"cyborg:resource_providers:traits:update": "traits:CUSTOM_*"
"""


def queues(guard):
    """What takes the records away."""
    found = [observer for observer in guard._observers if isinstance(observer, Audit)]
    return [queue for audit in found for queue in audit._queues]


def close(guard):
    """As at the end of the process: what waits is written, or dropped."""
    for queue in queues(guard):
        queue.close()


def lines(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.fixture(scope="module")
def audited(api, tmp_path_factory):
    """A real Placement; ``ask`` gives the answer, and the records that came of it."""
    from placement import db_api

    from placement_guard.guard import Guard
    from placement_guard.placement import _find, loadapp

    directory = tmp_path_factory.mktemp("audited")
    path = directory / "audit.jsonl"
    policy = directory / "policy.yaml"
    policy.write_text(POLICY)
    options = {
        "audit": path,
        "target_policy_file": policy,
        "target_policy_observe": "cyborg:resource_providers:traits:update",
        "break_glass_role": "placement-break-glass",
        "coordination_url": "",
        "limit_claims": 0,
    }
    with api.placement_of_its_own():
        conf = api.read_conf(api.write_conf(directory, placement_guard=options))
        db_api.configure(conf)
        registry = CollectorRegistry()
        stack = loadapp(conf, registry=registry)
        guard = _find(stack, Guard)
        app = webtest.TestApp(stack)

        def ask(method, url, document=None, wait=1, **more):
            seen = lines(path) if path.exists() else []
            body = b"" if document is None else json.dumps(document).encode()
            request = webtest.TestRequest.blank(
                url, method=method, body=body, headers=api.headers(**more)
            )
            request.content_type = "application/json"
            request.environ["REMOTE_ADDR"] = "192.0.2.7"
            answer = app.do_request(request, expect_errors=True)
            deadline = time.monotonic() + PATIENCE
            while wait and (not path.exists() or len(lines(path)) < len(seen) + wait):
                assert time.monotonic() < deadline
                time.sleep(0.005)  # the thread that writes tells nobody
            return answer, lines(path)[len(seen) :] if path.exists() else []

        yield types.SimpleNamespace(ask=ask, path=path, guard=guard, registry=registry)
        close(guard)


@pytest.fixture(scope="module")
def provider(audited):
    name = str(uuid.uuid4())
    audited.ask("POST", "/resource_providers", {"name": name, "uuid": name})
    return name


class TestOfPlacement:
    def test_a_write_that_is_served(self, audited, provider):
        document = {
            "resource_provider_generation": 0,
            "inventories": {"VCPU": {"total": 8}, "MEMORY_MB": {"total": 4096}},
        }
        url = f"/resource_providers/{provider}/inventories"
        answer, [record] = audited.ask("PUT", url, document)
        assert answer.status_int == 200
        timed = {name: record.pop(name) for name in ("time", "duration", "placement")}
        assert 0 < timed["placement"] < timed["duration"] < PATIENCE
        assert abs(time.time() - _seconds(timed["time"])) < PATIENCE
        assert record == {
            "schema": 1,
            "host": socket.gethostname(),
            "process": os.getpid(),
            "request_id": answer.headers["x-openstack-request-id"],
            "global_request_id": None,
            "user": {
                "id": "admin",
                "name": None,
                "domain_id": None,
                "project_id": "admin",
                "project_name": None,
                "project_domain_id": None,
                "scope": "project",
                "roles": ["admin", "service", "member", "reader"],
                "service": None,
            },
            "address": "192.0.2.7",
            "forwarded_for": None,
            "operation": "resource_providers:inventories:update",
            "method": "PUT",
            "path": url,
            "microversion": "1.39",
            "target": {
                "providers": {"count": 1, "values": [provider]},
                "resource_classes": {"count": 2, "values": ["VCPU", "MEMORY_MB"]},
            },
            "target_complete": True,
            "verdict": "served",
            "break_glass": False,
            "stage": None,
            "rule": None,
            "policy_rule": None,
            "json_path": None,
            "warnings": [],
            "outcome": "committed",
            "status": 200,
            "conflict": None,
            "shed": None,
            "attempts": 1,
            "body_bytes": len(json.dumps(document)),
        }

    def test_a_write_that_meets_another(self, audited, provider):
        document = {"resource_provider_generation": 99, "inventories": {}}
        url = f"/resource_providers/{provider}/inventories"
        _, [record] = audited.ask("PUT", url, document)
        found = {name: record[name] for name in ("verdict", "outcome", "status", "conflict")}
        assert found == {
            "verdict": "served",
            "outcome": "conflict",
            "status": 409,
            "conflict": "provider_generation",
        }

    def test_a_write_that_is_refused(self, audited, provider):
        document = {"resource_provider_generation": 1, "inventories": {"VCPU": {"total": "8"}}}
        url = f"/resource_providers/{provider}/inventories"
        _, [record] = audited.ask("PUT", url, document)
        names = ("verdict", "outcome", "status", "stage", "rule", "json_path", "attempts")
        assert {name: record[name] for name in names} == {
            "verdict": "rejected",
            "outcome": "rejected",
            "status": 400,
            "stage": "document",
            "rule": "document.invalid",
            "json_path": "$.inventories.VCPU.total",
            "attempts": 0,
        }
        assert record["target"]["providers"] == {"count": 1, "values": [provider]}
        assert record["target_complete"] is False

    def test_a_write_that_is_warned_of(self, audited, provider):
        generation = audited.ask("GET", f"/resource_providers/{provider}", wait=0)[0].json[
            "generation"
        ]
        document = {
            "resource_provider_generation": generation,
            "inventories": {"VCPU": {"total": 8, "min_unit": 4, "max_unit": 2}},
        }
        url = f"/resource_providers/{provider}/inventories"
        answer, [record] = audited.ask("PUT", url, document)
        assert answer.status_int == 200
        names = ("verdict", "outcome", "rule", "warnings", "json_path")
        assert {name: record[name] for name in names} == {
            "verdict": "warned",
            "outcome": "committed",
            "rule": "inventory.min_above_max",
            "warnings": ["inventory.min_above_max"],
            "json_path": "$.inventories.VCPU.min_unit",
        }

    def test_a_write_that_target_policy_refuses(self, audited, provider):
        document = {"resource_provider_generation": 1, "inventories": {"VCPU": {"total": 8}}}
        url = f"/resource_providers/{provider}/inventories"
        answer, [record] = audited.ask("PUT", url, document, **CYBORG)
        assert answer.status_int == 403
        names = (
            *("verdict", "break_glass", "outcome", "status", "stage", "rule", "policy_rule"),
            *("json_path", "attempts", "target", "target_complete"),
        )
        assert {name: record[name] for name in names} == {
            "verdict": "rejected",
            "break_glass": False,
            "outcome": "rejected",
            "status": 403,
            "stage": "target_policy",
            "rule": "policy.target_forbidden",
            "policy_rule": "cyborg:resource_providers:inventories:update",
            "json_path": "$.inventories.VCPU",
            "attempts": 0,
            "target": {
                "providers": {"count": 1, "values": [provider]},
                "resource_classes": {"count": 1, "values": ["VCPU"]},
            },
            "target_complete": True,
        }
        assert (record["user"]["id"], record["user"]["roles"]) == ("cyborg", ["service"])

    def test_a_write_that_a_policy_rule_only_warns_of(self, audited, provider):
        document = {"resource_provider_generation": 99, "traits": ["HW_CPU_X86_AVX2"]}
        url = f"/resource_providers/{provider}/traits"
        _, [record] = audited.ask("PUT", url, document, **CYBORG)
        names = ("verdict", "outcome", "rule", "policy_rule", "warnings")
        assert {name: record[name] for name in names} == {
            "verdict": "warned",
            "outcome": "conflict",
            "rule": "policy.target_forbidden",
            "policy_rule": "cyborg:resource_providers:traits:update",
            "warnings": ["policy.target_forbidden"],
        }

    def test_a_write_for_which_the_glass_is_broken(self, audited, provider):
        generation = audited.ask("GET", f"/resource_providers/{provider}", wait=0)[0].json[
            "generation"
        ]
        document = {
            "resource_provider_generation": generation,
            "inventories": {"VCPU": {"total": 9}},
        }
        url = f"/resource_providers/{provider}/inventories"
        answer, [record] = audited.ask("PUT", url, document, **BREAKING)
        assert answer.status_int == 200
        names = ("verdict", "break_glass", "outcome", "rule", "policy_rule", "attempts")
        assert {name: record[name] for name in names} == {
            "verdict": "break_glass",
            "break_glass": True,
            "outcome": "committed",
            "rule": None,
            "policy_rule": None,
            "attempts": 1,
        }
        assert record["user"]["roles"] == ["service", "placement-break-glass"]

    def test_the_glass_is_broken_whatever_comes_of_it(self, audited, provider):
        document = {"resource_provider_generation": 99, "inventories": {}}
        url = f"/resource_providers/{provider}/inventories"
        _, [record] = audited.ask("PUT", url, document, **BREAKING)
        assert (record["verdict"], record["break_glass"]) == ("break_glass", True)
        assert (record["outcome"], record["status"]) == ("conflict", 409)

    def test_reads_are_recorded_where_they_are_refused_only(self, audited):
        assert audited.ask("GET", "/resource_providers", wait=0)[1] == []
        assert audited.ask("GET", f"/resource_providers/{CONSUMER}", wait=0)[1] == []
        answer, [record] = audited.ask(
            "GET", "/resource_providers", **{"X-Auth-Token": "someone", "X-Roles": "nothing"}
        )
        assert answer.status_int == record["status"] == 403
        assert (record["verdict"], record["outcome"]) == ("served", "refused_by_placement")
        assert (record["user"]["id"], record["user"]["roles"]) == ("someone", ["nothing"])

    def test_what_no_route_matches(self, audited):
        _, [record] = audited.ask("POST", "/nothing/of/the/kind")
        assert (record["operation"], record["path"]) == ("unmatched", "/nothing/of/the/kind")
        assert (record["rule"], record["status"]) == ("operation.unknown", 404)

    def test_no_token_gets_into_it(self, audited):
        secrets = {"X-Auth-Token": f"admin:{TOKEN}", "X-Service-Token": TOKEN, "Cookie": TOKEN}
        _, [record] = audited.ask(
            "POST", "/resource_providers", {"name": 5}, Authorization=TOKEN, **secrets
        )
        del record["user"]  # of noauth2, where the token is the user
        assert TOKEN not in json.dumps(record)

    def test_what_was_written_is_counted(self, audited):
        name, label = "placement_guard_audit_records_total", {"sink": "file"}
        written = lambda: audited.registry.get_sample_value(name, label)  # noqa: E731
        before = written()
        audited.ask("POST", "/nothing")
        until(lambda: written() == before + 1)


def _seconds(text):
    from datetime import datetime

    return datetime.fromisoformat(text).timestamp()


def until(condition):
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


@pytest.fixture
def guards(stand):
    """Makes guards of which the audits are closed."""
    made = []

    def guard(**settings):
        made.append(stand.guard(**settings))
        return made[-1]

    yield guard
    for each in made:
        close(each)


def ask(guard, stand, number=0, method="PUT", path="/traits/CUSTOM_A"):
    environ = {
        "REQUEST_METHOD": method,
        "PATH_INFO": path,
        "HTTP_OPENSTACK_API_VERSION": "placement 1.39",
        "openstack.request_id": f"req-{number}",
        "placement.context": stand.context(),
        "wsgi.input": None,
    }
    stand.application.asked.clear()
    said = []
    b"".join(guard(environ, lambda status, headers, error=None: said.append(status)))
    return int(said[-1][:3])


@pytest.fixture
def placement(stand):
    """An application that reads no body, and serves."""

    def application(environ, start_response):
        start_response("204 No Content", [])
        return []

    return lambda guard: setattr(guard, "application", application) or guard


def dropped(stand, sink, reason):
    return stand.count("placement_guard_audit_records_dropped_total", sink=sink, reason=reason)


def test_off_there_is_no_observer(guards):
    assert queues(guards()) == []


def test_many_threads_leave_exactly_one_record_of_each_write(guards, stand, placement, tmp_path):
    path = tmp_path / "audit.jsonl"
    guard = placement(guards(audit=str(path), audit_max_bytes=65536, audit_kept_files=1000))

    def send(first):
        for number in range(first, 1600, 8):
            assert ask(guard, stand, number) == 204
            assert ask(guard, stand, method="GET", path="/traits") == 204

    threads = [threading.Thread(target=send, args=(first,)) for first in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    close(guard)
    found = [record for file in tmp_path.iterdir() for record in lines(file)]
    assert sorted(record["request_id"] for record in found) == sorted(
        f"req-{number}" for number in range(1600)
    )
    assert len(list(tmp_path.iterdir())) > 10
    assert stand.count("placement_guard_audit_records_total", sink="file") == 1600


def test_a_limit_is_recorded_for_a_read_too(guards, stand, placement, tmp_path):
    path = tmp_path / "audit.jsonl"
    guard = placement(guards(audit=str(path), user_rate="1/hour"))
    statuses = [ask(guard, stand, method="GET", path="/traits") for _ in range(2)]
    close(guard)
    [record] = lines(path)
    assert statuses == [204, 429]
    assert (record["verdict"], record["shed"], record["status"]) == ("shed", "user_rate", 429)


def test_a_write_that_fails_is_recorded(guards, stand, tmp_path):
    path = tmp_path / "audit.jsonl"
    guard = guards(audit=str(path))

    def application(environ, start_response):
        raise RuntimeError("SELECT secret")

    guard.application = application
    assert ask(guard, stand) == 500
    close(guard)
    [record] = lines(path)
    assert (record["outcome"], record["status"]) == ("failed", 500)
    assert "secret" not in path.read_text()


def test_into_the_log(guards, stand, placement, caplog):
    guard = placement(guards(audit="log"))
    with caplog.at_level(logging.INFO, NAME):
        ask(guard, stand, 5)
        close(guard)
    [record] = [r for r in caplog.records if r.name == NAME]
    assert record.levelno == logging.INFO
    assert json.loads(record.getMessage())["request_id"] == "req-5"
    assert stand.count("placement_guard_audit_records_total", sink="log") == 1


def test_a_directory_that_comes_late_gets_what_waited(guards, stand, placement, tmp_path):
    path = tmp_path / "late" / "audit.jsonl"
    guard = placement(guards(audit=str(path)))
    for number in range(3):
        assert ask(guard, stand, number) == 204
    path.parent.mkdir()
    close(guard)
    assert [record["request_id"] for record in lines(path)] == ["req-0", "req-1", "req-2"]


def test_where_nothing_can_be_written_requests_are_served_and_drops_counted(
    guards, stand, placement
):
    """/dev/full is no file; a bus that is gone, with a password in its URL, at the same time."""
    with socket.socket() as taken:  # bound, and not listening: connections are refused
        taken.bind(("127.0.0.1", 0))
        url = f"rabbit://guest:s3cret@127.0.0.1:{taken.getsockname()[1]}/"
        guard = placement(guards(audit="/dev/full", audit_queue=16, audit_notifications_url=url))
        for number in range(200):
            assert ask(guard, stand, number) == 204
        close(guard)
        until(lambda: _all(stand, "file") == _all(stand, "notifications") == 200)
    assert dropped(stand, "file", "unwritable") > 0
    assert dropped(stand, "notifications", "unreachable") > 0


def _all(stand, sink):
    """Records that were dropped, for whatever reason."""
    return sum(
        sample.value
        for family in stand.registry.collect()
        for sample in family.samples
        if sample.name == "placement_guard_audit_records_dropped_total"
        and sample.labels["sink"] == sink
    )


def test_on_a_bus(guards, stand, placement):
    """The one in memory, of oslo.messaging's own tests."""
    guard = placement(guards(audit_notifications_url="fake://"))
    for number in range(3):
        ask(guard, stand, number)
    close(guard)
    assert stand.count("placement_guard_audit_records_total", sink="notifications") == 3
    assert _all(stand, "notifications") == 0


def test_a_password_is_in_no_record_and_no_log(guards, stand, placement, tmp_path, caplog):
    path = tmp_path / "audit.jsonl"
    url = "rabbit://guest:s3cret@127.0.0.1:1/"
    with caplog.at_level(logging.DEBUG):
        guard = placement(
            guards(
                audit=str(path),
                audit_notifications_url=url,
                coordination_url="redis://:s3cret@127.0.0.1:1/0",
            )
        )
        logging.getLogger("settings").info("%s", guard.settings)
        ask(guard, stand)
        close(guard)
    assert "s3cret" not in caplog.text
    assert "s3cret" not in path.read_text()
    assert len(lines(path)) == 1
