"""The memory of a worker: at rest, after many requests, and after a large body.

``python -m benchmarks.worker_memory MODULE COUNT...`` is such a worker: it prints how much it
has at rest, after each count of requests, and after the body. The configuration is in
OS_PLACEMENT_CONFIG_DIR.
"""

import importlib
import json
import resource
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from random import Random
from typing import Any

from benchmarks.bodies import allocations, inventories, largest, uuids
from benchmarks.report import Cell, Table
from benchmarks.served import MODULES, configure, prepare
from benchmarks.subject import App, call
from benchmarks.timing import Plan
from tests.uwsgi_workers import free_port

COUNTS, COUNTS_QUICK = (10_000, 100_000), (200, 400)
"""After how many requests it is looked."""

TITLE = "The memory of a worker, bare and guarded"
NOTE = (
    "Resident memory of a process in MiB, with its listener and its status page where it is "
    "guarded, in a mix of reads, writes and refusals, one after the other, over SQLite; the body "
    "is a reshape of nearly 10 MiB that is not valid. One process of each side."
)


def worker_memory(plan: Plan) -> Table:
    """The memory of a guarded worker, against a bare one, at rest and later."""
    counts = COUNTS_QUICK if plan.quick else COUNTS
    found: dict[str, list[float]] = {}
    for side in MODULES:
        plan.progress(f"worker_memory: {side}: {counts[-1]} requests")
        with tempfile.TemporaryDirectory(prefix="placement-guard-bench-") as directory:
            asked = counts if side == "guarded" else counts[:1]
            found[side] = _measured(side, Path(directory), asked)
    bare, guarded = found["bare"], found["guarded"]
    # The bare one is asked less: it takes twice as long.
    compared = [*bare[:2], *(None for _ in counts[1:]), bare[-1]]
    pairs = list(zip(guarded, compared, strict=True))
    rows: list[tuple[Cell, ...]] = [
        ("bare", *("" if theirs is None else theirs for theirs in compared)),
        ("guarded", *guarded),
        ("more", *("" if theirs is None else mine - theirs for mine, theirs in pairs)),
    ]
    names = ("at rest", *(f"after {count:,} requests" for count in counts), "after 10 MiB")
    return Table("worker_memory", TITLE, NOTE, ("side", *names), rows)


def _measured(side: str, directory: Path, counts: tuple[int, ...]) -> list[float]:
    url = f"sqlite:///{directory}/placement.db"
    environment = configure(directory, url, metrics_port=free_port())
    prepare(environment)
    command = [sys.executable, "-m", "benchmarks.worker_memory", MODULES[side], *map(str, counts)]
    said = subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE).stdout
    return json.loads(said.splitlines()[-1])


# In a process of its own ------------------------------------------------------------------------


def main(module: str, *counts: str) -> int:
    name, _, attribute = module.partition(":")
    app: App = getattr(importlib.import_module(name), attribute)
    found = [_resident()]
    sent = 0
    requests = _requests(app)
    for count in map(int, counts):
        for _ in islice(requests, count - sent):
            pass
        sent = count
        found.append(_resident())
    call(app, "POST", "/reshaper", largest().raw[:-1] + b",")
    found.append(_resident())
    sys.stdout.write(f"{json.dumps(found)}\n")
    return 0


def _requests(app: App) -> Iterator[None]:
    """Send one request after the other, without an end: each kind in its turn."""
    random = Random(12)
    provider, consumer = uuids(random, 2)
    path = f"/resource_providers/{provider}"
    _send(app, "POST", "/resource_providers", {"name": "worker", "uuid": provider})
    stock = inventories(random, 0)
    for record in stock["inventories"].values():
        record |= {"total": 1_000_000, "max_unit": 1_000_000}
    held = allocations(random, [provider], None)
    while True:
        yield _send(app, "GET", "/")
        yield _send(app, "GET", path)
        generation = json.loads(call(app, "GET", path).body)["generation"]
        stock["resource_provider_generation"] = generation
        yield _send(app, "PUT", f"{path}/inventories", stock)
        yield _send(app, "PUT", f"/allocations/{consumer}", held)
        held["consumer_generation"] = (held["consumer_generation"] or 0) + 1
        for _ in range(5):
            yield _send(app, "GET", "/resource_providers/no-uuid", expected=404)
            yield _send(app, "PUT", f"{path}/inventories", {"inventories": []}, expected=400)


def _send(app: App, method: str, path: str, body: Any = None, expected: int = 0) -> None:
    raw = b"" if body is None else json.dumps(body).encode()
    answer = call(app, method, path, raw)
    if expected != answer.status if expected else answer.status >= 300:
        raise RuntimeError(f"{method} {path}: {answer.status} {answer.body[:200]!r}")


def _resident() -> float:
    """MiB of this process."""
    pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    return pages * resource.getpagesize() / 2**20


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
