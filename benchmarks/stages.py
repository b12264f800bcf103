"""Where the guard's own time goes: each stage alone, and what is around the stages."""

import gc
import json
from collections.abc import Callable
from functools import partial
from io import BytesIO
from random import Random
from statistics import median
from time import thread_time
from typing import Any

from microversion_parse import Version
from placement.context import RequestContext
from prometheus_client import CollectorRegistry

from benchmarks.bodies import allocations, inventories, uuids
from benchmarks.report import Cell, Table
from benchmarks.subject import subject
from benchmarks.timing import Plan, Spread
from placement_guard.exchange import Exchange, begin
from placement_guard.guard import Guard
from placement_guard.outcome import classify
from placement_guard.rejection import Rejection
from placement_guard.stages import of_operation

CALLS, CALLS_QUICK = 200, 50
"""How many requests of each kind in a round."""

TITLE = "Where the guard's time goes"
NOTE = (
    "Microseconds of one request in each stage alone, and in the parts around them: medians of the "
    "rounds (lowest..highest). Asking: the breaker, the lanes and the call of an application that "
    "answers at once. The whole is measured by itself, with its metrics. Processor time, warm."
)
COLUMNS = ("request", "part", "microseconds")

[PROVIDER] = uuids(Random(1), 1)
WRONG = {"resource_provider_generation": 0, "inventories": {"VCPU": {"total": "4"}}}

REQUESTS: dict[str, tuple[str, str, Any]] = {
    "GET provider": ("GET", f"/resource_providers/{PROVIDER}", None),
    "PUT inventories": (
        "PUT",
        f"/resource_providers/{PROVIDER}/inventories",
        inventories(Random(1), 0),
    ),
    "PUT allocations": (
        "PUT",
        f"/allocations/{PROVIDER}",
        allocations(Random(2), [PROVIDER], None),
    ),
    "PUT inventories, refused": ("PUT", f"/resource_providers/{PROVIDER}/inventories", WRONG),
}


def stages(plan: Plan) -> Table:
    """The guard's own time, stage by stage."""
    subject()  # the policy, for the gate
    guard = Guard(_application, registry=CollectorRegistry())
    rows: list[tuple[Cell, ...]] = []
    gc.freeze()
    for name, (method, path, document) in REQUESTS.items():
        new = partial(_environ, method, path, document)
        for part, made, call in _parts(guard, new):
            plan.progress(f"stages: {name}: {part}")
            rows.append((name, part, _measure(plan, made, call)))
    gc.unfreeze()
    return Table("stages", TITLE, NOTE, COLUMNS, rows)


Part = tuple[str, Callable[[], Any], Callable[[Any], Any]]
"""A name, what makes a request up to there, and what is measured with it."""


def _parts(guard: Guard, new: Callable[[], dict[str, Any]]) -> list[Part]:
    router = guard._router

    def upto(stages: list[Any]) -> Exchange:
        exchange = begin(new(), router)
        for stage in stages:
            exchange = stage(exchange)
        return exchange

    parts: list[Part] = [("routing", new, lambda environ: begin(environ, router))]
    passed: list[Any] = []
    operation = begin(new(), router).operation
    for name, stage in of_operation(guard._journey, operation, guard.settings):
        parts.append((name, partial(upto, list(passed)), stage))
        passed.append(stage)
        if isinstance(upto(passed), Rejection):
            break
    else:
        parts += _around(guard, partial(upto, passed), mutates=operation.mutates)
    parts.append(("the whole", new, lambda environ: b"".join(guard(environ, _start_response))))
    return parts


def _around(guard: Guard, made: Callable[[], Exchange], *, mutates: bool) -> list[Part]:
    outcome = classify(200, mutates=mutates)
    return [
        ("asking", made, lambda exchange: guard.asking(_application, exchange)),
        ("observers", made, lambda exchange: guard._observe(exchange, outcome, None)),
    ]


def _measure(plan: Plan, made: Callable[[], Any], call: Callable[[Any], Any]) -> Spread:
    count = CALLS_QUICK if plan.quick else CALLS
    rounds = []
    for _ in range(plan.rounds):
        requests = [made() for _ in range(count)]
        gc.collect()
        took = []
        for one in requests:
            began = thread_time()
            call(one)
            took.append(thread_time() - began)
        rounds.append(median(took) * 1e6)
    return Spread.of(rounds)


def _application(_environ: dict[str, Any], start_response: Any) -> list[bytes]:
    start_response("200 OK", [("Content-Type", "application/json")])
    return [b"{}"]


def _start_response(_status: str, _headers: Any, _exc_info: Any = None) -> None:
    """Like a server's, but for what a server does."""


def _environ(method: str, path: str, document: Any) -> dict[str, Any]:
    body = b"" if document is None else json.dumps(document).encode()
    environ = {
        "REQUEST_METHOD": method,
        "SCRIPT_NAME": "",
        "PATH_INFO": path,
        "QUERY_STRING": "",
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "HTTP_ACCEPT": "application/json",
        "HTTP_X_ROLES": "admin,service",
        "HTTP_X_USER_ID": "admin",
        "wsgi.url_scheme": "http",
        "wsgi.input": BytesIO(body),
        "placement.context": RequestContext(
            user_id="admin", project_id="admin", roles=["admin", "service"], overwrite=False
        ),
        "placement.microversion": Version(1, 39),
    }
    if body:
        environ |= {"CONTENT_TYPE": "application/json", "CONTENT_LENGTH": str(len(body))}
    return environ
