"""What a record of the audit adds to a request, and what it takes to write it."""

import logging
import tempfile
from io import BytesIO
from pathlib import Path
from time import perf_counter
from typing import Any

from oslo_context.context import RequestContext
from prometheus_client import CollectorRegistry

from benchmarks.bodies import Body, bodies
from benchmarks.document import read
from benchmarks.report import Cell, Table
from benchmarks.timing import Plan, Spread, in_turns
from placement_guard import Guard, Settings
from placement_guard.exchange import Exchange
from placement_guard.observers.audit import FILE_MODE
from placement_guard.observers.audit.ended import Ended
from placement_guard.observers.audit.record import line_of
from placement_guard.observers.writing.file import RotatedFile
from placement_guard.observers.writing.writer import BATCH
from placement_guard.outcome import Ending, Outcome

TITLE = "A request with the audit on, against one with it off"
NOTE = (
    "Microseconds of one request in the guard alone, before an application that does nothing: the "
    "audit off, and on, into a file; what is added; and what the thread of the audit takes for a "
    "record, of which it writes 64 at once. Medians of the rounds (lowest..highest). Processor "
    "time: of the first two that of the thread of the request."
)
COLUMNS = ("body", "off", "on", "added", "written by the thread")


def audit(plan: Plan) -> Table:
    """The guard with the audit off and on."""
    logging.disable(logging.CRITICAL)
    rows = []
    with tempfile.TemporaryDirectory(prefix="placement-guard-bench-") as directory:
        for name, body in bodies().items():
            if len(body.raw) > (10_000 if plan.quick else 100_000):
                continue
            rows.append((name, *_measure(name, body, plan, Path(directory))))
    return Table("audit", TITLE, NOTE, COLUMNS, rows)


def _measure(name: str, body: Body, plan: Plan, directory: Path) -> tuple[Cell, ...]:
    # No lanes: their locks take longer than all that is looked at here, and vary more.
    common = {"lanes": False, "rules": {"context.reused": "off"}, "verify_share": 0.0}
    off = Guard(_nothing, Settings(**common), registry=CollectorRegistry())
    path = str(directory / "audit.jsonl")
    on = Guard(_nothing, Settings(**common, audit=path), registry=CollectorRegistry())
    records = [Ended(_exchange(body), Outcome(Ending.COMMITTED, 204), None).record()] * BATCH
    write = RotatedFile(path, 100 * 1024 * 1024, 1, mode=FILE_MODE)
    seconds = in_turns(
        {
            "off": lambda: _ask(off, body),
            "on": lambda: _ask(on, body),
            "write": lambda: write([line_of(record).encode() for record in records]),
        },
        plan,
        f"audit: body {name}",
    )
    write.close()
    micros = {key: [value * 1e6 for value in values] for key, values in seconds.items()}
    added = [one - other for one, other in zip(micros["on"], micros["off"], strict=True)]
    return (
        Spread.of(micros["off"]),
        Spread.of(micros["on"]),
        Spread.of(added),
        Spread.of([value / BATCH for value in micros["write"]]),
    )


def _exchange(body: Body) -> Exchange:
    exchange = read(body).extended(environ=_environ(body), began=perf_counter())
    return exchange.extended(context=exchange.environ["placement.context"])


_CONTEXT = RequestContext(
    user_id="c8f61d6a5c5f4b3d8b1e1f3d5e7a9b0c",
    user_name="nova",
    project_id="1b2c61d6a5c5f4b3d8b1e1f3d5e7a9b0",
    project_name="service",
    roles=["admin", "service"],
    overwrite=False,
)


def _environ(body: Body) -> dict[str, Any]:
    return {
        "REQUEST_METHOD": body.method,
        "PATH_INFO": body.path,
        "REMOTE_ADDR": "192.0.2.7",
        "HTTP_OPENSTACK_API_VERSION": "placement 1.39",
        "CONTENT_TYPE": "application/json",
        "CONTENT_LENGTH": str(len(body.raw)),
        "wsgi.input": BytesIO(body.raw),
        "openstack.request_id": "req-4eae6935-60f0-4007-8fcd-621ac978886b",
        "placement.context": _CONTEXT,
    }


def _nothing(_environ: Any, start_response: Any) -> list[bytes]:
    start_response("204 No Content", [])
    return []


def _ask(guard: Guard, body: Body) -> None:
    statuses: list[str] = []
    b"".join(guard(_environ(body), lambda status, *_more: statuses.append(status)))
    if statuses != ["204 No Content"]:
        raise RuntimeError(f"{statuses}: this is not what was to be measured")
