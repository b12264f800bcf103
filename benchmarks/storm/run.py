"""A run: every side on one database server, round by round in turns."""

import contextlib
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from random import Random

from msgspec import Struct

from benchmarks.storm import melee_verdict, stored, verdict
from benchmarks.storm.claims import Candidates, Storm
from benchmarks.storm.judged import Judged
from benchmarks.storm.mixed import Melee, World
from benchmarks.storm.operations import VCPU
from benchmarks.storm.sides import Side
from benchmarks.storm.together import Round
from benchmarks.storm.workers import Crew
from tests import redis_server
from tests.database_servers import PACKAGES, Server, found, running
from tests.redis_server import RedisServer

ISOLATION = "innodb_snapshot_isolation"

AWAY_SECONDS = 1.0
"""How long a Redis that is killed stays away."""

DROPPED = "placement_guard_audit_records_dropped_total"

LOOK_SECONDS = 0.2
"""How often it is looked what is in use during a round."""


class Faults(Struct):
    """What goes wrong meanwhile.

    kill
        How many workers are killed in a round.
    restart_at
        When the database is stopped and started again, in seconds since the start of a round.
    crash
        Whether it has no time to end in good order then.
    redis_at
        When the Redis of the run is killed, and started again a second later, in seconds likewise.
    """

    kill: int = 0
    restart_at: float | None = None
    crash: bool = False
    redis_at: float | None = None


class Database(Struct):
    """A server that runs; ``name`` is how a report calls it."""

    name: str
    server: Server


@contextlib.contextmanager
def database(
    kind: str, sides: Sequence[Side], *, durable: bool = True, isolation: str | None = None
) -> Iterator[Database | None]:
    """A server with a database for each side. None if it does not know snapshot isolation.

    SystemExit if it is not installed.
    """
    if not found(kind):
        raise SystemExit(f"not installed here: {PACKAGES[kind]}, and the extra 'bench'")
    settings = [f"{ISOLATION}={isolation.upper()}"] if isolation and kind == "mariadb" else []
    names = [side.database for side in sides]
    with running(kind, names, durable=durable, settings=settings) as server:
        knows = settings and server.execute(f"SHOW GLOBAL VARIABLES LIKE '{ISOLATION}'")
        if isolation and not knows:
            yield None
            return
        version = str(server.execute("SELECT version()")[0][0]).split()
        text = f"{kind} {next((v for v in version if v[:1].isdigit()), '')}"
        yield Database(text + (f", snapshot isolation {isolation}" if isolation else ""), server)


class Contest:
    """The sides on one database, each with its workers, ready for a round at any time."""

    def __init__(
        self,
        base: Database,
        sides: Sequence[Side],
        workers: int,
        directory: Path,
        redis: RedisServer | None = None,
    ) -> None:
        self._server, self._redis = base.server, redis
        self.crews: dict[str, Crew] = {}
        self._engines: dict[str, stored.Engine] = {}
        for side in sides:
            url = base.server.url(side.database)
            self._engines[side.name] = stored.engine(url)
            self.crews[side.name] = Crew(side, url, directory, workers)

    def stop(self) -> None:
        for crew in self.crews.values():
            crew.stop()

    def round(
        self, name: str, storm: Storm | Melee, random: Random, faults: Faults | None = None
    ) -> Judged:
        """One round of the side of this name, on tables that are empty."""
        crew, engine, faults = self.crews[name], self._engines[name], faults or Faults()
        stored.clear(engine)
        before = self._dropped(crew)
        place = storm.prepare(crew, random)
        tasks = storm.tasks(place, random, persistent=crew.side.persistent)
        restart = _Restart(_again(self._server, crash=faults.crash), faults.restart_at)
        flap = _Restart(_flapping(self._redis), faults.redis_at if self._redis else None)
        lookout = _Lookout(engine, place.fixed if isinstance(place, World) else place)

        def watch(elapsed: float) -> None:
            restart(elapsed)
            flap(elapsed)
            lookout(elapsed)

        done = Round(
            crew,
            tasks,
            Candidates() if crew.readers else None,
            kill=faults.kill,
            length=storm.length,
            random=random,
            watch=watch,
        )()
        restart.join()
        flap.join()
        found = stored.read(engine)
        if isinstance(place, World):
            judged = melee_verdict.judge(done, found, place, storm.workers, lookout.seen)
        else:
            judged = verdict.judge(done, found, place, storm.workers)
        if crew.side.audited:
            judged.noted["records of the audit dropped"] = self._dropped(crew) - before
        return judged

    @staticmethod
    def _dropped(crew: Crew) -> int:
        return crew.counted(DROPPED) if crew.side.audited else 0


class _Restart:
    """Stops a server and starts it again, once: ``at`` seconds after the start, or never."""

    def __init__(self, again: Callable[[], None], at: float | None) -> None:
        self._again, self._at = again, at
        self._thread: threading.Thread | None = None

    def __call__(self, elapsed: float) -> None:
        if self._at is not None and elapsed >= self._at and self._thread is None:
            self._thread = threading.Thread(target=self._again)
            self._thread.start()

    def join(self) -> None:
        """Wait until the server is back."""
        if self._thread is not None:
            self._thread.join()


def _again(server: Server, *, crash: bool) -> Callable[[], None]:
    def again() -> None:
        if crash:
            server.crash()
        else:
            server.stop()
        server.start()

    return again


def _flapping(redis: RedisServer | None) -> Callable[[], None]:
    def again() -> None:
        if redis is not None:
            redis.kill()
            time.sleep(AWAY_SECONDS)
            redis.start()

    return again


class _Lookout:
    """Looks now and then whether more is in use than there is, of providers that keep theirs."""

    def __init__(self, engine: stored.Engine, providers: Sequence[str]) -> None:
        self._engine, self._providers = engine, set(providers)
        self._next = 0.0
        self.seen: set[tuple[str, int]] = set()

    def __call__(self, elapsed: float) -> None:
        if elapsed < self._next:
            return
        self._next = elapsed + LOOK_SECONDS
        found = stored.over(self._engine, VCPU)
        self.seen |= {(provider, used) for provider, used in found if provider in self._providers}


@contextlib.contextmanager
def contest(
    base: Database, sides: Sequence[Side], workers: int, keep: Path | None = None
) -> Iterator[Contest]:
    """All workers, started, and a Redis where a side asks for one.

    ``keep`` is where logs stay; by itself they go with the run.
    """
    with contextlib.ExitStack() as stack:
        temporary = tempfile.TemporaryDirectory(prefix="storm-")
        directory = keep or Path(stack.enter_context(temporary))
        directory.mkdir(parents=True, exist_ok=True)
        redis = stack.enter_context(_redis(directory)) if _wanted(sides) else None
        if redis is not None:
            sides = [side.with_redis(redis.url) for side in sides]
        started = Contest(base, sides, workers, directory, redis)
        stack.callback(started.stop)
        yield started


def _wanted(sides: Sequence[Side]) -> bool:
    return any(side.wants_redis for side in sides)


@contextlib.contextmanager
def _redis(directory: Path) -> Iterator[RedisServer]:
    """A Redis for the run. SystemExit if it is not installed."""
    if not redis_server.found():
        raise SystemExit(f"not installed here: {redis_server.PACKAGE}")
    server = RedisServer(directory)
    try:
        yield server
    finally:
        server.stop()


def rounds(
    started: Contest,
    storm: Storm | Melee,
    number: int,
    random: Random,
    faults: Faults | None = None,
    progress: Callable[[str, int], None] = lambda _name, _number: None,
) -> dict[str, list[Judged]]:
    """``number`` rounds of every side, in turns: a machine that is busy slows all of them."""
    judged: dict[str, list[Judged]] = {name: [] for name in started.crews}
    for each in range(number):
        for name, results in judged.items():
            progress(name, each)
            results.append(started.round(name, storm, random, faults))
    return judged
