"""The body: exactly what webob would read of it, within bounds, and put back."""

import io
import tracemalloc

import pytest

from placement_guard.rejection import Rejection
from placement_guard.stages.body import CHUNK, read

LIMIT = 1000


class Stream(io.RawIOBase):
    """Counts what is read of it, ``most`` at once; raises once it is asked for more than it has, if
    told so."""

    def __init__(self, data, breaks):
        self.data, self.breaks, self.taken = io.BytesIO(data), breaks, 0
        self.most = len(data) + 1

    def read(self, size=-1):
        piece = self.data.read(min(size, self.most) if size >= 0 else size)
        self.taken += len(piece)
        if not piece and self.breaks:
            raise OSError("connection reset")
        return piece


def environ(data, **given):
    breaks = given.pop("breaks", False)
    return {"REQUEST_METHOD": "POST", "wsgi.input": Stream(data, breaks), **given}


def rest(env):
    return env["wsgi.input"].read()


@pytest.mark.parametrize("length", ["5", " 5 ", "+5", "0_5", "05"])
def test_as_much_is_read_as_content_length_says(length):
    env = environ(b"12345and more", CONTENT_LENGTH=length)
    stream = env["wsgi.input"]
    assert read(env, LIMIT) == b"12345"
    assert stream.taken == 5
    assert rest(env) == b"12345"
    assert env["CONTENT_LENGTH"] == "5"


@pytest.mark.parametrize("length", [None, "", "0", "-5"])
def test_without_a_length_nothing_is_read(length):
    env = environ(b"12345", **({} if length is None else {"CONTENT_LENGTH": length}))
    stream = env["wsgi.input"]
    assert read(env, LIMIT) == b""
    assert stream.taken == 0


def test_a_terminated_stream_is_read_to_its_end():
    env = environ(b"x" * LIMIT, **{"wsgi.input_terminated": True})
    assert read(env, LIMIT) == b"x" * LIMIT
    assert rest(env) == b"x" * LIMIT
    assert env["CONTENT_LENGTH"] == str(LIMIT)


def test_of_a_stream_over_the_limit_hardly_more_is_read():
    env = environ(b"x" * 10 * CHUNK, **{"wsgi.input_terminated": True})
    stream = env["wsgi.input"]
    refused = read(env, LIMIT)
    assert isinstance(refused, Rejection)
    assert refused.rule.id == "body.too_large"
    assert refused.detail == f"The body has more than {LIMIT} bytes; the limit is {LIMIT} bytes."
    assert stream.taken <= LIMIT + 1
    assert rest(env) == b"x" * 10 * CHUNK


def test_of_a_length_over_the_limit_nothing_is_read():
    env = environ(b"x" * 2000, CONTENT_LENGTH="2000")
    refused = read(env, LIMIT)
    assert refused.detail == "The body has 2000 bytes; the limit is 1000 bytes."
    assert env["wsgi.input"].taken == 0


def test_a_body_at_the_limit_is_read():
    assert len(read(environ(b"x" * LIMIT, CONTENT_LENGTH=str(LIMIT)), LIMIT)) == LIMIT


@pytest.mark.parametrize("breaks", [False, True], ids=["ends", "breaks off"])
def test_a_body_that_ends_early_is_refused(breaks):
    refused = read(environ(b"123", CONTENT_LENGTH="5", breaks=breaks), LIMIT)
    assert isinstance(refused, Rejection)
    assert refused.rule.id == "body.incomplete"


def test_a_chunked_body_that_breaks_off_is_refused():
    refused = read(environ(b"123", breaks=True, **{"wsgi.input_terminated": True}), LIMIT)
    assert refused.rule.id == "body.incomplete"


@pytest.mark.parametrize("pieces", [1, 100], ids=["at once", "in pieces"])
@pytest.mark.parametrize("terminated", [False, True], ids=["with a length", "chunked"])
def test_a_body_is_in_memory_once(terminated, pieces):
    size = 4 * 2**20
    env = environ(b"x" * size, **{"wsgi.input_terminated": True} if terminated else {})
    if not terminated:
        env["CONTENT_LENGTH"] = str(size)
    stream = env["wsgi.input"]
    stream.most = size // pieces
    tracemalloc.start()
    try:
        body = read(env, size)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(body) == stream.taken == size
    assert peak < 1.5 * size
    assert rest(env) == body


def test_what_webob_has_read_before_is_read_again():
    env = environ(b"12345", CONTENT_LENGTH="5")
    assert read(env, LIMIT) == b"12345"
    env["wsgi.input"].read()
    assert read(env, LIMIT) == b"12345"
