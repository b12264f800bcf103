"""A benchmark once more, with its metrics in files as several processes have them."""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.report import Cell, Table
from benchmarks.timing import Plan, Spread


def in_multiprocess(name: str, columns: tuple[str, ...], plan: Plan) -> Table:
    """What the benchmark ``name`` finds in prometheus_client's multiprocess mode."""
    plan.progress(f"{name}: in a process of its own")
    with tempfile.TemporaryDirectory(prefix="placement-guard-bench-") as directory:
        # prometheus_client reads the variable once, on import.
        (metrics := Path(directory, "metrics")).mkdir()
        environment = {**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(metrics)}
        file = Path(directory, "figures.json")
        command = [sys.executable, "-m", "benchmarks", name, "--json", str(file)]
        command += ["--rounds", str(plan.rounds), *(["--quick"] if plan.quick else [])]
        subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL)
        found = json.loads(file.read_text("utf-8"))["benchmarks"][name]
    rows = [tuple(_cell(row[column]) for column in columns) for row in found["rows"]]
    title = f"{found['title']}: metrics of several processes"
    return Table(f"{name}_multiprocess", title, found["note"], columns, rows)


def _cell(value: Any) -> Cell:
    return Spread(**value) if isinstance(value, dict) else value
