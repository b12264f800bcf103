"""What it costs to refuse a wrong inventory, in the guard and in Placement itself."""

import gc
import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from itertools import count
from random import Random
from statistics import median
from time import thread_time
from typing import Any, NamedTuple

from microversion_parse.middleware import MicroversionMiddleware

from benchmarks.bodies import inventories
from benchmarks.report import Cell, Table
from benchmarks.subject import App, call, subject
from benchmarks.timing import Plan, Spread, ratios
from placement_guard.placement import _find

REQUESTS, REQUESTS_QUICK = 100, 20
"""How many requests of each kind go to each side in a round."""

ROW = 20
"""How many of them go to one side before it is the other's turn, where many come in a row."""

TITLE = "A wrong PUT inventories: Placement's refusal, against the guard's"
NOTE = (
    "Microseconds of one refusal, and Placement's in multiples of the guard's: medians of the "
    "rounds (lowest..highest). At the handler: the call of Placement's handler, or of the guard in "
    "front of it, in the same place of the same requests. They come in rows of 20, as a client "
    "sends them that tries again and again; each by a project that has not been let in a moment "
    "ago; or one by one between Placement's own, which leaves the guard no cache of the processor. "
    "Processor time."
)
COLUMNS = ("measured", "Placement", "guard", "Placement / guard")


class Sample(NamedTuple):
    """One refusal (microseconds): of the whole stack, and of what stands where the guard does."""

    stack: float
    place: float


Send = Callable[[str], Sample]
"""Sends a request with this token."""


class _Timed:
    """Times what it calls (seconds of the processor)."""

    def __init__(self, app: App) -> None:
        self.app = app
        self.seconds = 0.0

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        began = thread_time()
        answer = list(self.app(environ, start_response))
        self.seconds = thread_time() - began
        return answer


def refusal(plan: Plan) -> Table:
    """Refusals of a wrong inventory by the whole stack, and by the guard or the handler alone."""
    both = subject()
    made = call(both.bare, "POST", "/resource_providers", b'{"name": "refused"}').json
    path = f"/resource_providers/{made['uuid']}/inventories"
    wrong = {**inventories(Random(1), made["generation"]), "inventories": {"VCPU": {"total": "4"}}}
    body = json.dumps(wrong).encode()
    new = map("admin:{}".format, count()).__next__
    rows: list[tuple[Cell, ...]] = []
    with _sending(both.bare, path, body) as bare, _sending(both.guarded, path, body) as guarded:
        for what, row, token in (
            ("", ROW, lambda: "admin"),
            (", of a new project each", ROW, new),
            (", one by one", 1, lambda: "admin"),
        ):
            rows += _measure(what, _Turns(bare, guarded, row, token), plan)
    return Table("refusal", TITLE, NOTE, COLUMNS, rows)


class _Turns(NamedTuple):
    """Requests to both sides in turns, so many in a ``row``, each with a token of its own."""

    bare: Send
    guarded: Send
    row: int
    token: Callable[[], str]

    def round(self, requests: int) -> tuple[Sample, Sample]:
        """The medians of so many requests to each side."""
        of_bare: list[Sample] = []
        of_guarded: list[Sample] = []
        for _ in range(requests // self.row):
            of_bare += [self.bare(self.token()) for _ in range(self.row)]
            of_guarded += [self.guarded(self.token()) for _ in range(self.row)]
        bare, guarded = (
            Sample(*map(median, zip(*side, strict=True))) for side in (of_bare, of_guarded)
        )
        return bare, guarded


@contextmanager
def _sending(app: App, path: str, body: bytes) -> Iterator[Send]:
    place = _find(app, MicroversionMiddleware)
    timed = _Timed(place.application)

    def send(token: str) -> Sample:
        answer = call(app, "PUT", path, body, token)
        _check(answer.status, answer.json)
        return Sample(answer.seconds * 1e6, timed.seconds * 1e6)

    place.application = timed
    try:
        yield send
    finally:
        place.application = timed.app


def _check(status: int, answer: Any) -> None:
    [error] = answer["errors"]
    told = status, error["code"], "'4' is not of type 'integer'" in error["detail"]
    if told != (400, "placement.undefined_code", True):
        raise RuntimeError(f"{status}: {answer}")


def _measure(what: str, turns: _Turns, plan: Plan) -> list[tuple[Cell, ...]]:
    rounds: list[tuple[Sample, Sample]] = []
    for number in range(-1, plan.rounds):  # the first one warms up
        plan.progress(f"refusal{what}: round {number + 1} of {plan.rounds}")
        gc.collect()
        rounds.append(turns.round(REQUESTS_QUICK if plan.quick else REQUESTS))
    rows: list[tuple[Cell, ...]] = []
    for measured, index in (("whole stack", 0), ("at the handler", 1)):
        placement = [bare[index] for bare, _ in rounds[1:]]
        guard = [guarded[index] for _, guarded in rounds[1:]]
        found = Spread.of(placement), Spread.of(guard), ratios(placement, guard)
        rows.append((measured + what, *found))
    return rows
