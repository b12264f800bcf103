"""What one large body needs of memory, in the guard and in Placement's own check.

``python -m benchmarks.memory SIDE FRAMING FILE SMALL`` measures once and prints bytes: each
measurement is a process of its own, for what one has left would be there for the next to use.
"""

import logging
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable
from io import BytesIO
from pathlib import Path
from typing import Any

from oslo_context.context import RequestContext
from placement.util import extract_json
from prometheus_client import CollectorRegistry
from webob.exc import HTTPBadRequest
from webob.request import BaseRequest

from benchmarks.bodies import Body, bodies, largest, spoiled
from benchmarks.document import SCHEMAS
from benchmarks.report import Cell, Table
from benchmarks.timing import Plan, Spread
from placement_guard.api import documents
from placement_guard.guard import Guard
from placement_guard.settings import Settings

PROCESSES, PROCESSES_QUICK = 3, 1
"""How many processes measure the same."""

TITLE = "The peak of memory while one body is judged, against its size"
NOTE = (
    "Multiples of the size of the body: median of the processes (lowest..highest), each for one "
    "request. How far the resident memory of the process rises above what it was before, at its "
    "highest; reading the body is part of it. The guard has an application behind it that reads "
    "the body, and no more. Placement's extract_json reads it as Placement's handlers do."
)
COLUMNS = ("body", "bytes", "guard", "guard, chunked", "Placement's extract_json")

SIDES = (("guard", "length"), ("guard", "chunked"), ("placement", "length"))
"""What is measured, and how the body is framed."""

STATUS = Path("/proc/self/status")
"""Where Linux tells of the memory of a process."""

FORGET_PEAK = Path("/proc/self/clear_refs"), "5"
"""Where Linux is told to begin anew with the peak, and how."""

Environ = dict[str, Any]
Judge = Callable[[Environ], str]
"""Judges one request, and returns the status of the answer."""


def memory(plan: Plan) -> Table:
    """The peak of memory for a body of 10 MiB, in the guard and in Placement's extract_json."""
    rows: list[tuple[Cell, ...]] = []
    if STATUS.exists():  # elsewhere nothing tells
        with tempfile.TemporaryDirectory(prefix="placement-guard-bench-") as directory:
            file, small = Path(directory, "body.json"), Path(directory, "small.json")
            small.write_bytes(bodies()["b"].raw)
            for name, body in _bodies(plan).items():
                file.write_bytes(body.raw)
                plan.progress(f"memory: {name}")
                rows.append((name, str(len(body.raw)), *_measure(file, small, plan)))
    return Table("memory", TITLE, NOTE, COLUMNS, rows)


def _bodies(plan: Plan) -> dict[str, Body]:
    body = bodies()["d"] if plan.quick else largest()
    escaped = body.raw.replace(b'"INSTANCE"', b'"\\u0049NSTANCE"', 1)
    return {
        "valid": body,
        # What the fast way leaves to the exact one.
        "valid, with an escape": body._replace(raw=escaped),
        "the last consumer wrong": spoiled(body)["the last consumer"],
    }


def _measure(file: Path, small: Path, plan: Plan) -> list[Spread]:
    found: list[list[float]] = [[] for _ in SIDES]
    for _ in range(PROCESSES_QUICK if plan.quick else PROCESSES):
        for values, (side, framing) in zip(found, SIDES, strict=True):
            command = [sys.executable, "-m", "benchmarks.memory", side, framing, file, small]
            said = subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout
            values.append(int(said) / file.stat().st_size)
    return [Spread.of(values) for values in found]


# In a process of its own ------------------------------------------------------------------------


def main(side: str, framing: str, file: str, small: str) -> int:
    """How far memory rises (bytes) while the body in ``file`` is judged."""
    logging.disable(logging.CRITICAL)  # the reshapes are valid, and make no sense: it is warned of
    judge = {"guard": _guard, "placement": _placement}[side]()
    # What is built at the first request is not the body's.
    raw = Path(small).read_bytes()
    for body in (raw, raw[:-1]):
        judge(_environ(BytesIO(body), len(body), framing))
    # A file, as a server has it that does not keep a large body in memory.
    with Path(file).open("rb") as stream:
        where, how = FORGET_PEAK
        where.write_text(how, "ascii")
        before = _kilobytes("VmRSS")
        judge(_environ(stream, Path(file).stat().st_size, framing))
        return (_kilobytes("VmHWM") - before) * 1024


def _guard() -> Judge:
    statuses: list[str] = []

    def start_response(status: str, _headers: Any, _exc_info: Any = None) -> None:
        statuses.append(status)

    guard = Guard(_reading, Settings(), registry=CollectorRegistry())

    def judge(environ: Environ) -> str:
        b"".join(guard(environ, start_response))
        return statuses.pop()

    return judge


def _reading(environ: Environ, start_response: Any) -> Iterable[bytes]:
    """An application that reads the body and is content."""
    _ = BaseRequest(environ).body
    start_response("204 No Content", [])
    return []


def _placement() -> Judge:
    schema = SCHEMAS[documents.RESHAPE_1_38.name]

    def judge(environ: Environ) -> str:
        try:
            extract_json(BaseRequest(environ).body, schema)
        except HTTPBadRequest as refused:
            return refused.status
        return "204 No Content"

    return judge


def _environ(stream: Any, size: int, framing: str) -> Environ:
    length = {"CONTENT_LENGTH": str(size)}
    return {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": "/reshaper",
        "CONTENT_TYPE": "application/json",
        "HTTP_OPENSTACK_API_VERSION": "placement 1.38",
        "placement.context": RequestContext(user_id="user", roles=["service"], overwrite=False),
        "wsgi.input": stream,
        **(length if framing == "length" else {"wsgi.input_terminated": True}),
    }


def _kilobytes(name: str) -> int:
    [line] = [line for line in STATUS.read_text("ascii").splitlines() if line.startswith(name)]
    return int(line.split()[1])


if __name__ == "__main__":
    print(main(*sys.argv[1:]))
