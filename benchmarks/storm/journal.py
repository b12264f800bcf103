"""What a worker did, written down as it does it: what it had been answered is known when it dies.

A line is one write to a file that is only appended to. The kernel has it before the next request
begins, so SIGKILL takes nothing away that was acknowledged.
"""

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from benchmarks.storm.calls import SERVED, STALE, UNANSWERED, Answer

MAX_ATTEMPTS = 1000
"""After so many a persistent client gives up: it would go on for ever."""


class Sent(Struct, tag=True):
    """A request is about to be made; ``what`` it is, in the words of its workload."""

    number: int
    began: float
    what: Any


class Answered(Struct, tag=True):
    """The request with this number has been answered, after so many attempts of the client."""

    number: int
    ended: float
    status: int
    kind: str
    retry: bool
    detail: str
    attempts: int
    told: Any = None


_LINE = msgspec.json.Decoder(Sent | Answered)


class Done(Struct):
    """One request with its answer. Times are those of the machine's monotonic clock (seconds).

    ``ended`` is infinite where no answer was written down: its effect may show at any later time.
    """

    worker: int
    number: int
    began: float
    what: Any
    ended: float = float("inf")
    status: int = 0
    kind: str = UNANSWERED
    retry: bool = False
    detail: str = ""
    attempts: int = 1
    told: Any = None

    @property
    def served(self) -> bool:
        return self.kind == SERVED

    @property
    def unknown(self) -> bool:
        """Whether it may have been served or not: it was not answered, or it failed."""
        return self.status == 0 or self.status >= 500

    @property
    def seconds(self) -> float:
        return self.ended - self.began


class Journal:
    """Written by one worker process."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        self._number = 0

    def close(self) -> None:
        os.close(self._file)

    def record(
        self,
        what: Any,
        send: Callable[[], Answer],
        *,
        persistent: bool = False,
        keep: Callable[[Answer], Any] = lambda _: None,
    ) -> Answer:
        """Make a request, and write down that it is made and how it is answered.

        ``persistent`` makes it again as long as the answer says that this may help. ``keep`` says
        what of the answer is to be written down.
        """
        self._number += 1
        self._write(Sent(self._number, time.monotonic(), what))
        attempts, answer = 1, send()
        # As nova does: a client whose view of the consumer is stale cannot help itself.
        while persistent and answer.retry and answer.kind != STALE and attempts < MAX_ATTEMPTS:
            attempts, answer = attempts + 1, send()
        status, kind, retry, detail, _ = answer
        ended = time.monotonic()
        self._write(
            Answered(self._number, ended, status, kind, retry, detail, attempts, told=keep(answer))
        )
        return answer

    def _write(self, line: Sent | Answered) -> None:
        os.write(self._file, msgspec.json.encode(line) + b"\n")


def read(path: Path, worker: int) -> list[Done]:
    """Everything in a journal, in order."""
    done: dict[int, Done] = {}
    for line in _lines(path):
        if isinstance(line, Sent):
            done[line.number] = Done(worker, line.number, line.began, line.what)
        else:
            for name in ("ended", "status", "kind", "retry", "detail", "attempts", "told"):
                setattr(done[line.number], name, getattr(line, name))
    return list(done.values())


def _lines(path: Path) -> Iterator[Sent | Answered]:
    raw = path.read_bytes() if path.exists() else b""
    # A line that has no end was never written whole: nobody was told.
    return map(_LINE.decode, raw.split(b"\n")[:-1])
