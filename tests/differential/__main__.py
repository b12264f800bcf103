"""``python -m tests.differential N``: a bare and a guarded Placement answer the same N requests.

The corpus is sent first. Exits with 1 if anything was found that was not expected, or if too few
requests made the bare side misbehave to prove anything.
"""

import argparse
import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path

from rich.console import Console
from rich.progress import MofNCompleteColumn, Progress, TimeRemainingColumn

from tests.differential import corpus, report, servers
from tests.differential.campaign import LEAST_SHARE, Campaign
from tests.differential.cloud import Cloud
from tests.differential.generate import Generator
from tests.differential.requests import Request
from tests.differential.sides import running
from tests.differential.verdicts import VERDICTS

ENOUGH = 500
"""From this many requests on, the share of those that mattered is judged."""


def _arguments() -> argparse.Namespace:
    meanings = "\n".join(f"  {verdict}  {meaning}" for verdict, meaning in VERDICTS.items())
    parser = argparse.ArgumentParser(
        prog="python -m tests.differential",
        description=(__doc__ or "").partition("\n\n")[2],
        epilog=f"verdicts:\n{meanings}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("number", metavar="N", type=int, nargs="?", default=2000)
    parser.add_argument("--seed", type=int, default=1, help="another stream of requests")
    parser.add_argument(
        "--database",
        metavar="URL",
        help="mariadb or postgresql (a server is started for the run), or the URL of empty "
        "databases, with {side} where 'bare' and 'guarded' go; default: SQLite",
    )
    parser.add_argument("--keep-going", action="store_true", help="do not stop at a finding")
    parser.add_argument(
        "--expect",
        metavar="VERDICT",
        action="append",
        default=[],
        choices=list(VERDICTS),
        help="count findings of this verdict, but do not fail for them; may be repeated",
    )
    parser.add_argument(
        "--option",
        metavar="NAME=VALUE",
        action="append",
        default=[],
        help="an option of the guard, such as hand_on=false; may be repeated",
    )
    parser.add_argument("--no-save", action="store_true", help="leave the corpus as it is")
    parser.add_argument("--json", metavar="FILE", type=Path, help="write the summary there too")
    return parser.parse_args()


def main() -> int:
    asked = _arguments()
    console = Console()
    keep = None if asked.no_save else corpus.DIRECTORY
    with contextlib.ExitStack() as stack:
        url = stack.enter_context(servers.database(asked.database))
        sides = stack.enter_context(running(url, asked.option))
        campaign = Campaign(sides, keep)
        generator = Generator(Cloud(sides.bare.lines), asked.seed)

        def stream() -> Iterator[Request]:
            yield from (request for _, _, request in corpus.load())
            yield from map(generator, range(asked.number))

        total = asked.number + len(corpus.load())
        known = corpus.known(corpus.kind_of(url))
        unexpected = _play(campaign, stream(), total, asked, known, console)
    report.summary(campaign.tally, known, console)
    if asked.json:
        told = report.data(campaign.tally, number=asked.number, seed=asked.seed, database=url)
        report.write(asked.json, told)
    dull = asked.number >= ENOUGH and not unexpected and campaign.tally.share < LEAST_SHARE
    return int(unexpected or dull)


def _play(
    campaign: Campaign,
    stream: Iterator[Request],
    total: int,
    asked: argparse.Namespace,
    known: set[str],
    console: Console,
) -> bool:
    """Returns whether something was found that nobody expected."""
    columns = (*Progress.get_default_columns()[:2], MofNCompleteColumn(), TimeRemainingColumn())
    unexpected, shown = False, set()
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        task = progress.add_task("requests", total=total)
        for cases in campaign.play(stream):
            progress.advance(task)
            for case in cases:
                if case.finding.signature not in shown:
                    shown.add(case.finding.signature)
                    report.case(case, console)
                expected = case.finding.verdict in asked.expect or case.finding.signature in known
                unexpected |= not expected
            if unexpected and not asked.keep_going:
                break
    return unexpected


if __name__ == "__main__":
    sys.exit(main())
