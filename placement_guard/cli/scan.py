"""``placement-guard scan``: what a whole Placement holds that it should not. It only reads."""

import argparse
import importlib.util
from collections.abc import Callable
from typing import Any, Final
from uuid import UUID

from placement_guard.cli import output
from placement_guard.cli.errors import CommandError
from placement_guard.scan.errors import CannotScanError
from placement_guard.scan.kinds import CHOICES, KINDS

_NEEDED: Final = ("keystoneauth1", "openstack", "tqdm")

MAX_THREADS: Final = 32
THREADS: Final = 8

MAX_SECONDS: Final = 600.0
SECONDS: Final = 60.0
"""How long one request may take (seconds)."""

_HELP: Final = """\
Walk through a whole Placement and report damage: providers that are over-committed, capacities
below zero, allocations that point to nothing, and more. It sends GET requests only.

Where Placement is, and who asks, comes from clouds.yaml and the OS_* variables, as for any
OpenStack client; or from --endpoint and a token. It needs the role admin, by default.
"""

_ENDING: Final = """\
exit code:
  0  all was read, and nothing found
  1  all was read, and something found
  2  not all was read: wrong usage, no connection, no right to, interrupted; what was found before
     is reported, and standard error says why it ended

environment:
  OS_CLOUD, OS_AUTH_URL, OS_TOKEN, ...  see the documentation of openstacksdk
  NO_COLOR                              no colour, also on a terminal

kinds:
"""


def add_parser(commands: Any) -> None:
    """Add the subcommand to the parser."""
    parser = commands.add_parser(
        "scan",
        help="look for damage in a whole Placement; reads only",
        description=_HELP,
        epilog=_ENDING + "\n".join(_kinds()),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--os-cloud", metavar="NAME", help="a cloud of clouds.yaml [OS_CLOUD]")
    add("--endpoint", metavar="URL", help="where Placement is, without asking keystone")
    tokens = parser.add_mutually_exclusive_group()
    tokens.add_argument("--token", help="for --endpoint; others see it in the list of processes")
    tokens.add_argument("--token-file", metavar="FILE", help="its first line; - is standard input")
    add("--os-cacert", metavar="FILE", help="certificates to trust")
    add("--provider", type=_uuid, metavar="UUID", help="look at this provider only")
    add(
        "--only",
        action="append",
        default=[],
        choices=sorted(CHOICES),
        metavar="KIND",
        help="look for this only: a kind, an area (as inventory) or a severity; may be repeated",
    )
    add("--format", choices=("table", "json", "csv"), default="table", help="of the report [table]")
    add(
        "--concurrency",
        type=_bounded(int, 1, MAX_THREADS),
        default=THREADS,
        metavar="N",
        help=f"requests at a time, 1 to {MAX_THREADS} [{THREADS}]",
    )
    add(
        "--timeout",
        type=_bounded(float, 1, MAX_SECONDS),
        default=SECONDS,
        metavar="SECONDS",
        help=f"for one request, 1 to {MAX_SECONDS:g} [{SECONDS:g}]",
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Scan and report; returns the exit code."""
    try:
        _need_extra()
        from placement_guard.cli.scanning import scan  # noqa: PLC0415  # needs the extra

        return scan(arguments)
    except (CannotScanError, CommandError) as error:
        complain(str(error))
    except KeyboardInterrupt:
        complain("interrupted")
    return 2


def complain(text: str) -> None:
    """Tell the user, a line for each reason; what is told may come from anywhere."""
    output.complain("scan", text)


def _need_extra() -> None:
    for name in _NEEDED:
        if importlib.util.find_spec(name) is None:
            raise CannotScanError(f"{name} is not installed; it comes with placement-guard[scan]")


def _kinds() -> list[str]:
    width = max(map(len, KINDS))
    return [
        f"  {kind.id.ljust(width)}  {kind.severity.value.ljust(10)}  {kind.summary}"
        + ("" if kind.by_default else "; only where --only names it")
        for kind in KINDS.values()
    ]


def _uuid(text: str) -> str:
    try:
        return str(UUID(text))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no UUID") from None


def _bounded(kind: Callable[[str], float], least: float, most: float) -> Callable[[str], float]:
    def parse(text: str) -> float:
        try:
            number = kind(text)
        except ValueError:
            number = least - 1
        if not least <= number <= most:
            raise argparse.ArgumentTypeError(f"{text!r} is no number from {least:g} to {most:g}")
        return number

    return parse
