"""One worker process, like one of uWSGI's: its own application, one request at a time."""

import contextlib
import gc
import time
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Protocol

from msgspec import Struct
from prometheus_client import REGISTRY

from benchmarks.storm.application import App, application
from benchmarks.storm.calls import call
from benchmarks.storm.journal import Journal
from benchmarks.storm.sides import Side


class Task(Protocol):
    """What a worker does in a round. It must be able to cross a pipe."""

    def __call__(self, app: App, journal: Journal, connection: Connection) -> None: ...


class Perform(Struct):
    """Do ``task`` at ``start`` (seconds of the monotonic clock, which all processes share)."""

    task: Any
    start: float
    path: Path


class Ask(Struct):
    """Make one request, and send the answer back."""

    method: str
    path: str
    body: Any = None
    version: str = "1.39"


class Counted(Struct):
    """Send back the sum of a counter of this process, over all of its labels."""

    name: str


def work(
    connection: Connection, side: Side, url: str, directory: Path, *, first: bool, host: int
) -> None:
    """Say ``None`` when the application is ready, then answer to what comes until None comes."""
    # The other end may be gone at any time.
    with contextlib.suppress(EOFError, BrokenPipeError, KeyboardInterrupt), connection:
        try:
            app = application(side, url, directory, first=first, host=host)
        except Exception as error:  # it is told where it can be read
            connection.send(f"{type(error).__name__}: {error}")
            return
        connection.send(None)
        while (asked := connection.recv()) is not None:
            if isinstance(asked, Counted):
                connection.send(_counted(asked.name))
            elif isinstance(asked, Ask):
                connection.send(
                    call(app, asked.method, asked.path, asked.body, version=asked.version)
                )
            else:
                _perform(asked, app, connection)
                connection.send(None)


def _counted(name: str) -> int:
    families = REGISTRY.collect()
    return sum(int(s.value) for family in families for s in family.samples if s.name == name)


def _perform(asked: Perform, app: App, connection: Connection) -> None:
    journal = Journal(asked.path)
    gc.collect()  # not in the middle of one round more than of another
    time.sleep(max(0.0, asked.start - time.monotonic()))
    try:
        asked.task(app, journal, connection)
    finally:
        journal.close()
