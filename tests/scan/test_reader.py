"""How a scan waits and asks again, and that it never does anything but read."""

import email.utils
import json
import threading
import time
import types

import pytest
from keystoneauth1 import session, token_endpoint

from placement_guard.scan import reader
from placement_guard.scan.connection import at_endpoint
from placement_guard.scan.errors import (
    CannotScanError,
    InterruptedScanError,
    RefusedError,
    UnansweredError,
    UnreadableError,
)
from placement_guard.scan.reader import Reader


class Pauses(threading.Event):
    """An interrupt that never comes, and the seconds for which it was waited."""

    def __init__(self):
        super().__init__()
        self.seconds = []

    def wait(self, timeout=None):
        self.seconds.append(timeout)
        return self.is_set()


@pytest.fixture
def asked(server, between):
    """A server that answers as told and then ``{"done": true}``, and a reader of it."""

    def real(environ, start_response):
        start_response("200 OK", [("Content-Type", "application/json")])
        return [b'{"done": true}']

    before = between(real)
    with server(before) as url:
        stop = Pauses()
        adapter = at_endpoint(url, "secret", cacert=None, threads=2)
        made = Reader(adapter, timeout=5, stop=stop)
        yield types.SimpleNamespace(reader=made, stop=stop, between=before, url=url)


def answers(asked, *statuses, **headers):
    told = [(name.replace("_", "-"), value) for name, value in headers.items()]
    asked.between.before("", *[lambda s=status: (s, told, b"{}") for status in statuses])


def test_an_answer_is_asked_for_once(asked):
    assert asked.reader.get("/x", {"a": "b c"}) == {"done": True}
    assert asked.between.asked == [("GET", "/x?a=b+c")]
    assert (asked.reader.requests, asked.stop.seconds) == (1, [])


@pytest.mark.parametrize("status", ["429 T", "500 T", "502 T", "503 T", "504 T"])
def test_what_may_pass_is_asked_again(asked, status):
    answers(asked, *[status] * (reader.ATTEMPTS - 1))
    assert asked.reader.get("/x") == {"done": True}
    assert asked.reader.requests == reader.ATTEMPTS
    # Longer each time, and never at the same moment as others.
    for number, pause in enumerate(asked.stop.seconds):
        most = reader.FIRST_WAIT * 2**number
        assert most / 2 <= pause <= most


@pytest.mark.parametrize("status", ["429 T", "503 T"])
def test_a_server_that_says_how_long_to_wait_is_obeyed(asked, status):
    answers(asked, status, Retry_After="7")
    assert asked.reader.get("/x") == {"done": True}
    assert asked.stop.seconds == [7]


def test_it_may_say_until_when(asked):
    until = email.utils.formatdate(time.time() + 30, usegmt=True)
    answers(asked, "503 T", Retry_After=until)
    asked.reader.get("/x")
    assert 20 < asked.stop.seconds[0] <= 30


@pytest.mark.parametrize("told", ["soon", "-3", "", "Wed, 99 Foo 2026", "\u0663"])
def test_what_it_says_may_be_nonsense(asked, told):
    answers(asked, "503 T", Retry_After=told.encode().decode("latin-1"))
    asked.reader.get("/x")
    assert 0 < asked.stop.seconds[0] <= reader.FIRST_WAIT


def test_a_time_that_is_over_is_no_wait(asked):
    answers(asked, "503 T", Retry_After="Thu, 01 Jan 1998 00:00:00 GMT")
    asked.reader.get("/x")
    assert 0 < asked.stop.seconds[0] <= reader.FIRST_WAIT


@pytest.mark.parametrize("told", ["61", "9" * 400, "Fri, 01 Jan 2100 00:00:00 GMT"])
def test_nobody_waits_for_long(asked, told):
    answers(asked, "503 T", Retry_After=told)
    with pytest.raises(UnansweredError, match="/x: HTTP 503"):
        asked.reader.get("/x")
    assert (asked.reader.requests, asked.stop.seconds) == (1, [])


def test_nothing_is_asked_for_ever(asked):
    answers(asked, *["503 T"] * 20)
    with pytest.raises(UnansweredError, match="/x: HTTP 503"):
        asked.reader.get("/x")
    assert asked.reader.requests == reader.ATTEMPTS


def test_placement_may_fail_each_time(asked):
    answers(asked, *["500 T"] * 20)
    with pytest.raises(UnreadableError, match="GET /x is answered with HTTP 500"):
        asked.reader.get("/x")
    assert asked.reader.requests == reader.ATTEMPTS


def test_not_found_is_an_answer(asked):
    answers(asked, "404 T")
    assert asked.reader.get("/x") is None


def test_a_request_may_be_refused(asked):
    answers(asked, "400 T")
    with pytest.raises(RefusedError, match="/x: HTTP 400"):
        asked.reader.get("/x")


@pytest.mark.parametrize(
    ("status", "said"),
    [
        ("401 T", "authentication is refused"),
        ("403 T", "GET /x is forbidden"),
        ("405 T", "GET /x is answered with HTTP 405"),
        ("406 T", "GET /x is not served at this microversion"),
        ("204 T", "GET /x is answered with HTTP 204"),
        ("302 T", "GET /x is redirected"),
        ("501 T", "GET /x is answered with HTTP 501"),
    ],
)
def test_other_answers_end_it(asked, status, said):
    # With 401 the library asks a second time, with a new token where it can get one.
    answers(asked, *[status] * 2, Location="http://127.0.0.1:9/elsewhere")
    with pytest.raises(CannotScanError, match=said):
        asked.reader.get("/x")


@pytest.mark.parametrize("body", [b"<html>", b"", b"[" * 100_000, b"\xff", b"[]", b"null"])
def test_an_answer_that_is_no_json_object_ends_it(asked, body):
    asked.between.before("", lambda: ("200 OK", [], body))
    with pytest.raises(CannotScanError, match="is it Placement"):
        asked.reader.get("/x")


def test_numbers_that_json_does_not_have_are_read(asked):
    asked.between.before("", lambda: ("200 OK", [], b'{"a": [NaN, Infinity, -Infinity]}'))
    assert json.dumps(asked.reader.get("/x")["a"]) == "[NaN, Infinity, -Infinity]"


def test_the_microversion_is_asked_for(asked, monkeypatch):
    seen = []
    real = asked.between.application
    asked.between.application = lambda environ, start: (
        seen.append(environ["HTTP_OPENSTACK_API_VERSION"]) or real(environ, start)
    )
    asked.reader.version = (1, 39)
    asked.reader.get("/x")
    asked.reader.get("/x", version=(1, 37))
    assert seen == ["placement 1.39", "placement 1.37"]


def test_nothing_is_asked_after_an_interrupt(asked):
    asked.stop.set()
    with pytest.raises(InterruptedScanError):
        asked.reader.get("/x")
    assert asked.between.asked == []


def test_an_interrupt_ends_a_wait(asked):
    answers(asked, "503 T", Retry_After="30")
    asked.stop.wait = lambda _: asked.stop.set()
    with pytest.raises(InterruptedScanError):
        asked.reader.get("/x")
    assert asked.reader.requests == 1


def test_a_server_that_is_not_there_is_tried_again(asked):
    adapter = at_endpoint("http://127.0.0.1:9", "secret", cacert=None, threads=1)
    absent = Reader(adapter, timeout=5, stop=asked.stop)
    with pytest.raises(UnansweredError, match="Unable to establish connection"):
        absent.get("/x")
    assert absent.requests == reader.ATTEMPTS


def test_a_server_that_says_nothing_is_not_waited_for(asked):
    hold = threading.Event()
    adapter = at_endpoint(asked.url, "secret", cacert=None, threads=1)
    hasty = Reader(adapter, timeout=0.2, stop=asked.stop)
    asked.between.before("", *[lambda: hold.wait(10) and None] * 20)
    try:
        with pytest.raises(UnansweredError, match="timed out"):
            hasty.get("/x")
    finally:
        hold.set()


@pytest.mark.parametrize(
    "token", ["", "two words", "line\nbreak", "nul\0", "zürich", "\x7f"], ids=ascii
)
def test_a_token_that_no_header_takes_is_not_told(token):
    with pytest.raises(CannotScanError) as caught:
        at_endpoint("http://127.0.0.1:9", token, cacert=None, threads=1)
    assert str(caught.value) == "the token is empty, or holds what no header takes"


@pytest.mark.parametrize(
    "url",
    ["", "placement", "ftp://host", "http://", "http:///path", "http://me:secret@host",
     "http://host?a=b", "http://host#a", "http://[half", "http://host:port"],
)  # fmt: skip
def test_an_endpoint_that_is_none(url):
    with pytest.raises(CannotScanError, match="the endpoint") as caught:
        at_endpoint(url, "token", cacert=None, threads=1)
    assert "secret" not in str(caught.value)


def test_a_path_below_the_endpoint_is_kept(asked):
    adapter = at_endpoint(f"{asked.url}/placement/", "secret", cacert=None, threads=1)
    Reader(adapter, timeout=5, stop=asked.stop).get("/resource_providers")
    assert asked.between.asked == [("GET", "/placement/resource_providers")]


def test_there_are_as_many_connections_as_threads():
    made = at_endpoint("http://127.0.0.1:9", "token", cacert=None, threads=17).session
    assert {a._pool_maxsize for a in made.adapters.values()} == {17}


def test_the_session_is_keystoneauths():
    adapter = at_endpoint("http://127.0.0.1:9", "token", cacert="/a/file", threads=1)
    assert isinstance(adapter.session, session.Session)
    assert isinstance(adapter.session.auth, token_endpoint.Token)
    assert adapter.session.verify == "/a/file"
