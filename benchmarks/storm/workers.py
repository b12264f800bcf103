"""The worker processes of one side, from the outside: started, asked, replaced, stopped."""

import contextlib
import multiprocessing
import time
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from benchmarks.storm.calls import AWAY, Answer
from benchmarks.storm.sides import Side
from benchmarks.storm.worker import Ask, Counted, Perform, work

START_SECONDS = 120
"""How long a worker may take to build its application."""

BACK_SECONDS = 5
"""How long a worker may take to serve again after its database is back."""

_forked = multiprocessing.get_context("forkserver")
_forked.set_forkserver_preload(["benchmarks.storm.preload"])


class Worker:
    """One process. ``number`` says which of its side it is, or stands for."""

    def __init__(self, number: int, side: Side, url: str, directory: Path, *, first: bool) -> None:
        self.number = number
        self._connection, theirs = _forked.Pipe()
        self._process = _forked.Process(
            target=work,
            args=(theirs, side, url, directory),
            kwargs={"first": first, "host": number % side.hosts},
            daemon=True,
        )
        self._process.start()
        theirs.close()

    @property
    def connection(self) -> Connection:
        return self._connection

    def ready(self) -> None:
        """Wait for its application; RuntimeError if there is none."""
        said: Any = "it does not answer"
        with contextlib.suppress(EOFError, OSError):
            if self._connection.poll(START_SECONDS):
                said = self._connection.recv()
        if said is not None:
            raise RuntimeError(f"a worker did not start: {said}")

    def ask(self, method: str, path: str, body: Any = None, version: str = "1.39") -> Answer:
        self._connection.send(Ask(method, path, body, version))
        return self._connection.recv()

    def counted(self, name: str) -> int:
        """The sum of a counter of its process."""
        self._connection.send(Counted(name))
        return self._connection.recv()

    def begin(self, perform: Perform) -> None:
        self._connection.send(perform)

    def kill(self) -> None:
        self._process.kill()
        self._process.join()

    def stop(self) -> None:
        with contextlib.suppress(OSError):
            self._connection.send(None)
        self._process.join(5)
        self.kill()
        self._connection.close()


class Crew:
    """``number`` workers of a side, and as many more as it has readers."""

    def __init__(self, side: Side, url: str, directory: Path, number: int) -> None:
        self.side, self._url, self._directory = side, url, directory
        self._journals = 0
        self.workers = [self._worker(0, first=True)]
        self.workers[0].ready()
        more = range(1, number + side.readers)
        self.workers += [self._worker(each) for each in more]
        for worker in self.workers[1:]:
            worker.ready()
        self.workers, self.readers = self.workers[:number], self.workers[number:]

    def ask(self, method: str, path: str, body: Any = None, version: str = "1.39") -> Answer:
        """One request while nothing else goes on. RuntimeError if it is not served.

        It comes again where it is told to: a database may just be back.
        """
        end = time.monotonic() + BACK_SECONDS
        while (answer := self.workers[0].ask(method, path, body, version)).kind == AWAY:
            if time.monotonic() > end:
                break
            time.sleep(0.1)
        if answer.status >= 400:
            raise RuntimeError(f"{method} {path}: {answer}")
        return answer

    def counted(self, name: str) -> int:
        """The sum of a counter of all of them; of those that are gone nobody knows."""
        return sum(worker.counted(name) for worker in [*self.workers, *self.readers])

    def stop(self) -> None:
        for worker in [*self.workers, *self.readers]:
            worker.stop()

    def _worker(self, number: int, *, first: bool = False) -> Worker:
        return Worker(number, self.side, self._url, self._directory, first=first)

    def replace(self, worker: Worker) -> Worker:
        """Another one in its place, being started."""
        new = self._worker(worker.number)
        everyone = self.workers if worker in self.workers else self.readers
        everyone[everyone.index(worker)] = new
        return new

    def journal(self) -> Path:
        self._journals += 1
        return self._directory / f"{self.side.database}-{self._journals}.journal"
