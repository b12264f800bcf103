"""``python -m benchmarks.replay``: how fast a replay is, and that it says what a live run shows.

Mixed traffic goes through a guarded Placement: by a configuration, which records it, and by others:
a stricter one, and one with a target policy. A replay of the first recording by each of those is
timed on one core, and compared with what its own run did, exchange by exchange. The exit status is
1 where they differ, or where fewer than 5,000 exchanges are judged in a second.
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
from tests.replay.twice import BASE, CONFIGURATIONS, Configuration, compared, live

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
    sound = True
    for name, other in CONFIGURATIONS.items():
        second = live(directory / name, other, number, told=_told(f"{name} run"), **options)
        print(f"{name}:")
        sound &= _compare(first, second, other, directory / f"replay-{name}", arguments)
    return 0 if sound else 1


def _compare(
    first: Path, second: Path, other: Configuration, directory: Path, arguments: argparse.Namespace
) -> bool:
    """Replay the first recording by the other configuration; whether it is as it must be."""
    configuration = other.write(directory)
    rate, summary = _timed(first, directory, arguments.rounds)
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
    told: bool = summary["judged"] == len(found) == arguments.requests
    return told and not differing and rate >= LEAST


def _timed(recording: Path, directory: Path, rounds: int) -> tuple[float, Any]:
    """Exchanges a second of the processor, the median of some rounds; and the summary."""
    rates, summary = [], {}
    command = ["replay", str(recording), "--config-dir", str(directory), "--format", "json"]
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
