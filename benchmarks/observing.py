"""What it costs to see: metrics, status page, audit and traces, on against off."""

import contextlib
import gc
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
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
from tests.uwsgi_workers import free_port

REQUESTS, REQUESTS_QUICK = 100, 10
"""How many requests go to each side in a round."""

FLUSH_SECONDS = 10.0
"""How long what waits in a queue may take until it is written (seconds)."""

TITLE = "A request with all that observes on, against one with all of it off"
NOTE = (
    "Microseconds of one request to a guarded Placement on SQLite, and in multiples of what it "
    "takes with nothing that observes: medians of the rounds (lowest..highest), in turns. "
    "Processor time of the thread of the request; and in the last column also that of all "
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
        rows: list[tuple[Cell, ...]] = [
            (sent.name, name, *_row(sent, off, on, plan))
            for sent in requests(both)
            if sent.name in MEASURED
            for name, on in sides.items()
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
        "metrics, page": {},
        "metrics, page, audit": audit,
        "metrics, page, audit, traces": audit | traced,
        "metrics, page, audit, traces of all": audit | traced | {"traces_share": 1.0},
    }
    return {name: _side(both, some) for name, some in options.items()}


def _side(both: Subject, options: dict[str, Any]) -> Side:
    # In one process they share what counts, as guards may.
    app = deploy(_options(both, metrics_port=free_port(), **options), registry=REGISTRY)
    guard = guard_of(app)
    listen_for(guard, health_of(app))
    return Side(app, lambda: _settle(guard))


def _options(both: Subject, **options: Any) -> Any:
    return configuration(both.directory.name, **options)


def _silent(app: App) -> App:
    """The same without anything that observes: nothing is counted, timed or logged."""
    guard = guard_of(app)
    guard._observers = ()
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


def _row(sent: Request, off: Side, on: Side, plan: Plan) -> tuple[Cell, ...]:
    count = REQUESTS_QUICK if plan.quick else REQUESTS
    asked: tuple[list[float], list[float]] = ([], [])
    whole: tuple[list[float], list[float]] = ([], [])
    for side in (off, on):
        _later(sent, side, count)
    gc.collect()
    gc.freeze()  # as placement_guard.wsgi does
    for number in range(plan.rounds):
        plan.progress(f"observing: {sent.name}: round {number + 1} of {plan.rounds}")
        for each, side in enumerate((off, on)):
            later = _later(sent, side, count)
            whole[each].append(later)
        for each, took in enumerate(_in_turns(sent, (off, on), count)):
            asked[each].append(took)
            whole[each][-1] += took
    gc.unfreeze()
    micros = [Spread.of([value * 1e6 for value in values]) for values in asked]
    return (*micros, ratios(asked[1], asked[0]), ratios(whole[1], whole[0]))


def _in_turns(sent: Request, sides: tuple[Side, Side], count: int) -> list[float]:
    """Seconds of a request, of its own thread: the mean, since what is rare counts as well."""
    seconds = [0.0, 0.0]
    for _ in range(count):
        for each in _random.sample((0, 1), 2):  # so that neither always follows the other
            seconds[each] += sent.send(sides[each].app).seconds
    for side in sides:
        side.settle()
    return [total / count for total in seconds]


def _later(sent: Request, side: Side, count: int) -> float:
    """Seconds that a request costs beside its own thread, and to have all of it written."""
    everything, own = process_time(), thread_time()
    for _ in range(count):
        sent.send(side.app)
    own = thread_time() - own
    side.settle()
    return (process_time() - everything - own) / count


_random = Random(1)


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
