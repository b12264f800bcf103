"""``placement-guard replay``: what another configuration or policy would say of a recording."""

import argparse
import sys
from pathlib import Path
from typing import Any, Final

from placement_guard.replay.errors import CannotReplayError
from placement_guard.settings import ConfigurationError
from placement_guard.terminal import escaped

_HELP: Final = """\
Judge recorded exchanges again, offline, with another configuration or policy, and show what would
change: newly refused, newly allowed, newly warned, by rule, client and operation. Nothing is sent
to any Placement. What the recording cannot answer is "undecided".

The option capture_file of the guard makes recordings.
"""

_ENDING: Final = """\
examples:
  placement-guard replay capture.jsonl --config-dir /etc/placement-new
  placement-guard replay capture.jsonl.2 capture.jsonl.1 capture.jsonl --policy-file stricter.yaml
  placement-guard replay capture.jsonl --rules inventory.min_above_max:enforce
  placement-guard replay capture.jsonl --config-file new.conf --against old.conf --format json

exit code:
  0  nothing that could be decided changes
  1  something changes
  2  it could not be done, or not to the end: wrong usage, no recording, a configuration that
     cannot be used, interrupted; what was judged before is reported

environment:
  NO_COLOR  no colour, also on a terminal
"""


def add_parser(commands: Any) -> None:
    """Add the subcommand to the parser."""
    parser = commands.add_parser(
        "replay",
        help="what another configuration or policy would change, by a recording",
        description=_HELP,
        epilog=_ENDING,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add(
        "recordings",
        nargs="+",
        metavar="RECORDING",
        help="files, the oldest first; - is standard input",
    )
    configuration = parser.add_mutually_exclusive_group()
    configuration.add_argument(
        "--config-dir", type=Path, metavar="DIR", help="directory of the placement.conf to judge by"
    )
    configuration.add_argument(
        "--config-file", type=Path, metavar="FILE", help="the file itself [the guard's defaults]"
    )
    add(
        "--rules",
        type=_modes,
        default={},
        metavar="ID:MODE,...",
        help="modes of rules, over those of the configuration",
    )
    add("--policy-file", type=Path, metavar="FILE", help="Placement's policy to judge by")
    add(
        "--against",
        type=Path,
        metavar="FILE",
        help="compare with what this configuration says, not with what was recorded",
    )
    add("--format", choices=("table", "json"), default="table", help="of the report [table]")
    add("--limit", type=_number, metavar="N", help="judge the first N exchanges only [all]")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Judge and report; returns the exit code."""
    try:
        from placement_guard.cli.replaying import replay  # noqa: PLC0415  # only who asks pays

        return replay(arguments)
    except (CannotReplayError, ConfigurationError) as error:
        complain(str(error))
    except KeyboardInterrupt:
        complain("interrupted")
    return 2


def complain(text: str) -> None:
    """Tell the user, a line for each reason; what is told may come from anywhere."""
    for line in text.splitlines():
        print(f"placement-guard replay: {escaped(line)}", file=sys.stderr)


def _modes(text: str) -> dict[str, str]:
    found = {}
    for pair in filter(None, (part.strip() for part in text.split(","))):
        rule, colon, mode = pair.partition(":")
        if not colon:
            raise argparse.ArgumentTypeError(f"{pair!r} is not written as id:mode")
        found[rule.strip()] = mode.strip()
    return found


def _number(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1 on")
    return int(text)
