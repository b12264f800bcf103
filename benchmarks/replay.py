"""``python -m benchmarks.replay``: how fast a replay is, and that it says what a live run shows.

Mixed traffic goes through a guarded Placement twice: by a configuration, which records it, and by a
stricter one. A replay of the first recording by the stricter one is timed on one core, and compared
with what the second run did, exchange by exchange. The exit status is 1 where they differ, or where
fewer than 5,000 exchanges are judged in a second.
"""

import argparse
import contextlib
import io
import json
import logging
import sys
import tempfile
from collections import Counter
from pathlib import Path
from statistics import median
from time import process_time
from typing import Any

from placement_guard import cli
from placement_guard.replay.differences import Kind
from tests.replay.twice import BASE, STRICTER, compared, live

LEAST = 5000
"""Exchanges that are to be judged in a second of one core."""


def main(argv: list[str] | None = None) -> int:
    """Run both, and print what was found."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.replay", description=__doc__)
    parser.add_argument("--requests", type=int, default=10_000, help="how many [10000]")
    parser.add_argument("--seed", type=int, default=1, help="of the stream of requests [1]")
    parser.add_argument("--rounds", type=int, default=5, help="of the timed replay [5]")
    parser.add_argument("--bodies", default="whole", help="whole, shape or none [whole]")
    arguments = parser.parse_args(argv)
    logging.disable(logging.CRITICAL)
    with tempfile.TemporaryDirectory(prefix="placement-guard-replay-") as directory:
        return _run(Path(directory), arguments)


def _run(directory: Path, arguments: argparse.Namespace) -> int:
    number = arguments.requests
    options: dict[str, Any] = {
        "seed": arguments.seed,
        "capture_max_bytes": 1024**3,
        "capture_bodies": arguments.bodies,
    }
    first = live(directory / "first", BASE, number, told=_told("first run"), **options)
    second = live(directory / "second", STRICTER, number, told=_told("second run"), **options)
    configuration = STRICTER.write(directory / "replay")
    rate, summary = _timed(first, configuration, arguments.rounds)
    found = list(compared(first, second, configuration))
    differing = [one for one in found if not one.agrees]
    by_replay = Counter(c.kind.value for one in found for c in one.replay_changes)
    by_live = Counter(c.kind.value for one in found if not one.judged.why for c in one.live_changes)
    size = first.stat().st_size / 1024**2
    print(f"{len(found)} exchanges in {size:.1f} MiB, {rate:,.0f} a second on one core")
    for kind in Kind:
        print(f"  {kind.value:18} replay {by_replay[kind]:6}   live {by_live[kind]:6}")
    print(f"  undecided because {dict(Counter(one.judged.why for one in found if one.judged.why))}")
    print(f"{len(differing)} differ between replay and live run")
    for one in differing[:10]:
        print(f"  {one.first.id} {one.first.method} {one.first.path}: {one.judged} {one.lived}")
    told = summary["judged"] == len(found) == number
    return 0 if told and not differing and rate >= LEAST else 1


def _timed(recording: Path, configuration: Path, rounds: int) -> tuple[float, Any]:
    """Exchanges a second of the processor, the median of some rounds; and the summary."""
    rates, summary = [], {}
    command = ["replay", str(recording), "--config-file", str(configuration), "--format", "json"]
    for _ in range(rounds):
        out = io.StringIO()
        began = process_time()
        with contextlib.redirect_stdout(out):
            cli.main(command)
        seconds = process_time() - began
        summary = json.loads(out.getvalue())["summary"]
        rates.append(summary["judged"] / seconds)
    return median(rates), summary


def _told(what: str) -> Any:
    def told(number: int) -> None:
        if sys.stderr.isatty():
            print(f"\r{what}: {number}", end="", file=sys.stderr, flush=True)

    return told


if __name__ == "__main__":
    sys.exit(main())
