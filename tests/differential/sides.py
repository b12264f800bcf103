"""Both sides, from the outside: started, asked at the same time, started again if they hang or die.

A side is a process of its own, because Placement keeps its database and its policy process-wide.
"""

import contextlib
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from multiprocessing import Pipe
from pathlib import Path

from tests import unmeasured
from tests.differential.answers import SIDES, Answer
from tests.differential.requests import Request

ROOT = Path(__file__).resolve().parents[2]

BOOT = """import sys; sys.path.append(sys.argv.pop(1))
from tests.differential.worker import main; main()"""
"""The program of a side. The root of the repository comes last, so that the guard under test is the
one that is installed."""

START_SECONDS = 120
"""How long a side may take to make its tables and its cloud."""

ANSWER_SECONDS = 30
"""How long one request may take; what takes longer counts as an answer of 599."""


class Side:
    """One process. ``url`` is its database, which nobody else uses; ``options`` are those of the
    guard, ``name=value``."""

    def __init__(self, name: str, url: str, log: Path, options: Sequence[str] = ()) -> None:
        self.name, self.url, self.log, self.options = name, url, log, options
        self.lines: list[str] = []
        self.start()

    def start(self) -> None:
        self._connection, theirs = Pipe()
        # Sets are put in an order by hashes: both sides must have the same.
        environ = {**unmeasured.environ(), "PYTHONHASHSEED": "0"}
        command = [sys.executable, "-c", BOOT, str(ROOT)]
        with theirs, self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [*command, str(theirs.fileno()), self.name, self.url, *self.options],
                cwd=self.log.parent,
                env=environ,
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def ready(self) -> None:
        """Wait for the cloud. RuntimeError with what the process said if it does not come."""
        try:
            if self._connection.poll(START_SECONDS):
                self.lines = self._connection.recv()
                return
        except (EOFError, OSError):
            pass
        self.stop()
        said = self.log.read_text(errors="replace")[-4000:]
        raise RuntimeError(f"the {self.name} side did not start:\n{said}")

    def send(self, request: Request) -> None:
        with contextlib.suppress(OSError):  # it died; ``receive`` finds out
            self._connection.send(request)

    def receive(self) -> Answer:
        try:
            if self._connection.poll(ANSWER_SECONDS):
                return self._connection.recv()
            raised = f"no answer in {ANSWER_SECONDS} s"
        except (EOFError, OSError):
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(5)
            raised = f"the process died with status {self._process.poll()}"
        self.stop()
        self.start()
        self.ready()
        return Answer(599, {}, b"", raised=raised)

    def stop(self) -> None:
        """End the process; it has nothing to lose."""
        with contextlib.suppress(OSError):
            self._connection.send(None)
        self._connection.close()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


class Sides:
    """The bare and the guarded side. Called with a request, returns both answers."""

    def __init__(self, bare: Side, guarded: Side) -> None:
        self.bare, self.guarded = bare, guarded
        if sorted(bare.lines) != sorted(guarded.lines):
            raise RuntimeError("the two sides do not start from the same state")

    def __call__(self, request: Request) -> tuple[Answer, Answer]:
        self.bare.send(request)
        self.guarded.send(request)
        return self.bare.receive(), self.guarded.receive()


@contextlib.contextmanager
def running(url: str | None = None, options: Sequence[str] = ()) -> Iterator[Sides]:
    """Both sides, each over its own database.

    ``url`` has ``{side}`` where the databases differ; without it, SQLite in a temporary directory.
    A database must be empty, and is left full. ``options`` of the guard are ``name=value``.
    """
    with tempfile.TemporaryDirectory(prefix="differential-") as name:
        directory = Path(name)
        template = url or f"sqlite:///{directory}/{{side}}.db"
        started = []
        try:
            for side in SIDES:
                url = template.replace("{side}", side)
                started.append(Side(side, url, directory / f"{side}.log", options))
            for side in started:
                side.ready()
            yield Sides(*started)
        finally:
            for side in started:
                side.stop()
