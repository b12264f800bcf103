"""``placement-guard replay``: what another configuration or policy would say of a recording."""

import argparse
from pathlib import Path
from typing import Any, Final

from placement_guard.cli.output import FORMATS, carried_out
from placement_guard.cli.rehearsing import add_policy

_HELP: Final = """\
Judge recorded exchanges again, offline, with another configuration or policy, and show what would
change: newly refused, newly allowed, newly warned, by rule, client and operation. Nothing is sent
to any Placement. What the recording cannot answer is "undecided", also what a policy rule says that
asks for what was stored.

The option capture_file of the guard makes recordings.
"""

_ENDING: Final = """\
exit code:
  0  nothing that could be decided changes
  1  something changes
  2  it could not be done, or not to the end: wrong usage, no recording, a configuration or a policy
     that cannot be used, interrupted; what was judged before is reported

examples:
  placement-guard replay --config-dir conf capture.jsonl
  placement-guard replay --policy policy.yaml capture.jsonl.1 capture.jsonl
  placement-guard replay --gate-policy gate.yaml --format json - < capture.jsonl
  placement-guard replay --rules inventory.min_above_max:enforce --against conf capture.jsonl
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
    add_policy(parser)
    add(
        "--gate-policy",
        type=Path,
        metavar="FILE",
        help="a file in place of Placement's own policy in the configuration",
    )
    add("--rules", metavar="ID:MODE,...", help="modes of rules, over those of the configuration")
    add(
        "--against",
        type=Path,
        metavar="DIR",
        help="compare with what the placement.conf there says, not with what was recorded",
    )
    add("--format", choices=FORMATS, default="table", help="of the report [table]")
    add("--limit", type=_number, metavar="N", help="judge the first N exchanges only [all]")
    parser.set_defaults(run=carried_out("replay", run))


def run(arguments: argparse.Namespace) -> int:
    """Judge and report; returns the exit code. CommandError, ConfigurationError."""
    from placement_guard.cli.replaying import replay  # noqa: PLC0415  # only who asks pays

    return replay(arguments)


def _number(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1 on")
    return int(text)
