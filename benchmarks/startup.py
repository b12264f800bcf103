"""How long a worker takes to start: to import the application, and to build it."""

import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.report import Cell, Table
from benchmarks.served import MODULES, configure, prepare
from benchmarks.timing import Plan, Spread
from tests.uwsgi_workers import free_port

ROUNDS = 11
"""Rounds at most: each takes some seconds."""

SAY = "import time; print(time.process_time(), flush=True)"
"""Not until it has ended: the end takes longer where more is looked through."""

TITLE = "The start of a worker, bare and guarded"
NOTE = (
    "Milliseconds of the processor until a new process has imported and built the application, and "
    "how much more that is with the guard, its listener and its status page: medians of the "
    "processes (lowest..highest), in turns. The database is there already: SQLite."
)
COLUMNS = ("of", "bare", "guarded", "more")


def startup(plan: Plan) -> Table:
    """The start of a guarded worker, against a bare one."""
    found: dict[str, list[float]] = {side: [] for side in MODULES}
    with tempfile.TemporaryDirectory(prefix="placement-guard-bench-") as name:
        directory = Path(name)
        url = f"sqlite:///{directory}/placement.db"
        environment = configure(directory, url, metrics_port=free_port())
        prepare(environment)
        order = list(MODULES)
        for number in range(1 + min(plan.rounds, ROUNDS)):
            plan.progress(f"startup: process {number + 1}")
            for side in order:
                module = MODULES[side].partition(":")[0]
                command = [sys.executable, "-c", f"import {module}; {SAY}"]
                said = subprocess.run(command, env=environment, check=True, capture_output=True)
                if number:  # the first has compiled what was not
                    found[side].append(float(said.stdout.split()[-1]) * 1e3)
            order.reverse()
    more = [mine - theirs for mine, theirs in zip(found["guarded"], found["bare"], strict=True)]
    row: tuple[Cell, ...] = (
        "a worker",
        *(Spread.of(found[side]) for side in MODULES),
        Spread.of(more),
    )
    return Table("startup", TITLE, NOTE, COLUMNS, [row])
