"""``python -m benchmarks.storm``: a storm of writes; exits with 1 if a guarded side is wrong."""

import argparse
import json
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from random import Random

import msgspec
from rich.console import Console
from rich.progress import MofNCompleteColumn, Progress, TimeRemainingColumn

from benchmarks.storm import report
from benchmarks.storm.claims import Storm
from benchmarks.storm.mixed import Melee
from benchmarks.storm.run import Contest, Faults, contest, database, rounds
from benchmarks.storm.sides import COMPARED, SIDES, Side, variant

WORKLOADS = {
    "one": "claims of new consumers on one provider that has room for two thirds of them",
    "many": "the same over many providers, a random one for each claim",
    "mixed": "claims on several providers, moves, releases, providers and inventories that change",
    "reader": "as one, without and with clients that ask for allocation candidates meanwhile",
}

DATABASES = ("mariadb", "postgresql")


def main(argv: Sequence[str] | None = None) -> int:
    asked = _parser().parse_args(argv)
    console = Console()
    sides = _sides(asked)
    storm = _storm(asked)
    faults = Faults(asked.kill, asked.restart_database_at, asked.crash, asked.kill_redis_at)
    results: dict[str, report.Results] = {}
    for kind in DATABASES if asked.database == "both" else (asked.database,):
        with database(
            kind, sides, durable=not asked.relaxed, isolation=asked.snapshot_isolation
        ) as base:
            if base is None:
                console.print(f"{kind} does not know snapshot isolation: left out")
                continue
            with contest(base, sides, storm.workers, asked.keep) as started:
                results[base.name] = _play(asked, base.name, started, console, storm, faults)
        report.show(base.name, results[base.name], console)
    if asked.json:
        settings = {**msgspec.to_builtins(storm), **msgspec.to_builtins(faults)}
        found = report.plain(results, {"workload": asked.workload, "seed": asked.seed, **settings})
        asked.json.write_text(json.dumps(found, indent=1) + "\n", "utf-8")
    guarded = {side.name for side in sides if side.guarded}
    return int(
        any(
            judged.is_wrong(restarted=faults.restart_at is not None)
            for found in results.values()
            for name in guarded
            for judged in found[name]
        )
    )


def _play(
    asked: argparse.Namespace,
    name: str,
    started: Contest,
    console: Console,
    storm: Storm | Melee,
    faults: Faults,
) -> report.Results:
    columns = (*Progress.get_default_columns()[:2], MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        task = progress.add_task(name, total=asked.rounds * len(started.crews))

        def begin(side: str, number: int) -> None:
            completed = number * len(started.crews) + list(started.crews).index(side)
            progress.update(task, completed=completed, description=f"{name}: {side}")

        return rounds(started, storm, asked.rounds, Random(asked.seed), faults, begin)


def _sides(asked: argparse.Namespace) -> list[Side]:
    sides = [SIDES[name] for name in asked.side or COMPARED] + asked.variant
    sides = [msgspec.structs.replace(s, hosts=asked.hosts) if s.guarded else s for s in sides]
    if asked.workload != "reader":
        return sides
    number = asked.readers
    return [
        msgspec.structs.replace(side, name=side.name + suffix, readers=readers)
        for side in sides
        for suffix, readers in (("", 0), (f" + {number} readers", number))
    ]


def _storm(asked: argparse.Namespace) -> Storm | Melee:
    if asked.workload == "mixed":
        melee = Melee(asked.workers, asked.steps)
        return msgspec.structs.replace(melee, room=asked.room) if asked.room else melee
    providers = asked.providers or (16 if asked.workload == "many" else 1)
    total = asked.workers * asked.claims
    room = asked.room or max(1, total * 2 // 3 // providers)
    return Storm(asked.workers, asked.claims, providers, room)


def _parser() -> argparse.ArgumentParser:
    workloads = "\n".join(f"  {name:8} {meaning}" for name, meaning in WORKLOADS.items())
    sides = (
        "bare; bare-correct: no retry in the transaction, clients that insist; guarded;\n"
        "serial: bare, one write at a time, to see that nothing is found wrong there"
    )
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.storm",
        description="Worker processes, each with its own Placement, write at the same time; then "
        "what was answered is compared with what is stored. The sides take turns, round by round.",
        epilog=f"workloads:\n{workloads}\n\nsides: {sides}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("workload", choices=list(WORKLOADS), metavar="workload", help="see below")
    add("--database", choices=[*DATABASES, "both"], default="both", help="default: both")
    add("--rounds", type=int, default=20, help="rounds of each side (default: 20)")
    add(
        "--side",
        action="append",
        choices=list(SIDES),
        help="only this; may be repeated (default: all but serial)",
    )
    add(
        *("--variant", "-V"),
        action="append",
        default=[],
        type=_variant,
        metavar="name:option=value,...",
        help="a guarded side with other options of [placement_guard]; an option of another section "
        "is section.option, and {redis} the URL of a Redis that is started; may be repeated",
    )
    add("--workers", type=int, default=8, help="processes of each side (default: 8)")
    add("--claims", type=int, default=12, help="claims of each process (default: 12)")
    add("--steps", type=int, default=30, help="of each process, in mixed (default: 30)")
    add("--providers", type=int, help="how many (default: 1, and 16 of many)")
    add("--room", type=int, help="VCPU of a provider (default: for two thirds of the claims)")
    add("--readers", type=int, default=10, help="of reader (default: 10)")
    add("--kill", type=int, default=0, metavar="K", help="kill K workers in a round")
    add(
        *("--restart-database-at",),
        type=float,
        metavar="SECONDS",
        help="stop the database and start it again so long after the start of each round",
    )
    add("--crash", action="store_true", help="stop it as a crash does (with the option before)")
    add("--hosts", type=int, default=1, help="spread guarded workers over N hosts (default: 1)")
    add(
        *("--kill-redis-at",),
        type=float,
        metavar="SECONDS",
        help="kill the Redis of {redis} so long after the start of each round; it is back a second "
        "later",
    )
    add(
        *("--snapshot-isolation",),
        choices=("on", "off"),
        help="MariaDB's innodb_snapshot_isolation; a server that does not know it is left out",
    )
    add("--relaxed", action="store_true", help="a database that does not wait for the disk")
    add("--seed", type=int, default=1, help="another choice of providers and of victims")
    add("--keep", type=Path, metavar="DIRECTORY", help="where the workers' logs stay")
    add("--json", type=Path, metavar="FILE", help="write everything to FILE as JSON as well")
    return parser


def _variant(text: str) -> Side:
    try:
        return variant(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


if __name__ == "__main__":
    # Database servers are to end with the run, however it ends.
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    sys.exit(main())
