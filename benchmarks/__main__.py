"""``python -m benchmarks``: measures, and prints tables."""

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks import report
from benchmarks.audit import audit
from benchmarks.chart import chart
from benchmarks.document import document
from benchmarks.memory import memory
from benchmarks.observing import observing, observing_multiprocess
from benchmarks.overhead import overhead, overhead_multiprocess
from benchmarks.refusal import refusal
from benchmarks.refusals import refusals
from benchmarks.report import Table
from benchmarks.scrape import scrape
from benchmarks.stages import stages
from benchmarks.startup import startup
from benchmarks.target_policy import target_policy
from benchmarks.timing import Plan, Progress
from benchmarks.worker_memory import worker_memory
from benchmarks.workers import workers

BENCHMARKS: dict[str, Callable[[Plan], Table]] = {
    "document": document,
    "refusals": refusals,
    "memory": memory,
    "overhead": overhead,
    "refusal": refusal,
    "target_policy": target_policy,
    "stages": stages,
    "audit": audit,
    "scrape": scrape,
    "observing": observing,
    "workers": workers,
    "startup": startup,
    "worker_memory": worker_memory,
    "overhead_multiprocess": overhead_multiprocess,
    "observing_multiprocess": observing_multiprocess,
}


NAMED_ONLY = ("overhead_multiprocess", "observing_multiprocess")
"""What is left out where no benchmark is named: others once more, and as long."""


def main(argv: Sequence[str] | None = None) -> int:
    arguments = _parser().parse_args(argv)
    progress = Progress()
    rounds = arguments.rounds or (3 if arguments.quick else 15)
    plan = Plan(rounds, arguments.quick, progress)
    names = arguments.names or [name for name in BENCHMARKS if name not in NAMED_ONLY]
    tables = []
    try:
        for number, name in enumerate(names):
            progress.at(number, len(names))
            tables.append(BENCHMARKS[name](plan))
    finally:
        progress.done()
    if arguments.json:
        arguments.json.write_text(json.dumps(report.plain(tables), indent=2) + "\n", "utf-8")
    sys.stdout.write(report.markdown(tables) if arguments.markdown else report.text(tables))
    if arguments.save:
        _save(tables, arguments.save)
    return 0


def _save(tables: list[report.Table], directory: Path) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    figures = json.dumps(report.plain(tables), indent=2)
    (directory / "figures.json").write_text(figures + "\n", "utf-8")
    (directory / "tables.md").write_text(report.markdown(tables), "utf-8")
    drawn = chart(tables, directory / "chart.svg")
    files = ("figures.json", "tables.md", *(("chart.svg",) if drawn else ()))
    sys.stderr.write(f"\nSaved: {', '.join(str(directory / name) for name in files)}\n")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="Measures what the guard costs. Everything is measured in turns with what it "
        "is compared to, so that a busy machine slows both.",
        epilog="\n".join(
            [
                "benchmarks:",
                *(f"  {name:22} {function.__doc__}" for name, function in BENCHMARKS.items()),
            ]
        ),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "names",
        nargs="*",
        metavar="benchmark",
        # Not choices: argparse would take the empty list, which stands for all, for a wrong one.
        type=_name,
        help="what to measure (default: all but those of several processes)",
    )
    parser.add_argument(
        "--rounds", type=_positive, help="rounds of each measurement (default: 15; 3 with --quick)"
    )
    parser.add_argument(
        "--quick", action="store_true", help="leave out the largest bodies: less exact, in seconds"
    )
    parser.add_argument("--markdown", action="store_true", help="print Markdown")
    parser.add_argument(
        "--json", type=Path, metavar="FILE", help="write all figures to FILE as JSON as well"
    )
    parser.add_argument(
        "--save",
        type=Path,
        metavar="DIRECTORY",
        help="save the tables as Markdown, all figures as JSON, and a chart as SVG there",
    )
    return parser


def _name(text: str) -> str:
    if text not in BENCHMARKS:
        raise argparse.ArgumentTypeError(f"{text!r} is none of {', '.join(BENCHMARKS)}")
    return text


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1 on")
    return int(text)


if __name__ == "__main__":
    sys.exit(main())
