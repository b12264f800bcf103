"""Limits: what is too much is told when to come again; releases and reshapes are never stopped."""

import json
import threading
import types
import uuid

import pytest
import webtest

PROVIDER = "4e8e5957-649f-477b-9e5b-f1f75b21c03c"
CONSUMER = "9d5c1f0a-5d0b-4d2f-8c9d-0a4b6f3c7e21"
CANDIDATES = "/allocation_candidates"
SERVICE = ["admin", "service"]


def held(*providers):
    return {
        "allocations": {uuid: {"resources": {"VCPU": 1}} for uuid in providers},
        "project_id": "p",
        "user_id": "u",
        "consumer_generation": None if providers else 1,
        "consumer_type": "INSTANCE",
    }


CLAIM = json.dumps(held(PROVIDER)).encode()
RELEASE = json.dumps(held()).encode()
RESHAPE = json.dumps(
    {
        "inventories": {PROVIDER: {"resource_provider_generation": 1, "inventories": {}}},
        "allocations": {},
    }
).encode()
SPARED = [
    ("DELETE", f"/allocations/{CONSUMER}", b""),
    ("PUT", f"/allocations/{CONSUMER}", RELEASE),
    ("POST", "/allocations", json.dumps({CONSUMER: held()}).encode()),
    ("POST", "/reshaper", RESHAPE),
]


@pytest.fixture
def ask(stand, tmp_path):
    """Send a request as this user of this project."""

    def ask(method, path, body=b"", *, user="user", project="project", **settings):
        return stand.ask(
            path,
            method,
            body=body,
            settings={"lane_directory": str(tmp_path / "lanes"), "verify_share": 0.0, **settings},
            **{"placement.context": stand.context(user_id=user, project_id=project, roles=SERVICE)},
        )

    return ask


class TestRates:
    def test_a_user_who_sends_too_much_is_told_when_to_come_again(self, ask, stand):
        rate = {"user_rate": "2/hour"}
        statuses = [ask("GET", "/traits", **rate).status_int for _ in range(2)]
        answer = ask("GET", "/traits", **rate)
        assert (statuses, answer.status_int) == ([204, 204], 429)
        assert 0 < int(answer.headers["Retry-After"]) <= 3600
        assert answer.headers["Placement-Guard"] == 'decision=shed, why="user_rate"'
        assert answer.json["errors"][0]["code"] == "placement_guard.shed.user_rate"
        assert len(stand.application.asked) == 2
        assert stand.count("placement_guard_shed_total", operation="traits:list", why="user_rate")
        assert stand.count(
            "placement_guard_requests_total", operation="traits:list", outcome="shed"
        )

    def test_another_user_is_not_concerned(self, ask):
        rate = {"user_rate": "1/hour"}
        assert ask("GET", "/traits", **rate).status_int == 204
        assert ask("GET", "/traits", **rate).status_int == 429
        assert ask("GET", "/traits", user="other", **rate).status_int == 204

    def test_a_project_is_counted_whoever_of_it_asks(self, ask):
        rate = {"project_rate": "2/hour"}
        users = [ask("GET", "/traits", user=user, **rate).status_int for user in "abc"]
        assert users == [204, 204, 429]
        assert ask("GET", "/traits", project="other", **rate).status_int == 204

    @pytest.mark.parametrize(("method", "path", "body"), SPARED)
    def test_releases_and_reshapes_are_never_counted(self, ask, method, path, body):
        rate = {"user_rate": "1/hour", "project_rate": "1/hour"}
        assert ask("GET", "/traits", **rate).status_int == 204
        for _ in range(3):
            assert ask(method, path, body, **rate).status_int == 204

    def test_the_root_is_not_counted(self, ask):
        for _ in range(3):
            assert ask("GET", "/", user_rate="1/hour").status_int == 204

    def test_where_rates_cannot_be_counted_requests_go_on_and_it_is_said_once(self, ask, caplog):
        settings = {"user_rate": "1/hour", "coordination_url": "redis://127.0.0.1:1/0"}
        for _ in range(3):
            assert ask("GET", "/traits", **settings).status_int == 204
        assert len([r for r in caplog.records if "Rates cannot" in r.getMessage()]) == 1


LIMITS = {
    "limit_claims": 2,
    "limit_candidates": 2,
    "limit_writes": 2,
    "limit_wait_seconds": 0.05,
    "lanes": False,
    "verify_share": 0.0,
}

KINDS = [
    ("GET", CANDIDATES, b""),
    ("PUT", f"/allocations/{CONSUMER}", CLAIM),
    ("PUT", "/traits/CUSTOM_A", b""),
]


class TestPlaces:
    @pytest.fixture
    def busy(self, stand, tmp_path):
        """A guard before an application that keeps each request until it is let go."""
        inside, go = threading.Semaphore(0), threading.Event()

        def slow(environ, start_response):
            inside.release()
            assert go.wait(20)
            start_response("204 No Content", [])
            return []

        guard = stand.guard(lane_directory=str(tmp_path / "lanes"), **LIMITS)
        guard.application = slow

        def ask(method, path, body):
            environ = {
                "placement.context": stand.context(roles=SERVICE),
                "HTTP_OPENSTACK_API_VERSION": "placement 1.39",
                "CONTENT_TYPE": "application/json",
            }
            request = webtest.TestRequest.blank(path, method=method, environ=environ)
            if body:
                request.body = body
            return webtest.TestApp(guard).do_request(request, expect_errors=True)

        def fill(*kinds):
            """Two requests of each kind inside."""
            threads = [threading.Thread(target=ask, args=kind) for kind in kinds for _ in "ab"]
            for thread in threads:
                thread.start()
            for _ in threads:
                assert inside.acquire(timeout=20)
            return threads

        yield types.SimpleNamespace(ask=ask, fill=fill, go=go)
        go.set()

    @pytest.mark.parametrize(("method", "path", "body"), KINDS)
    def test_what_finds_no_place_is_told_when_to_come_again(self, busy, method, path, body):
        threads = busy.fill((method, path, body))
        answer = busy.ask(method, path, body)
        assert answer.status_int == 503
        assert answer.headers["Placement-Guard"] == 'decision=shed, why="busy"'
        assert int(answer.headers["Retry-After"]) >= 1
        busy.go.set()
        for thread in threads:
            thread.join(20)
        assert busy.ask(method, path, body).status_int == 204

    @pytest.mark.parametrize(("method", "path", "body"), [*SPARED, ("GET", "/traits", b"")])
    def test_releases_reshapes_and_other_reads_need_no_place(self, busy, method, path, body):
        busy.fill(*KINDS)
        threading.Timer(0.2, busy.go.set).start()
        assert busy.ask(method, path, body).status_int == 204


def test_limits_are_off_unless_asked_for(ask):
    for _ in range(5):
        assert ask("GET", "/traits").status_int == 204
        assert ask("PUT", f"/allocations/{uuid.uuid4()}", CLAIM).status_int == 204
