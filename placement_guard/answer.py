"""What the application behind the guard answered, held back until it has been judged."""

from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from typing import Any, Final

from webob.exc import HTTPException

from placement_guard.exchange import Environ

WSGIApp = Callable[..., Iterable[bytes]]
Headers = list[tuple[str, str]]

MAX_EXAMINED: Final = 64 * 1024
"""How much of an error body (bytes) is looked at to tell the kind of a conflict."""


class Answer:
    """The answer of one call of a WSGI application, whether it was given or raised.

    Calls ``app`` at once, and goes on until there is a status: an application may give it as late
    as with its first piece of body. Placement raises ``webob.exc.HTTPException`` as often as it
    returns a response; the microversion middleware around it makes an answer of it. Any other
    exception is the caller's.
    """

    def __init__(self, app: WSGIApp, environ: Environ) -> None:
        self._began: list[tuple[str, Headers, Any]] = []
        self._raised: HTTPException | None = None
        self._given: Iterable[bytes] = ()
        written: list[bytes] = []

        def start_response(
            status: str, headers: Headers, exc_info: Any = None
        ) -> Callable[[bytes], Any]:
            self._began[:] = [(status, list(headers), exc_info)]
            return written.append

        self._body: Iterable[bytes] = ()
        try:
            self._body = self._given = app(environ, start_response)
            if not self._began:
                pieces = iter(self._given)
                # A generator runs up to its first piece; an empty answer has a status by then, too.
                self._body = chain((next(pieces, b""),), pieces)
        except HTTPException as raised:
            self._raised = raised
        if written:
            self._body = chain(written, self._body)
        if not self._began and self._raised is None:
            raise RuntimeError("the application gave no status")

    @property
    def status(self) -> int:
        if self._raised is not None:
            return int(self._raised.wsgi_response.status_int)
        return int(self._began[0][0][:3])

    def header(self, name: str) -> str | None:
        """The first value of a header."""
        if self._raised is not None:
            value: str | None = self._raised.wsgi_response.headers.get(name)
            return value
        given = {key.lower(): value for key, value in reversed(self._began[0][1])}
        return given.get(name.lower())

    def mark(self, name: str, value: str) -> None:
        """Add a header."""
        if self._raised is not None:
            self._raised.wsgi_response.headers[name] = value
        else:
            self._began[0][1].append((name, value))

    def examine(self, most: int = MAX_EXAMINED) -> bytes:
        """The first bytes of the body, or the detail of what was raised. It can still be sent."""
        if self._raised is not None:
            # A detail may be any object: Placement passes exceptions.
            return str(getattr(self._raised, "detail", None) or "").encode("utf-8", "replace")
        if isinstance(self._body, list | tuple):
            return b"".join(self._body)[:most]
        pieces = iter(self._body)
        seen: list[bytes] = []
        while sum(map(len, seen)) < most and (piece := next(pieces, None)) is not None:
            seen.append(piece)
        self._body = chain(seen, pieces)
        return b"".join(seen)[:most]

    def send(self, start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Give the answer to the server, or raise what was raised."""
        if self._raised is not None:
            raise self._raised
        status, headers, exc_info = self._began[0]
        # Without exc_info where there is none: some servers know two arguments only.
        start_response(status, headers, *([exc_info] if exc_info else []))
        return self._body if self._body is self._given else _Closing(self._body, self._given)

    def discard(self) -> None:
        """Drop the answer; it will not be sent."""
        _close(self._given)


class _Closing:
    """A body put together anew, which closes the one that it was made of."""

    def __init__(self, pieces: Iterable[bytes], given: Iterable[bytes]) -> None:
        self._pieces = pieces
        self._given = given

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._pieces)

    def close(self) -> None:
        _close(self._given)


def _close(body: Iterable[bytes]) -> None:
    close = getattr(body, "close", None)
    if close is not None:
        close()
