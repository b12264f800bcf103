"""What comes back: answers pass unchanged, exceptions become a plain 500, all of it is counted."""

import logging

import pytest
import webob.exc
import webtest

from placement_guard.answer import Answer


def requests(stand, outcome, operation="traits:update"):
    return stand.count("placement_guard_requests_total", operation=operation, outcome=outcome)


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        ("201 Created", "committed"),
        ("400 Bad Request", "refused_by_placement"),
        ("409 Conflict", "conflict"),
    ],
)
def test_an_answer_passes_unchanged_and_is_counted(stand, status, outcome):
    body = b'{"errors": [{"detail": "some text"}]}'
    headers = [
        ("Content-Type", "application/json"),
        ("X-Own", "1"),
        ("Content-Length", str(len(body))),
    ]
    stand.application.answer = (status, headers, [body])
    answer = stand.ask()
    assert answer.status == status
    assert answer.body == body
    assert answer.headers["X-Own"] == "1"
    told = {"conflict": 'conflict="other"'}.get(outcome)
    assert answer.headers.get("Placement-Guard") == told
    assert requests(stand, outcome) == 1


SQL = b'{"errors": [{"detail": "(sqlite3.Error) [SQL: INSERT INTO x] [parameters: (secret)]"}]}'


@pytest.mark.parametrize(
    ("status", "title"),
    [("500 Oops", "Internal Server Error"), ("503 Service Unavailable", "Service Unavailable")],
)
@pytest.mark.parametrize("way", ["given", "raised"])
def test_a_5xx_keeps_its_status_and_loses_its_words(stand, caplog, status, title, way):
    code = int(status[:3])
    if way == "given":
        headers = [("Content-Type", "application/json"), ("Retry-After", "7")]
        stand.application.answer = (status, headers, [SQL])
    else:
        stand.application.error = webob.exc.status_map[code](SQL.decode())
        stand.application.error.headers["Retry-After"] = "7"
    with caplog.at_level(logging.ERROR):
        answer = stand.ask(**{"openstack.request_id": "req-9"})
    assert answer.status_int == code
    assert answer.headers["Retry-After"] == "7"
    [error] = answer.json["errors"]
    assert (error["title"], error["request_id"]) == (title, "req-9")
    assert "SQL" not in answer.text
    assert "secret" not in answer.text
    [record] = caplog.records
    assert "req-9" in record.getMessage()
    assert "INSERT INTO x" in record.getMessage()
    assert requests(stand, "failed") == 1


def test_a_5xx_that_nobody_knows_is_a_500(stand):
    stand.application.answer = ("599 Strange", [("Content-Type", "text/plain")], [b"x"])
    assert stand.ask().status_int == 500


def test_a_read_is_served_not_committed(stand):
    stand.application.answer = ("200 OK", [("Content-Type", "text/plain")], [b"x"])
    assert stand.ask("/traits", "GET").body == b"x"
    assert requests(stand, "served", "traits:list") == 1


def test_a_conflict_is_counted_by_its_kind(stand):
    body = b'{"errors": [{"detail": "resource provider generation conflict", "code": "placement.concurrent_update"}]}'
    stand.application.answer = ("409 Conflict", [("Content-Type", "application/json")], [body])
    answer = stand.ask()
    assert answer.body == body
    assert (
        stand.count(
            "placement_guard_conflicts_total", operation="traits:update", kind="provider_generation"
        )
        == 1
    )


def test_a_conflict_in_pieces_is_told_and_passes_whole(stand):
    pieces = [b"consumer generation ", b"conflict - ", b"x" * 100_000]
    closed = []

    class Body:
        def __iter__(self):
            return iter(pieces)

        def close(self):
            closed.append(True)

    stand.application.answer = ("409 Conflict", [("Content-Type", "text/plain")], Body())
    answer = stand.ask()
    assert answer.body == b"".join(pieces)
    assert closed == [True]
    assert (
        stand.count(
            "placement_guard_conflicts_total", operation="traits:update", kind="consumer_generation"
        )
        == 1
    )


def test_the_code_that_placement_leaves_in_environ_tells_the_kind(stand):
    """Below 1.23 the body has no code."""
    stand.application.answer = ("409 Conflict", [("Content-Type", "text/plain")], [b"who knows"])
    stand.ask(**{"placement.error_code": "placement.inventory.inuse"})
    assert (
        stand.count(
            "placement_guard_conflicts_total", operation="traits:update", kind="inventory_in_use"
        )
        == 1
    )


def test_a_raised_http_exception_goes_on_and_is_counted(stand):
    stand.application.error = webob.exc.HTTPConflict("Unable to allocate inventory: no room")
    with pytest.raises(webob.exc.HTTPConflict):
        stand.ask()
    assert requests(stand, "conflict") == 1
    assert (
        stand.count("placement_guard_conflicts_total", operation="traits:update", kind="capacity")
        == 1
    )


def test_a_raised_exception_may_have_any_object_for_a_detail(stand):
    stand.application.error = webob.exc.HTTPNotFound(ValueError("not there"))
    with pytest.raises(webob.exc.HTTPNotFound):
        stand.ask()
    assert requests(stand, "refused_by_placement") == 1


def test_a_raised_conflict_may_hold_what_is_no_text(stand):
    stand.application.error = webob.exc.HTTPConflict("half a pair: \ud800")
    with pytest.raises(webob.exc.HTTPConflict):
        stand.ask()
    assert requests(stand, "conflict") == 1


def test_an_unexpected_exception_is_a_plain_500(stand, caplog):
    stand.application.error = RuntimeError("INSERT INTO consumers VALUES ('secret')")
    with caplog.at_level(logging.INFO):
        answer = stand.ask(**{"openstack.request_id": "req-1"})
    assert answer.status_int == 500
    assert answer.json == {
        "errors": [
            {
                "status": 500,
                "title": "Internal Server Error",
                "detail": (
                    "The server has either erred or is incapable of performing the requested "
                    "operation.\n\n The log has more about it, under this request's id.  "
                ),
                "code": "placement.undefined_code",
                "request_id": "req-1",
            }
        ]
    }
    [record] = [r for r in caplog.records if r.levelno == logging.ERROR]
    assert "req-1" in record.getMessage()
    assert record.exc_info[1] is stand.application.error
    assert requests(stand, "failed") == 1


def test_an_exception_of_the_guard_itself_is_a_plain_500_and_nothing_is_forwarded(stand):
    class Broken:
        user_id, project_id, roles = "user", "project", ["admin"]

        def can(self, *_, **__):
            raise RuntimeError("policy file broken")

    broken = stand.context()
    broken.can = Broken().can
    answer = stand.ask(**{"placement.context": broken})
    assert answer.status_int == 500
    assert "policy file" not in answer.text
    assert not stand.application.asked
    assert requests(stand, "failed") == 1


def test_an_observer_that_fails_costs_nobody_an_answer(stand, monkeypatch, caplog):
    guard = stand.guard()
    told = []
    guard._observers = (
        lambda *_: 1 / 0,
        lambda *_: told.append(True),
    )
    request = webtest.TestRequest.blank(
        "/traits/CUSTOM_A", method="PUT", environ={"placement.context": stand.context()}
    )
    with caplog.at_level(logging.ERROR):
        assert webtest.TestApp(guard).do_request(request).status_int == 204
    assert told == [True]
    assert "An observer failed" in caplog.text


class TestAnswer:
    def test_a_generator_may_give_its_status_late(self):
        def app(environ, start_response):
            start_response("200 OK", [("X-Late", "1")])
            yield b"one"
            yield b"two"

        answer = Answer(app, {})
        assert answer.status == 200
        started = []
        assert b"".join(answer.send(lambda *given: started.append(given))) == b"onetwo"
        assert started == [("200 OK", [("X-Late", "1")])]

    def test_a_generator_may_raise_its_answer(self):
        def app(environ, start_response):
            raise webob.exc.HTTPNotFound("gone")
            yield

        answer = Answer(app, {})
        assert answer.status == 404
        with pytest.raises(webob.exc.HTTPNotFound):
            answer.send(None)

    def test_an_empty_generator_has_a_status_too(self):
        def app(environ, start_response):
            start_response("204 No Content", [])
            return
            yield

        answer = Answer(app, {})
        assert b"".join(answer.send(lambda *given: None)) == b""

    def test_what_is_written_comes_first(self):
        def app(environ, start_response):
            write = start_response("200 OK", [])
            write(b"one")
            return [b"two"]

        answer = Answer(app, {})
        assert answer.examine() == b"onetwo"
        assert b"".join(answer.send(lambda *given: None)) == b"onetwo"

    def test_an_error_that_replaces_a_status_is_handed_on(self):
        def app(environ, start_response):
            start_response("200 OK", [])
            start_response("500 Oops", [], ("type", "value", None))
            return [b""]

        started = []
        Answer(app, {}).send(lambda *given: started.append(given))
        assert started == [("500 Oops", [], ("type", "value", None))]

    def test_an_application_without_a_status_is_broken(self):
        with pytest.raises(RuntimeError, match="no status"):
            Answer(lambda environ, start_response: [b"x"], {})

    def test_a_discarded_answer_is_closed(self):
        closed = []

        class Body(list):
            def close(self):
                closed.append(True)

        def app(environ, start_response):
            start_response("200 OK", [])
            return Body()

        Answer(app, {}).discard()
        assert closed == [True]


class TestTheProviderOfBadAggregates:
    """Placement looks the provider up before it judges the body: its 404 comes first."""

    PATH = "/resource_providers/5a4a0b3c-2c5a-4d6e-8f11-2b6c7d8e9f00/aggregates"

    def test_a_404_that_is_returned_is_the_answer(self, stand):
        stand.application.answer = ("404 Not Found", [("Content-Type", "text/plain")], [b"gone"])
        answer = stand.ask(self.PATH, body=b"{}")
        assert (answer.status_int, answer.body) == (404, b"gone")
        assert stand.application.asked == [("GET", b"")]
        name = "resource_providers:aggregates:update"
        assert requests(stand, "refused_by_placement", name) == 1
        assert requests(stand, "rejected", name) == 0

    def test_a_404_that_is_raised_is_raised(self, stand):
        stand.application.error = webob.exc.HTTPNotFound("gone")
        with pytest.raises(webob.exc.HTTPNotFound):
            stand.ask(self.PATH, body=b"{}")

    @pytest.mark.parametrize(
        "answer",
        [("200 OK", [("Content-Type", "text/plain")], [b"x"]), ("204 No Content", [], [])],
    )
    def test_of_a_provider_that_is_there_the_body_is_refused(self, stand, answer):
        stand.application.answer = answer
        refused = stand.ask(self.PATH, body=b"{}")
        assert refused.status_int == 400
        assert 'rule="document.invalid"' in refused.headers["Placement-Guard"]

    @pytest.mark.parametrize(
        "error", [RuntimeError("database gone"), webob.exc.HTTPForbidden("no reads")]
    )
    def test_a_look_up_that_fails_changes_nothing(self, stand, error):
        stand.application.error = error
        refused = stand.ask(self.PATH, body=b"{}")
        assert refused.status_int == 400
        assert b"database gone" not in refused.body
