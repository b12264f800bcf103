"""What the application behind the guard answered, held back until it has been judged."""

from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from typing import Any, Final

from placement_guard.exchange import Environ

Headers = list[tuple[str, str]]

MAX_EXAMINED: Final = 64 * 1024
"""How much of an error body (bytes) is looked at to tell the kind of a conflict."""


class Answer:
    """Status, headers and body of one call of a WSGI application.

    Calls ``app`` at once, and goes on until it has given a status: an application may give it as
    late as with its first piece of body.
    """

    def __init__(self, app: Callable[..., Iterable[bytes]], environ: Environ) -> None:
        self._began: list[tuple[str, Headers, Any]] = []
        written: list[bytes] = []

        def start_response(
            status: str, headers: Headers, exc_info: Any = None
        ) -> Callable[[bytes], Any]:
            self._began[:] = [(status, list(headers), exc_info)]
            return written.append

        self._closed: Iterable[bytes] = app(environ, start_response)
        self._body: Iterable[bytes] = self._closed
        if not self._began:
            pieces = iter(self._closed)
            # A generator runs up to its first piece; an empty answer still has a status by then.
            first = next(pieces, b"")
            self._body = chain((first,), pieces)
        if written:
            self._body = chain(written, self._body)
        if not self._began:
            raise RuntimeError("the application gave no status")

    @property
    def status(self) -> int:
        return int(self._began[0][0][:3])

    def add_header(self, name: str, value: str) -> None:
        self._began[0][1].append((name, value))

    def examine(self) -> bytes:
        """The beginning of the body. The body can still be sent."""
        if isinstance(self._body, list | tuple):
            return b"".join(self._body)[:MAX_EXAMINED]
        pieces = iter(self._body)
        seen: list[bytes] = []
        while sum(map(len, seen)) < MAX_EXAMINED and (piece := next(pieces, None)) is not None:
            seen.append(piece)
        self._body = chain(seen, pieces)
        return b"".join(seen)[:MAX_EXAMINED]

    def send(self, start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Give the answer to the server."""
        status, headers, exc_info = self._began[0]
        # Without exc_info where there is none: some servers know two arguments only.
        start_response(status, headers, *([exc_info] if exc_info else []))
        return self._body if self._body is self._closed else _Closing(self._body, self._closed)

    def discard(self) -> None:
        """Drop the answer; it will not be sent."""
        _close(self._closed)


class _Closing:
    """A body put together anew, which closes the one that it was made of."""

    def __init__(self, pieces: Iterable[bytes], closed: Iterable[bytes]) -> None:
        self._pieces = pieces
        self._closed = closed

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._pieces)

    def close(self) -> None:
        _close(self._closed)


def _close(body: Iterable[bytes]) -> None:
    close = getattr(body, "close", None)
    if close is not None:
        close()
