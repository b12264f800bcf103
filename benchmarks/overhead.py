"""What the guard adds to a request: a bare Placement against a guarded one."""

import gc
from statistics import median

from benchmarks.multiprocess import in_multiprocess
from benchmarks.report import Cell, Table
from benchmarks.requests import Request, requests
from benchmarks.subject import Subject, subject
from benchmarks.timing import Plan, Spread, ratios

REQUESTS, REQUESTS_QUICK = 100, 20
"""How many requests of each kind go to each side in a round, small ones."""

TITLE = "A request to a guarded Placement, against a bare one"
NOTE = (
    "Microseconds of one request as a WSGI call, bare and guarded, and guarded in multiples of "
    "bare: medians of the rounds (lowest..highest). One process, one SQLite database; single "
    "requests in turns, refusals in rows of 20. Processor time: what other processes take does not "
    "count."
)
COLUMNS = ("request", "bare", "guarded", "guarded / bare")


def overhead(plan: Plan) -> Table:
    """Requests to a guarded Placement, in multiples of a bare one."""
    both = subject()
    rows = [(sent.name, *_measure(both, sent, plan)) for sent in requests(both)]
    return Table("overhead", TITLE, NOTE, COLUMNS, rows)


def overhead_multiprocess(plan: Plan) -> Table:
    """The same, with metrics in prometheus_client's multiprocess mode."""
    return in_multiprocess("overhead", COLUMNS, plan)


def _measure(both: Subject, sent: Request, plan: Plan) -> tuple[Cell, ...]:
    count = max(2, (REQUESTS_QUICK if plan.quick else REQUESTS) // sent.weight)
    for _ in range(count):
        sent.send(both.bare)
        sent.send(both.guarded)
    bare, guarded = [], []
    for number in range(plan.rounds):
        plan.progress(f"overhead: {sent.name}: round {number + 1} of {plan.rounds}")
        gc.collect()
        one_bare, one_guarded = _round(both, sent, count)
        bare.append(one_bare)
        guarded.append(one_guarded)
    return Spread.of(bare), Spread.of(guarded), ratios(guarded, bare)


def _round(both: Subject, sent: Request, count: int) -> tuple[float, float]:
    """The medians (microseconds) of requests that go to both sides in turns."""
    bare: list[float] = []
    guarded: list[float] = []
    turns = [(both.bare, bare), (both.guarded, guarded)]
    for _ in range(max(1, count // sent.row)):
        for app, seconds in turns:
            seconds += [sent.send(app).seconds for _ in range(sent.row)]
        # Who comes first changes, so that neither always follows the other's garbage.
        turns.reverse()
    return median(bare) * 1e6, median(guarded) * 1e6
