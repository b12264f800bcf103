"""``python -m benchmarks.lanes``: what lanes cost, and what they give, against other locks.

Needs no Placement. Redis is measured where ``redis-server`` (Debian: redis-server) is installed:
one is started on loopback.
"""

import argparse
import contextlib
import fcntl
import logging
import multiprocessing
import os
import resource
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks import report
from benchmarks.report import Cell, Table
from benchmarks.timing import Spread, ratios
from placement_guard.lanes import Lane, open_lanes

HELD = 0.01
"""How long a contended lock is held (seconds)."""

PROCESSES = 8

CALLS = 200
"""Uncontended turns that are timed together."""

Turn = Callable[[], AbstractContextManager[Any]]
"""Takes the lock; it is held inside the context."""


class Kind(NamedTuple):
    """One kind of lock: ``turn`` makes, in the process that uses it, what takes it."""

    name: str
    turn: Callable[[Path, int], Turn]
    width: int = 1


def flock(directory: Path, _number: int) -> Turn:
    @contextlib.contextmanager
    def take() -> Iterator[None]:
        fd = os.open(directory / "flock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX)
            yield
        finally:
            os.close(fd)

    return take


def fasteners_lock(directory: Path, _number: int) -> Turn:
    import fasteners  # noqa: PLC0415  # comes with tooz

    return lambda: fasteners.InterProcessLock(str(directory / "fasteners"))


def tooz_lock(address: str) -> Callable[[Path, int], Turn]:
    def make(directory: Path, number: int) -> Turn:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            from tooz import coordination  # noqa: PLC0415

        url = address.format(directory=directory)
        coordinator = coordination.get_coordinator(url, str(number).encode())
        coordinator.start()
        return lambda: coordinator.get_lock(b"one")

    return make


def lane(address: str, width: int) -> Callable[[Path, int], Turn]:
    def make(directory: Path, _number: int) -> Turn:
        url = address.format(directory=directory) or None
        lanes = open_lanes(url, str(directory / "lanes"), width, 64)
        wanted = [Lane("4e8e5957-649f-477b-9e5b-f1f75b21c03c")]

        def take() -> Any:
            hold = lanes.hold(wanted, seconds=60)
            if hold.result != "held" or hold.driver != ("redis" if url else "files"):
                raise RuntimeError(f"{hold.result} by {hold.driver}")
            return hold

        return take

    return make


FILES = (
    Kind("flock", flock),
    Kind("fasteners", fasteners_lock),
    Kind("tooz, file", tooz_lock("file://{directory}/tooz")),
    Kind("lanes", lane("", 1)),
    Kind("lanes, width 3", lane("", 3), 3),
)


def over_redis(address: str) -> tuple[Kind, ...]:
    return (
        Kind("tooz, redis", tooz_lock(address)),
        Kind("lanes, redis", lane(address, 1)),
        Kind("lanes, redis, width 3", lane(address, 3), 3),
    )


def uncontended(kinds: Sequence[Kind], directory: Path, rounds: int) -> Table:
    """A turn that nobody else wants, in multiples of flock's."""
    turns = {kind.name: kind.turn(directory, 0) for kind in kinds}
    seconds: dict[str, list[float]] = {kind.name: [] for kind in kinds}
    for _ in range(rounds):
        for name, turn in turns.items():
            seconds[name].append(_per_turn(turn))
    rows: list[tuple[Cell, ...]] = [
        (name, Spread.of([1e6 * s for s in found]), ratios(found, seconds["flock"]))
        for name, found in seconds.items()
    ]
    note = "Microseconds for taking and leaving, and multiples of flock: median (lowest..highest)."
    return Table("uncontended", "A lock that is free", note, ("lock", "µs", "of flock"), rows)


def contended(kinds: Sequence[Kind], directory: Path, rounds: int, seconds: float) -> Table:
    """All processes want one lock, all the time."""
    found: dict[str, list[tuple[float, ...]]] = {kind.name: [] for kind in kinds}
    for _ in range(rounds):
        for kind in kinds:
            found[kind.name].append(_storm(kind, directory, seconds))
    rows: list[tuple[Cell, ...]] = [
        (name, *(Spread.of(list(column)) for column in zip(*values, strict=True)))
        for name, values in found.items()
    ]
    note = (
        f"{PROCESSES} processes that want one lock all the time, and hold it for "
        f"{HELD * 1000:.0f} ms. Share: of the turns that would fit if none came late. Least and "
        "most: turns of one process. CPU: of all processes for one turn."
    )
    columns = ("lock", "share", "least", "most", "least / most", "CPU ms")
    return Table("contended", "A lock that all want", note, columns, rows)


def _per_turn(turn: Turn) -> float:
    began = time.perf_counter()
    for _ in range(CALLS):
        with turn():
            pass
    return (time.perf_counter() - began) / CALLS


def _storm(kind: Kind, directory: Path, seconds: float) -> tuple[float, ...]:
    context = multiprocessing.get_context("fork")
    barrier, results = context.Barrier(PROCESSES), context.SimpleQueue()
    arguments = (kind, directory, seconds, barrier, results)
    processes = [
        context.Process(target=_contender, args=(number, *arguments)) for number in range(PROCESSES)
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    found = [results.get() for process in processes if not process.exitcode]
    if len(found) < PROCESSES:
        raise SystemExit(f"{kind.name}: a process failed")
    turns = [turns for turns, _ in found]
    share = sum(turns) * HELD / seconds / kind.width
    processor = 1000 * sum(used for _, used in found) / sum(turns)
    return share, min(turns), max(turns), min(turns) / max(turns), processor


def _contender(
    number: int, kind: Kind, directory: Path, seconds: float, barrier: Any, results: Any
) -> None:
    turn = kind.turn(directory, number)
    with turn():  # connected, loaded
        pass
    barrier.wait()
    before, turns, end = _processor(), 0, time.monotonic() + seconds
    while time.monotonic() < end:
        with turn():
            time.sleep(HELD)
            # A turn that ends too late would not have fit.
            turns += time.monotonic() < end
    results.put((turns, _processor() - before))


def _processor() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


@contextlib.contextmanager
def _redis(directory: Path) -> Iterator[str | None]:
    """The address of a server of our own; None where none is installed."""
    program = shutil.which("redis-server")
    if program is None:
        yield None
        return
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    command = [
        program,
        "--port",
        str(port),
        "--bind",
        "127.0.0.1",
        "--save",
        "",
        "--dir",
        directory,
    ]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        try:
            while process.poll() is None:
                with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
                    break
                time.sleep(0.01)
            yield f"redis://127.0.0.1:{port}"
        finally:
            process.kill()


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.lanes", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one short round: less exact")
    parser.add_argument("--markdown", action="store_true", help="print Markdown")
    arguments = parser.parse_args()
    logging.disable(logging.WARNING)
    rounds, seconds = (1, 1.0) if arguments.quick else (5, 4.0)
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        with _redis(directory) as address:
            kinds = FILES + (over_redis(address) if address else ())
            tables = [
                contended(kinds, directory, rounds, seconds),
                uncontended(kinds, directory, 4 * rounds),
            ]
    sys.stdout.write(report.markdown(tables) if arguments.markdown else report.text(tables))
    return 0


if __name__ == "__main__":
    sys.exit(main())
