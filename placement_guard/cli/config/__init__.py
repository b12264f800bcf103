"""``placement-guard config``: what a configuration directory comes to."""

import argparse
from collections import Counter
from pathlib import Path
from typing import Any, Final

from placement_guard.cli.config.kinds import Concern, Severity
from placement_guard.cli.output import (
    DONE,
    FORMATS,
    FOUND,
    as_json,
    carried_out,
    counted,
    written,
)
from placement_guard.terminal import RED, YELLOW, coloured, escaped, wants_colour

_HELP: Final = """\
Report all problems of a configuration directory at once: of the options, of the files, of the
policy, and of the places that the guard needs on this machine. The database is not touched, nothing
is made, and nobody is asked unless --connect says so.

Run it as the user that Placement runs as: what that user may read and write is what counts.
"""

_ENDING: Final = """\
severities:
  error    Placement does not start with it, or the guard does not do what it is told to
  warning  it is likely not what was meant
  note     worth knowing

exit code:
  0  no error; with --strict, no warning either
  1  problems
  2  the directory cannot be read

examples:
  placement-guard config check --config-dir conf
  placement-guard config check --config-dir conf --strict --format json
"""

_COLOURS: Final = {Severity.ERROR: RED, Severity.WARNING: YELLOW}


def add_parser(commands: Any) -> None:
    """Add the subcommand to the parser."""
    config = commands.add_parser(
        "config",
        help="look into a configuration directory",
        description="Look into a configuration directory.",
    )
    actions = config.add_subparsers(title="commands", metavar="COMMAND", required=True)
    parser = actions.add_parser(
        "check",
        help="report all its problems",
        description=_HELP,
        epilog=_ENDING,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add(
        "--config-dir",
        type=Path,
        metavar="DIR",
        help="where placement.conf is [OS_PLACEMENT_CONFIG_DIR, or /etc/placement]",
    )
    add("--connect", action="store_true", help="ask the Redis of coordination_url, too")
    add("--format", choices=FORMATS, default="table", help="of the report [table]")
    add("--strict", action="store_true", help="exit with 1 for warnings too")
    parser.set_defaults(run=carried_out("config check", run))


def run(arguments: argparse.Namespace) -> int:
    """Look and report; returns the exit code. CommandError."""
    from placement_guard.cli.config.checks import directory_of, look  # noqa: PLC0415  # oslo, YAML

    directory = directory_of(arguments.config_dir)
    concerns = look(directory, connect=arguments.connect)
    counts = Counter(concern.severity for concern in concerns)
    with written() as stream:
        if arguments.format == "json":
            stream.write(_as_json(directory, concerns, counts))
        else:
            colours = _COLOURS if wants_colour(stream) else {}
            for concern in concerns:
                stream.write(_as_text(concern, colours.get(concern.severity, "")))
            stream.write(_summary(directory, counts))
    found = counts[Severity.ERROR] or (arguments.strict and counts[Severity.WARNING])
    return FOUND if found else DONE


def _as_text(concern: Concern, colour: str) -> str:
    severity = coloured(concern.severity, colour)
    where = f" {escaped(concern.where)}:" if concern.where else ""
    return (
        f"{severity}: {concern.id}:{where} {escaped(concern.what)}\n"
        f"    what to do: {escaped(concern.advice)}\n"
    )


def _summary(directory: Path, counts: Counter[Severity]) -> str:
    where = escaped(str(directory))
    if not counts:
        return f"Nothing found in {where}.\n"
    found = ", ".join(counted(counts[s], s) for s in Severity if counts[s])
    return f"\n{found} in {where}.\n"


def _as_json(directory: Path, concerns: list[Concern], counts: Counter[Severity]) -> str:
    told = [
        {
            "severity": concern.severity,
            "id": concern.id,
            "where": concern.where or None,
            "what": concern.what,
            "advice": concern.advice,
        }
        for concern in concerns
    ]
    summary: dict[str, Any] = {"directory": str(directory)}
    summary |= {severity: counts[severity] for severity in Severity}
    listed = "".join(f"\n{as_json(one)}," for one in told).rstrip(",")
    return f'{{"problems": [{listed}\n],\n"summary": {as_json(summary)}}}\n'
