"""The body, read within bounds, and put back for Placement unchanged."""

import io
from typing import Any, Final

from webob.request import BaseRequest

from placement_guard.exchange import Environ, Exchange
from placement_guard.rejection import Rejection, reject

CHUNK: Final = 64 * 1024
"""How much of a body is read at once (bytes) where no Content-Length says how much there is."""


class Body:
    """The body stage. Rules ``body.*``: 413 and 400.

    Reads only where Placement does, at this operation and microversion. Replaces ``wsgi.input``
    by the bytes that it read, and sets CONTENT_LENGTH, as webob does when Placement reads.
    """

    def __init__(self, *, max_body_bytes: int) -> None:
        self._limit = max_body_bytes

    def __call__(self, exchange: Exchange) -> Exchange | Rejection:
        if exchange.expected is None:
            return exchange
        body = read(exchange.environ, self._limit)
        return body if isinstance(body, Rejection) else exchange.extended(body=body)


def read(environ: Environ, limit: int) -> bytes | Rejection:
    """The body: exactly what webob would read of it, at most ``limit`` bytes, and put back.

    Without a Content-Length and without ``wsgi.input_terminated`` there is no body: reading could
    wait for ever.
    """
    request = BaseRequest(environ)
    length = request.content_length
    if length is not None and length > limit:
        return _too_large(limit, f"has {length} bytes")
    if not request.is_body_readable:
        return b""
    if request.is_body_seekable:
        request.body_file_raw.seek(0)
    # Into memory: webob's own copy of more than 10 KiB would go through a temporary file.
    try:
        if length is None:
            body = _read(request.body_file_raw, limit + 1, at_once=CHUNK)
        else:
            body = _read(request.body_file_raw, length, at_once=length)
    except OSError:
        return reject("body.incomplete")
    if len(body) > limit:
        environ["wsgi.input"] = _Rejoined(body, request.body_file_raw)
        return _too_large(limit, f"has more than {limit} bytes")
    if len(body) < (length or 0):
        return reject("body.incomplete")
    request.body = body
    return body


def _read(stream: Any, most: int, *, at_once: int) -> bytes:
    """``most`` bytes of ``stream``, or fewer where it ends before.

    The body is in memory once: a buffer grows in place and gives its bytes away, where chunks to be
    joined would need as much again; and what comes all at once is not copied at all.
    """
    buffer = io.BytesIO()
    while (missing := most - buffer.tell()) > 0 and (piece := stream.read(min(at_once, missing))):
        if len(piece) == most:
            return piece
        buffer.write(piece)
    return buffer.getvalue()


def _too_large(limit: int, size: str) -> Rejection:
    return reject("body.too_large", f"The body {size}; the limit is {limit} bytes.")


class _Rejoined(io.RawIOBase):
    """What was read of a stream, and the rest of it: for requests that go on all the same."""

    def __init__(self, head: bytes, rest: Any) -> None:
        self._head = io.BytesIO(head)
        self._rest = rest

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1, /) -> bytes:
        head = self._head.read(size)
        if size >= 0 and head:
            return head
        return head + (self._rest.read(size) or b"")
