"""The recorder: what a record holds, what it never holds, and that no request notices."""

import gc
import json
import threading

import pytest
import webtest
from oslo_context.context import RequestContext
from prometheus_client import CollectorRegistry

from placement_guard import Guard, Settings
from placement_guard.observers.capture.line import MAX_TARGET
from placement_guard.recording.lines import MAX_BODY

UUID = "4e8e5957-649f-477b-9e5b-f1f75b21c03c"
INVENTORIES = f"/resource_providers/{UUID}/inventories"
BODY = b'{"resource_provider_generation": 1, "inventories": {"VCPU": {"total": 8}}}'
SECRET = "gAAAAABsecret"


class Stand:
    """A guard that records, before an application that answers 204."""

    def __init__(self, path, **settings):
        self.path, self.registry = path, CollectorRegistry()
        chosen = Settings(capture_file=str(path), max_body_bytes=8 * 1024 * 1024, **settings)
        self.guard = Guard(self._application, chosen, registry=self.registry)
        self.app = webtest.TestApp(self.guard)

    @staticmethod
    def _application(environ, start_response):
        environ.update(QUERY_STRING="changed", CONTENT_TYPE="changed")
        start_response("204 No Content", [])
        return []

    def ask(self, path=INVENTORIES, method="PUT", body=BODY, context=None, **environ):
        given = {
            "placement.context": context or user(),
            "placement.microversion": (1, 39),
            "openstack.request_id": "req-1",
            "CONTENT_TYPE": "application/json",
            **environ,
        }
        request = webtest.TestRequest.blank(path, method=method, environ=given)
        request.body = body
        return self.app.do_request(request, expect_errors=True).status_int

    def lines(self):
        assert self.guard.recorder.flush(10)
        return [json.loads(line) for line in self.path.read_text().splitlines()]

    def record(self):
        header, record = self.lines()
        assert record["by"] == header["id"]
        return record

    def written(self):
        return self._count("placement_guard_capture_records_total", sink="file")

    def dropped(self, reason):
        return self._count(
            "placement_guard_capture_records_dropped_total", sink="file", reason=reason
        )

    def _count(self, name, **labels):
        return self.registry.get_sample_value(name, labels)


def user(**changes):
    values = {"user_id": "nova", "project_id": "service", "roles": ["admin"], "overwrite": False}
    return RequestContext(**{**values, **changes})


@pytest.fixture
def stand(tmp_path):
    made = []

    def make(**settings):
        made.append(Stand(tmp_path / "capture.jsonl", **settings))
        return made[-1]

    yield make
    for one in made:
        one.guard.recorder.close()


def test_a_record_says_what_was_asked_and_what_was_decided(stand):
    one = stand()
    odd = BODY.replace(b'"total": 8', b'"total": 8, "min_unit": 9, "max_unit": 8')
    assert one.ask(INVENTORIES + "?a=b", body=odd, HTTP_ACCEPT="text/plain") == 204
    record = one.record()
    assert record.pop("at") > 1.7e9
    del record["by"]
    assert record == {
        "id": "req-1",
        "method": "PUT",
        "path": INVENTORIES,
        "query": "a=b",
        "operation": "resource_providers:inventories:update",
        "status": 204,
        "outcome": "committed",
        "version": [1, 39],
        "headers": {
            "CONTENT_LENGTH": str(len(odd)),
            "CONTENT_TYPE": "application/json",
            "HTTP_ACCEPT": "text/plain",
        },
        "identity": {
            "user_id": "nova",
            "project_id": "service",
            "roles": ["admin"],
            "is_admin_project": True,
        },
        "size": len(odd),
        "body": odd.decode(),
        "asked": True,
        "warnings": ["inventory.min_above_max"],
    }


def test_the_header_says_how_records_were_made(stand):
    one = stand(rules={"json.duplicate_key": "off"})
    one.ask()
    header = one.lines()[0]
    assert header["placement_guard_recording"] == 1
    assert header["bodies"] == "whole"
    assert header["modes"]["json.duplicate_key"] == "off"
    assert header["modes"]["json.malformed"] == "enforce"


def test_a_refusal_is_recorded_with_its_rule(stand):
    one = stand()
    assert one.ask(context=user(roles=["member"])) == 403
    record = one.record()
    assert (record["rule"], record["outcome"], record["status"]) == (
        "policy.forbidden",
        "rejected",
        403,
    )
    assert "body" not in record
    assert "size" not in record


@pytest.mark.parametrize("bodies", ["whole", "shape", "none"])
def test_no_token_is_recorded(stand, bodies):
    one = stand(capture_bodies=bodies)
    context = user(auth_token=SECRET, service_token=SECRET)
    headers = {
        "HTTP_X_AUTH_TOKEN": SECRET,
        "HTTP_X_SERVICE_TOKEN": SECRET,
        "HTTP_AUTHORIZATION": SECRET,
        "HTTP_COOKIE": SECRET,
        "HTTP_X_SUBJECT_TOKEN": SECRET,
    }
    one.ask(context=context, **headers)
    one.ask(
        f"/traits?auth_token={SECRET}&x=1&PASSWORD={SECRET}", "GET", b"", context=user(), **headers
    )
    stolen = b'{"auth": {"identity": {"token": {"id": "%s"}}}}' % SECRET.encode()
    one.ask(body=stolen, context=user(), **headers)
    records = one.lines()[1:]
    assert len(records) == 3
    assert SECRET not in one.path.read_text()
    assert "body" not in records[2]


def test_what_was_sent_is_recorded_not_what_was_made_of_it(stand):
    one = stand(observe=True)
    assert one.ask(CONTENT_TYPE="") == 204
    record = one.record()
    assert record["headers"] == {"CONTENT_LENGTH": str(len(BODY)), "CONTENT_TYPE": ""}


def test_a_body_that_is_no_text_is_in_base64(stand):
    one = stand(observe=True)
    one.ask(body=b"\xff")
    assert (one.record()["body"], one.record()["base64"]) == ("/w==", True)


@pytest.mark.parametrize(
    ("bodies", "body", "why"),
    [
        ("none", BODY, "none"),
        ("whole", BODY + b" " * MAX_BODY, "too_long"),
        ("whole", BODY.replace(b'"VCPU"', b'"admin_password"'), "secret"),
        ("shape", BODY, "shape"),
    ],
)
def test_a_body_can_be_left_out(stand, bodies, body, why):
    one = stand(capture_bodies=bodies)
    one.ask(body=body)
    record = one.record()
    assert record["left_out"] == why
    assert record["size"] == len(body)
    assert "body" not in record


def test_a_shape_holds_no_name_and_no_uuid(stand):
    one = stand(capture_bodies="shape")
    claim = {
        "allocations": {UUID: {"resources": {"VCPU": 5}}},
        "project_id": "acme",
        "user_id": "alice",
        "consumer_generation": None,
        "consumer_type": "INSTANCE",
    }
    one.ask(f"/allocations/{UUID}", body=json.dumps(claim).encode(), context=user(user_id="alice"))
    one.ask("/resource_providers", "POST", b'{"name": "compute-1"}', context=user(user_id="alice"))
    one.ask(f"/resource_providers?in_tree={UUID}&name=compute-1", "GET", b"", context=user())
    one.lines()
    text = one.path.read_text()
    assert not any(name in text for name in (UUID, "acme", "alice", "compute-1", "nova"))
    claimed, made, read = one.lines()[1:]
    assert (
        claimed["shape"]["user_id"] == claimed["identity"]["user_id"] == made["identity"]["user_id"]
    )
    assert list(claimed["shape"]["allocations"]) == [claimed["path"].rpartition("/")[2]]
    assert claimed["shape"]["consumer_type"] == "INSTANCE"
    assert read["hidden"] is True


def test_all_processes_hide_by_one_key_which_is_not_in_the_recording(stand):
    one, other = stand(capture_bodies="shape"), stand(capture_bodies="shape")
    one.ask()
    assert one.guard.recorder.flush(10)
    other.ask()
    first, second = (line for line in other.lines() if "path" in line)
    assert first["path"] == second["path"] != INVENTORIES
    key = other.path.with_name("capture.jsonl.key")
    assert key.stat().st_mode & 0o777 == 0o600
    assert key.read_bytes().hex() not in other.path.read_text()
    assert sorted(p.name for p in key.parent.iterdir()) == ["capture.jsonl", "capture.jsonl.key"]
    assert other.path.stat().st_mode & 0o777 == 0o600


def test_reads_can_be_left_out(stand):
    one = stand(capture_reads=False)
    one.ask("/traits", "GET", b"")
    one.ask(context=user())
    assert one.record()["method"] == "PUT"


def test_a_context_that_served_before_is_known_to_be_one(stand):
    one = stand(rules={"context.reused": "off"})
    context = user()
    assert [one.ask(context=context), one.ask(context=context)] == [204, 204]
    first, second = one.lines()[1:]
    assert ("reused" in first, second["reused"]) == (False, True)


@pytest.mark.parametrize("bodies", ["whole", "shape"])
def test_no_request_notices_that_nothing_can_be_written(tmp_path, bodies, caplog):
    one = Stand(tmp_path / "nowhere" / "capture.jsonl", capture_bodies=bodies)
    assert [one.ask(context=user()) for _ in range(3)] == [204] * 3
    one.guard.recorder.close()
    assert one.dropped("unwritable") == 3
    assert one.written() == 0
    [told] = [record.getMessage() for record in caplog.records if "no records" in record.msg]
    assert told == (
        f"Capture: {one.path} takes no records: No such file or directory. "
        "4096 can wait; the next ones are dropped."
    )


def test_a_directory_that_is_made_later_gets_what_waited(tmp_path):
    one = Stand(tmp_path / "later" / "capture.jsonl")
    assert one.ask() == 204
    one.path.parent.mkdir()
    assert one.record()["status"] == 204
    one.guard.recorder.close()


def test_a_target_that_is_too_long_is_not_recorded(stand):
    one = stand(observe=True)
    one.ask("/traits?name=" + "x" * MAX_TARGET, "GET", b"")
    one.ask(context=user())
    assert one.record()["method"] == "PUT"
    assert one.dropped("not_encodable") == 1


def test_a_guard_that_is_gone_leaves_no_thread(tmp_path):
    one = Stand(tmp_path / "capture.jsonl")
    one.ask()
    one.lines()
    [thread] = [t for t in threading.enumerate() if t.name == "capture-writer"]
    del one
    gc.collect()
    thread.join(10)
    assert not thread.is_alive()


def test_what_is_recorded_is_counted(stand):
    one = stand()
    one.ask()
    one.lines()
    assert one.written() == 1
