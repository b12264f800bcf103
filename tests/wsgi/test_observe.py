"""Observe: nothing is refused, everything that would be is counted, logged and marked."""

import logging

import pytest
import webob.exc

OBSERVE = {"observe": True, "max_body_bytes": 2048}

WOULD_REFUSE = [
    ("no context", {"placement.context": None}, b"", "context.missing"),
    ("an unknown route", {"path": "/nothing"}, b"", "operation.unknown"),
    (
        "another content type",
        {"CONTENT_TYPE": "text/plain"},
        b"{}",
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
    assert any("Would have rejected" in r.getMessage() for r in caplog.records)


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
