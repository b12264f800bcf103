"""What a scrape of the metrics takes: of one process, and of the sum over sixteen workers."""

import subprocess
import sys
import tempfile
from pathlib import Path
from shutil import copyfile

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

from benchmarks.report import Cell, Table
from benchmarks.timing import Plan, Spread, in_turns
from placement_guard.observers.metrics import Metrics
from placement_guard.observers.metrics.summing import Summed
from placement_guard.observers.slots import Slots

WORKERS = 16

TITLE = "A scrape of the metrics"
NOTE = (
    "Milliseconds until all metrics are text: medians of the rounds (lowest..highest). Of 16 "
    "workers: the guard's sum over their files, and that of prometheus_client. Processor time."
)
COLUMNS = ("of", "series", "guard", "prometheus_client")

COUNT = """
import random
from prometheus_client import REGISTRY
from placement_guard.observers.metrics import Metrics
metrics = Metrics.of(REGISTRY)
for count in metrics._requests.values():
    count(random.randrange(1000))
for observe in metrics._stages.values():
    observe(random.random() / 100)
"""


def scrape(plan: Plan) -> Table:
    """A scrape of one process, and of sixteen."""
    alone = CollectorRegistry()
    Metrics.of(alone)
    with tempfile.TemporaryDirectory(prefix="placement-guard-bench-") as directory:
        _workers(Path(directory))
        ours = Summed.registry(Slots(directory))
        theirs = CollectorRegistry()
        MultiProcessCollector(theirs, directory)
        took = in_turns(
            {
                "alone": lambda: generate_latest(alone),
                "ours": lambda: generate_latest(ours),
                "theirs": lambda: generate_latest(theirs),
            },
            plan,
            "scrape",
        )
        rows: list[tuple[Cell, ...]] = [
            ("one process", float(_series(alone)), _millis(took["alone"]), ""),
            (
                f"{WORKERS} workers",
                float(_series(ours)),
                _millis(took["ours"]),
                _millis(took["theirs"]),
            ),
        ]
    return Table("scrape", TITLE, NOTE, COLUMNS, rows)


def _workers(directory: Path) -> None:
    """The files of so many workers: one process makes them, and the values are changed."""
    environ = {"PROMETHEUS_MULTIPROC_DIR": str(directory), "PYTHONPATH": ":".join(sys.path)}
    subprocess.run([sys.executable, "-c", COUNT], env=environ, check=True)
    for made in list(directory.glob("*_w0.db")):
        for number in range(1, WORKERS):
            copyfile(made, made.with_name(made.name.replace("_w0", f"_w{number}")))


def _series(registry: CollectorRegistry) -> int:
    return sum(len(family.samples) for family in registry.collect())


def _millis(seconds: list[float]) -> Spread:
    return Spread.of([value * 1e3 for value in seconds])
