"""What a record is made of: at once, or by the thread that writes.

Between two requests, the processor has forgotten how a record is made: it takes six times as long
as where many are made in a row. So of a small request only what it is made of is kept.
"""

import time
from typing import Final

from placement_guard.exchange import CONTEXT, REQUEST_ID, Exchange
from placement_guard.observers.audit.record import (
    ADDRESS,
    FORWARDED_FOR,
    Record,
    record_at,
)
from placement_guard.outcome import Outcome
from placement_guard.rejection import Rejection

SMALL: Final = 16 * 1024
"""The largest body (bytes) whose record may wait to be made: its document waits as long."""

FEW: Final = 64
"""How many may wait so, of each sink. More wait only where a sink is slow: as records, then."""

_READ: Final = (REQUEST_ID, CONTEXT, ADDRESS, FORWARDED_FOR)


class Ended:
    """An exchange that has ended, and the record of it. Thread-safe."""

    __slots__ = ("_given", "_record")

    def __init__(self, exchange: Exchange, outcome: Outcome, rejection: Rejection | None) -> None:
        # The environ is the server's, which may take it for its next request.
        environ = exchange.environ
        kept = {key: environ[key] for key in _READ if key in environ}
        self._given: tuple[Exchange, Outcome, Rejection | None, float, float] | None = (
            exchange.extended(environ=kept),
            outcome,
            rejection,
            time.time(),
            time.perf_counter() - exchange.began,
        )
        self._record: Record | None = None
        if exchange.body is not None and len(exchange.body) > SMALL:
            self.record()

    def record(self) -> Record:
        """The record, made by whoever asks first, or by two at once: it is the same."""
        given = self._given  # read before the record, which is set before this is cleared
        if given is not None:
            self._record = record_at(*given)
            self._given = None
        assert self._record is not None  # noqa: S101  # for the types
        return self._record
