"""One round: all workers of a side at work at the same time; some of them may be killed in it."""

import contextlib
import time
from collections.abc import Callable, Sequence
from multiprocessing.connection import wait
from random import Random
from typing import Any

from benchmarks.storm.journal import Done, read
from benchmarks.storm.worker import Perform
from benchmarks.storm.workers import Crew, Worker

ROUND_SECONDS = 300
"""How long a round may take. What still runs then hangs: it is killed, and the round is wrong."""

AHEAD_SECONDS = 0.05
"""How long before the start of a round the workers are told of it."""

POLL_SECONDS = 0.02
"""How often it is looked whether something is to be done while they work."""


class Performed(list[Done]):
    """What was done in a round, by all. ``start`` is when it began; ``told`` what went wrong."""

    def __init__(self, start: float) -> None:
        super().__init__()
        self.start = start
        self.told: list[str] = []
        self.killed = 0


class Round:
    """One round of a crew: a task for each worker, all begun at the same time.

    kill
        How many workers are killed, at moments spread over the round.
    length
        How many requests the tasks make in all, about.
    watch
        Called again and again meanwhile, with the seconds since the start.
    """

    def __init__(
        self,
        crew: Crew,
        tasks: Sequence[Any],
        reader: Any = None,
        *,
        kill: int = 0,
        length: int = 0,
        random: Random | None = None,
        watch: Callable[[float], None] = lambda _: None,
    ) -> None:
        self._crew, self._watch = crew, watch
        random = random or Random()
        self._random = random
        self._kills = sorted(random.uniform(0.1, 0.8) * length for _ in range(kill))
        self._tasks = dict(zip(crew.workers, tasks, strict=True))
        self._reader = reader
        self._paths = {}
        self._coming: list[Worker] = []
        self._finished = []

    def __call__(self) -> Performed:
        done = Performed(time.monotonic() + AHEAD_SECONDS)
        crew = self._crew
        readers = crew.readers if self._reader is not None else []
        for worker in [*readers, *crew.workers]:
            self._begin(worker, self._tasks.get(worker, self._reader), done.start)
        while any(worker in self._paths for worker in crew.workers) or self._coming:
            busy = [w for w in crew.workers if w in self._paths]
            ready = wait([w.connection for w in [*busy, *self._coming]], POLL_SECONDS)
            for worker in [*busy, *self._coming]:
                if worker.connection in ready:
                    self._heard(worker, done)
            elapsed = time.monotonic() - done.start
            self._watch(elapsed)
            if self._kills and self._answered() >= self._kills[0]:
                self._kill(done)
            if elapsed > ROUND_SECONDS:
                self._give_up(done)
        for reader in readers:
            self._end(reader)
        for worker, path in self._finished:
            done += read(path, worker.number)
            path.unlink(missing_ok=True)
        return done

    def _begin(self, worker: Worker, task: Any, start: float) -> None:
        self._paths[worker] = self._crew.journal()
        worker.begin(Perform(task, start, self._paths[worker]))

    def _heard(self, worker: Worker, done: Performed) -> None:
        """It is done; or it has died; or, where it was started anew, it goes on."""
        try:
            said = worker.connection.recv()
        except (EOFError, OSError):
            said = "a worker died"
        if worker in self._coming:
            self._coming.remove(worker)
            if said is None:
                self._begin(worker, self._tasks[worker], time.monotonic())
                return
        else:
            self._finished.append((worker, self._paths.pop(worker)))
        if said is not None:
            done.told.append(str(said))
            self._succeed(worker, start=False)

    def _answered(self) -> int:
        paths = [*self._paths.values(), *(path for _, path in self._finished)]
        return sum(path.read_bytes().count(b"Answered") for path in paths if path.exists())

    def _kill(self, done: Performed) -> None:
        self._kills.pop(0)
        busy = [worker for worker in self._crew.workers if worker in self._paths]
        if busy:
            done.killed += 1
            worker = self._random.choice(busy)
            worker.kill()
            self._finished.append((worker, self._paths.pop(worker)))
            self._succeed(worker)

    def _succeed(self, worker: Worker, *, start: bool = True) -> None:
        """Put another in the place of one that is gone. It goes on with what was not begun."""
        new = self._crew.replace(worker)
        if start:
            begun = [done for w, path in self._finished for done in read(path, 0) if w is worker]
            self._tasks[new] = self._tasks[worker].rest(begun)
            self._coming.append(new)
        else:
            new.ready()

    def _give_up(self, done: Performed) -> None:
        done.told.append(f"a worker was still busy after {ROUND_SECONDS} s")
        for worker in [w for w in self._crew.workers if w in self._paths]:
            worker.kill()
            self._finished.append((worker, self._paths.pop(worker)))
            self._succeed(worker, start=False)

    def _end(self, reader: Worker) -> None:
        """Tell a reader to stop, and wait for it."""
        with contextlib.suppress(OSError, EOFError):
            reader.connection.send("stop")
            reader.connection.recv()
        self._finished.append((reader, self._paths.pop(reader)))
