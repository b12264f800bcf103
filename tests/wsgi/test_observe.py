"""Observe: nothing is refused, everything that would be is counted, logged and marked."""

import logging

import pytest
import webob.exc

OBSERVE = {"observe": True, "max_body_bytes": 2048}

GOOD = b'{"name": "one"}'

WOULD_REFUSE = [
    ("no context", {"placement.context": None}, GOOD, "context.missing"),
    ("an unknown route", {"path": "/nothing"}, b"", "operation.unknown"),
    (
        "another content type",
        {"CONTENT_TYPE": "text/plain"},
        GOOD,
        "http.content_type_unsupported",
    ),
    ("a bad body", {}, b'{"name": 5}', "document.invalid"),
    ("a large body", {}, b" " * 3000, "body.too_large"),
]


@pytest.mark.parametrize(
    ("given", "body", "rule"),
    [case[1:] for case in WOULD_REFUSE],
    ids=[case[0] for case in WOULD_REFUSE],
)
def test_what_would_be_refused_reaches_placement_whole(stand, caplog, given, body, rule):
    given = {"path": "/resource_providers", **given}
    with caplog.at_level(logging.INFO):
        answer = stand.ask(method="POST", body=body, settings=OBSERVE, **given)
    assert answer.status_int == 204
    assert answer.headers["Placement-Guard"].startswith("decision=warn, stage=")
    assert f'rule="{rule}"' in answer.headers["Placement-Guard"]
    assert stand.application.asked == [("POST", body)]
    assert stand.rejections() == {rule: "warn"}
    assert any("Warned of" in r.getMessage() for r in caplog.records)


def test_a_large_chunked_body_reaches_placement_whole(stand):
    import io

    read = []

    def reading(environ, start_response):
        stream = environ["wsgi.input"]
        while piece := stream.read(1000):
            read.append(piece)
        start_response("204 No Content", [])
        return []

    guard = stand.guard(**OBSERVE)
    guard.application = reading
    body = bytes(range(256)) * 40
    environ = {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": "/resource_providers",
        "placement.context": stand.context(),
        "CONTENT_TYPE": "application/json",
        "wsgi.input": io.BytesIO(body),
        "wsgi.input_terminated": True,
    }
    guard(environ, lambda *given: None)
    assert b"".join(read) == body


def test_a_failure_of_placement_carries_the_mark_and_is_counted(stand):
    """What makes Placement fail is what an observing operator most needs to see."""
    stand.application.error = RuntimeError("surrogates not allowed")
    body = b'{"name": "\\ud800"}'
    answer = stand.ask("/resource_providers", "POST", body=body, settings=OBSERVE)
    assert answer.status_int == 500
    assert answer.headers["Placement-Guard"] == (
        'decision=warn, stage="document", rule="json.lone_surrogate"'
    )
    assert stand.rejections() == {"json.lone_surrogate": "warn"}


def test_a_raised_exception_carries_the_mark(stand):
    stand.application.error = webob.exc.HTTPNotFound("not there")
    with pytest.raises(webob.exc.HTTPNotFound) as raised:
        stand.ask("/nothing", settings=OBSERVE)
    assert raised.value.headers["Placement-Guard"].startswith("decision=warn")
    assert stand.rejections() == {"operation.unknown": "warn"}


def test_all_that_is_wrong_is_counted_and_the_first_of_it_is_marked(stand):
    answer = stand.ask(
        "/resource_providers",
        "POST",
        body=b'{"name": 5}',
        settings=OBSERVE,
        CONTENT_TYPE="text/plain",
        **{"placement.context": None},
    )
    assert answer.status_int == 204
    assert answer.headers["Placement-Guard"] == (
        'decision=warn, stage="identity", rule="context.missing", more=2'
    )
    assert stand.rejections() == {
        "context.missing": "warn",
        "http.content_type_unsupported": "warn",
        "document.invalid": "warn",
    }


def test_a_rule_that_is_off_is_neither_counted_nor_marked(stand):
    body = b'{"name": "one", "name": "two"}'
    for mode, marked in (("warn", True), ("off", False)):
        settings = {"rules": {"json.duplicate_key": mode}}
        answer = stand.ask("/resource_providers", "POST", body=body, settings=settings)
        assert answer.status_int == 204
        assert ("Placement-Guard" in answer.headers) is marked
    assert stand.application.asked[-1] == ("POST", body)


def test_a_body_that_is_too_deep_is_refused_and_searched_no_further(stand):
    deep = b'{"name": ' + b"[" * 5000 + b"]" * 5000 + b"}"
    answer = stand.ask("/resource_providers", "POST", body=deep)
    assert answer.status_int == 400
    assert 'rule="json.too_deep"' in answer.headers["Placement-Guard"]
    assert stand.ask("/reshaper", "POST", body=b"null", **_service(stand)).status_int == 400


def _service(stand):
    return {"placement.context": stand.context(roles=["service"])}
