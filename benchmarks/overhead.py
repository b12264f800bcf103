"""What the guard adds to a request: a bare Placement against a guarded one."""

import gc
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from random import Random
from statistics import median
from typing import Any

from benchmarks.bodies import inventories
from benchmarks.report import Cell, Table
from benchmarks.subject import Answered, App, Subject, call, subject
from benchmarks.timing import Plan, Spread, ratios

REQUESTS, REQUESTS_QUICK = 100, 20
"""How many requests of each kind go to each side in a round."""

TITLE = "A request to a guarded Placement, against a bare one"
NOTE = (
    "Microseconds of one request as a WSGI call, bare and guarded, and guarded in multiples of "
    "bare: medians of the rounds (lowest..highest). One process, one SQLite database; single "
    "requests in turns. Processor time: what other processes take does not count."
)
COLUMNS = ("request", "bare", "guarded", "guarded / bare")

Request = Callable[[App], Answered]


def overhead(plan: Plan) -> Table:
    """Requests to a guarded Placement, in multiples of a bare one."""
    both = subject()
    rows = [(name, *_measure(both, send, plan, name)) for name, send in _requests(both)]
    return Table("overhead", TITLE, NOTE, COLUMNS, rows)


def overhead_multiprocess(plan: Plan) -> Table:
    """The same, with metrics in prometheus_client's multiprocess mode."""
    plan.progress("overhead_multiprocess: in a process of its own")
    with tempfile.TemporaryDirectory(prefix="placement-guard-bench-") as directory:
        # prometheus_client reads the variable once, on import.
        (metrics := Path(directory, "metrics")).mkdir()
        environment = {**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(metrics)}
        file = Path(directory, "figures.json")
        command = [sys.executable, "-m", "benchmarks", "overhead", "--json", str(file)]
        command += ["--rounds", str(plan.rounds), *(["--quick"] if plan.quick else [])]
        subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL)
        found = json.loads(file.read_text("utf-8"))["benchmarks"]["overhead"]["rows"]
    rows = [tuple(_cell(row[column]) for column in COLUMNS) for row in found]
    title = TITLE + ": metrics of several processes"
    return Table("overhead_multiprocess", title, NOTE, COLUMNS, rows)


def _requests(both: Subject) -> list[tuple[str, Request]]:
    """What is sent, by name. The provider is made here."""
    made = call(both.bare, "POST", "/resource_providers", b'{"name": "benchmark"}')
    provider = f"/resource_providers/{made.json['uuid']}"
    path = provider + "/inventories"
    document = inventories(Random(1), made.json["generation"])
    refused = json.dumps({**document, "inventories": {"VCPU": {"total": "4"}}}).encode()

    def show(app: App) -> Answered:
        return _expect(200, call(app, "GET", provider))

    def put(app: App) -> Answered:
        answer = _expect(200, call(app, "PUT", path, json.dumps(document).encode()))
        # Each answer tells the generation that the next request has to name.
        document["resource_provider_generation"] = answer.json["resource_provider_generation"]
        return answer

    def put_refused(app: App) -> Answered:
        # At the provider's own generation: Placement would answer 409 before it saw the body.
        generation = f'"resource_provider_generation": {document["resource_provider_generation"]}'
        body = refused.replace(b'"resource_provider_generation": 0', generation.encode())
        return _expect(400, call(app, "PUT", path, body))

    return [
        ("GET provider", show),
        ("PUT inventories, 3 classes", put),
        ("PUT inventories, refused", put_refused),
    ]


def _expect(status: int, answer: Answered) -> Answered:
    if answer.status != status:
        raise RuntimeError(f"{answer.status} instead of {status}: {answer.body.decode()}")
    return answer


def _measure(both: Subject, send: Request, plan: Plan, name: str) -> tuple[Cell, ...]:
    requests = REQUESTS_QUICK if plan.quick else REQUESTS
    for _ in range(requests):
        send(both.bare)
        send(both.guarded)
    bare, guarded = [], []
    for number in range(plan.rounds):
        plan.progress(f"overhead: {name}: round {number + 1} of {plan.rounds}")
        gc.collect()
        one_bare, one_guarded = _round(both, send, requests)
        bare.append(one_bare)
        guarded.append(one_guarded)
    return Spread.of(bare), Spread.of(guarded), ratios(guarded, bare)


def _round(both: Subject, send: Request, requests: int) -> tuple[float, float]:
    """The medians (microseconds) of requests that go to both sides in turns."""
    bare, guarded = [], []
    for number in range(requests):
        # Who comes first changes, so that neither always follows the other's garbage.
        if number % 2:
            bare.append(send(both.bare).seconds)
            guarded.append(send(both.guarded).seconds)
        else:
            guarded.append(send(both.guarded).seconds)
            bare.append(send(both.bare).seconds)
    return median(bare) * 1e6, median(guarded) * 1e6


def _cell(value: Any) -> Cell:
    return Spread(**value) if isinstance(value, dict) else value
