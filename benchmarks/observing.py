"""What it costs to see: metrics, status page, audit and traces, on against off."""

import contextlib
import gc
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from time import process_time, thread_time
from typing import Any, NamedTuple

from prometheus_client import REGISTRY, CollectorRegistry

from benchmarks.multiprocess import in_multiprocess
from benchmarks.report import Cell, Table
from benchmarks.requests import Request, requests
from benchmarks.subject import App, Subject, configuration, subject
from benchmarks.timing import Plan, Spread, ratios
from placement_guard.guard import Guard
from placement_guard.observers.audit import Audit
from placement_guard.observers.tracing import Tracing
from placement_guard.placement import deploy, guard_of, health_of, listen_for

REQUESTS, REQUESTS_QUICK = 100, 10
"""How many requests go to each side in a round."""

ROW = 5
"""How many of them go to one side before it is the other's turn."""

FLUSH_SECONDS = 10.0
"""How long what waits in a queue may take until it is written (seconds)."""

TITLE = "A request with all that observes on, against one with all of it off"
NOTE = (
    "Microseconds of one request to a guarded Placement on SQLite, and in multiples of what it "
    "takes with nothing that observes: medians of the rounds (lowest..highest), in rows of 5 in "
    "turns. Processor time of the thread of the request; and in the last column also that of all "
    "other threads, until the audit is in its file and the spans are with the collector."
)
COLUMNS = ("request", "on", "off, µs", "on, µs", "on / off", "with other threads")


class Side(NamedTuple):
    """One guarded Placement. ``settle`` waits until what its requests have left is written."""

    app: App
    settle: Callable[[], None]


def observing(plan: Plan) -> Table:
    """Metrics, status page, audit and traces on, against all of them off."""
    both = subject()
    with _collector() as collector:
        off = Side(_silent(deploy(_options(both), registry=CollectorRegistry())), lambda: None)
        sides = _sides(both, collector)
        rows = [
            row
            for sent in requests(both)
            if sent.name in MEASURED
            for row in _rows(sent, off, sides, plan)
        ]
    return Table("observing", TITLE, NOTE, COLUMNS, rows)


def observing_multiprocess(plan: Plan) -> Table:
    """The same, with metrics in prometheus_client's multiprocess mode."""
    return in_multiprocess("observing", COLUMNS, plan)


MEASURED = ("PUT inventories, 3 classes", "PUT inventories, refused")


def _sides(both: Subject, collector: str) -> dict[str, Side]:
    """What is switched on, more and more of it."""
    audit = {"audit": str(Path(both.directory.name, "audit.jsonl"))}
    traced = {"traces": collector}
    options: dict[str, dict[str, Any]] = {
        "metrics": {"status_page": False},
        "metrics, page": {},
        "metrics, page, audit": audit,
        "metrics, page, audit, traces": audit | traced,
        "metrics, page, audit, traces of all": audit | traced | {"traces_share": 1.0},
    }
    return {name: _side(both, some) for name, some in options.items()}


def _side(both: Subject, options: dict[str, Any]) -> Side:
    # In one process they share what counts, as guards may.
    app = deploy(_options(both, metrics_port=_free_port(), **options), registry=REGISTRY)
    guard = guard_of(app)
    listen_for(guard, health_of(app))
    return Side(app, lambda: _settle(guard))


def _options(both: Subject, **options: Any) -> Any:
    return configuration(both.directory.name, **options)


def _silent(app: App) -> App:
    """The same without anything that observes: nothing is counted, timed or logged."""
    guard = guard_of(app)
    guard._observers = ()
    guard._steps = {
        name: tuple((stage, _nothing) for stage, _ in steps) for name, steps in guard._steps.items()
    }
    guard._condition.entered = guard._condition.left = _nothing  # type: ignore[method-assign]
    return app


def _nothing(*_told: object) -> None:
    pass


def _settle(guard: Guard) -> None:
    for observer in guard._observers:
        if isinstance(observer, Audit):
            assert all(queue.flush(FLUSH_SECONDS) for queue in observer._queues)
        elif isinstance(observer, Tracing):
            tracer = observer._spans._tracer  # type: ignore[attr-defined]
            tracer.span_processor.force_flush(int(FLUSH_SECONDS * 1000))


def _rows(
    sent: Request, off: Side, sides: dict[str, Side], plan: Plan
) -> Iterator[tuple[Cell, ...]]:
    rows = (REQUESTS_QUICK if plan.quick else REQUESTS) // ROW
    everybody = {"off": off, **sides}
    asked: dict[str, list[float]] = {name: [] for name in everybody}
    whole: dict[str, list[float]] = {name: [] for name in everybody}
    for side in everybody.values():
        _later(sent, side, ROW)
    for number in range(plan.rounds):
        plan.progress(f"observing: {sent.name}: round {number + 1} of {plan.rounds}")
        gc.collect()
        for name, took in _in_turns(sent, everybody, rows).items():
            later = _later(sent, everybody[name], rows * ROW)
            asked[name].append(took * 1e6)
            whole[name].append((took + later) * 1e6)
    for name in sides:
        yield (
            sent.name,
            name,
            Spread.of(asked["off"]),
            Spread.of(asked[name]),
            ratios(asked[name], asked["off"]),
            ratios(whole[name], whole["off"]),
        )


def _in_turns(sent: Request, everybody: dict[str, Side], rows: int) -> dict[str, float]:
    """Seconds of a request, of its own thread, the mean of all: what is rare counts as well."""
    seconds = dict.fromkeys(everybody, 0.0)
    order = list(everybody)
    for _ in range(rows):
        for name in order:
            side = everybody[name]
            seconds[name] += sum(sent.send(side.app).seconds for _ in range(ROW))
        order.append(order.pop(0))  # so that none always follows the same
    for side in everybody.values():
        side.settle()
    return {name: total / (rows * ROW) for name, total in seconds.items()}


def _later(sent: Request, side: Side, count: int) -> float:
    """Seconds that a request costs beside its own thread, and to have all of it written."""
    everything, own = process_time(), thread_time()
    for _ in range(count):
        sent.send(side.app)
    own = thread_time() - own
    side.settle()
    return (process_time() - everything - own) / count


@contextlib.contextmanager
def _collector() -> Iterator[str]:
    """The address of a collector, in a process of its own."""
    command = [sys.executable, "-m", "tests.otlp_receiver"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.kill()


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port
