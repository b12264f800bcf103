"""What the guard adds to a request: a bare Placement against a guarded one."""

import gc
from statistics import median

from benchmarks.multiprocess import in_multiprocess
from benchmarks.report import Cell, Table
from benchmarks.requests import Request, requests
from benchmarks.subject import App, Subject, subject
from benchmarks.timing import Plan, Spread, ratios

REQUESTS, REQUESTS_QUICK = 60, 10
"""How many requests of each kind go to each side in a round, small ones."""

LARGE = 100
"""The weight of what is left out where it shall be quick."""

TITLE = "A request to a guarded Placement, against a bare one"
NOTE = (
    "Microseconds of one request as a WSGI call, bare and guarded, and guarded in multiples of "
    "bare, with metrics and status page, and with the audit as well: medians of the rounds "
    "(lowest..highest). One process, one SQLite database; single requests in turns, refusals in "
    "rows of 20. Processor time of the thread of the request: what other processes take does not "
    "count."
)
COLUMNS = ("request", "bare, µs", "guarded, µs", "guarded / bare", "with audit / bare")


def overhead(plan: Plan) -> Table:
    """Requests to a guarded Placement, in multiples of a bare one."""
    both = subject()
    measured = [sent for sent in requests(both) if not (plan.quick and sent.weight >= LARGE)]
    rows = [(sent.name, *_measure(both, sent, plan)) for sent in measured]
    return Table("overhead", TITLE, NOTE, COLUMNS, rows)


def overhead_multiprocess(plan: Plan) -> Table:
    """The same, with metrics in prometheus_client's multiprocess mode."""
    return in_multiprocess("overhead", COLUMNS, plan)


def _measure(both: Subject, sent: Request, plan: Plan) -> tuple[Cell, ...]:
    count = max(2, (REQUESTS_QUICK if plan.quick else REQUESTS) // sent.weight)
    apps = (both.bare, both.guarded, both.audited)
    for _ in range(count):
        for app in apps:
            sent.send(app)
    rounds = []
    for number in range(plan.rounds):
        plan.progress(f"overhead: {sent.name}: round {number + 1} of {plan.rounds}")
        gc.collect()
        rounds.append(_round(apps, sent, count))
    bare, guarded, audited = map(list, zip(*rounds, strict=True))
    return Spread.of(bare), Spread.of(guarded), ratios(guarded, bare), ratios(audited, bare)


def _round(apps: tuple[App, ...], sent: Request, count: int) -> list[float]:
    """The medians (microseconds) of requests that go to each of them in turns."""
    seconds: dict[App, list[float]] = {app: [] for app in apps}
    order = list(apps)
    for _ in range(max(1, count // sent.row)):
        for app in order:
            seconds[app] += [sent.send(app).seconds for _ in range(sent.row)]
        # Who comes first changes, so that none always follows the other's garbage.
        order.reverse()
    return [median(seconds[app]) * 1e6 for app in apps]
