"""``placement-guard check``: what is wrong with request bodies, told without any Placement."""

import argparse
import io
from collections.abc import Iterable, Iterator
from typing import Any, Final

from placement_guard.api.guess import Candidate, candidates
from placement_guard.api.operations import NAMES, Version, told
from placement_guard.api.routes import Router
from placement_guard.cli.arguments import VERSIONS, microversion
from placement_guard.cli.configuration import add_config_dir, settings_of
from placement_guard.cli.errors import CommandError
from placement_guard.cli.files import STANDARD_INPUT, opened, why
from placement_guard.cli.findings import JsonReport, Report, TableReport
from placement_guard.cli.output import CANNOT, DONE, FORMATS, FOUND, carried_out, written
from placement_guard.exchange import Environ, Exchange
from placement_guard.lint import Judged, Lint, Unclear

_HELP: Final = """\
Judge request bodies as the guard would, and report everything that is wrong with each of them: bad
JSON, a broken schema, what passes the schema and does harm, inventories that make no sense. No
Placement is asked, so nothing is told of what only its database knows.

What a body was made for is told by its shape, unless --operation and --microversion say it. Where
that makes a difference and cannot be told, all that it may be is listed.
"""

_ENDING: Final = """\
exit code:
  0  nothing found that the guard would refuse
  1  something found that it would refuse; with --strict, also something that it would warn of
  2  not all could be judged: wrong usage, a file that cannot be read, a body of unknown purpose;
     the others are reported

examples:
  placement-guard check inventories.json
  placement-guard check --operation reshaper:reshape --microversion 1.39 reshape.json
  placement-guard check --rules inventory.min_above_max:enforce inventories.json reshape.json
  placement-guard check --format json - < inventories.json
"""


def add_parser(commands: Any) -> None:
    """Add the subcommand to the parser."""
    parser = commands.add_parser(
        "check",
        help="judge request bodies, without any Placement",
        description=_HELP,
        epilog=_ENDING,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("files", nargs="+", metavar="FILE", help="a request body; - is standard input")
    add(
        "--operation",
        metavar="OPERATION",
        help='what the bodies are for, as reshaper:reshape or "POST /reshaper" [by their shape]',
    )
    add(
        "--microversion",
        type=microversion,
        metavar="1.N",
        help=f"at which microversion, {VERSIONS} [the newest that fits]",
    )
    add("--rules", metavar="ID:MODE,...", help="rules that are not to have their default mode")
    add_config_dir(parser)
    add("--format", choices=FORMATS, default="table", help="of the report [table]")
    add("--strict", action="store_true", help="exit with 1 for warnings too")
    parser.set_defaults(run=carried_out("check", run))


def run(arguments: argparse.Namespace) -> int:
    """Judge and report; returns the exit code. CommandError, ConfigurationError."""
    lint = Lint(settings_of(arguments))
    among = tuple(_among(arguments.operation, arguments.microversion))
    if arguments.files.count(STANDARD_INPUT) > 1:
        raise CommandError("standard input can be read once; name - once")
    with written() as stream:
        of = JsonReport if arguments.format == "json" else TableReport
        report: Report = of(stream, _guessed(arguments))
        report.begin()
        for name in arguments.files:
            report.add(name, _judged(lint, name, among))
        report.end()
    if report.not_judged:
        return CANNOT
    return FOUND if report.refused or (arguments.strict and report.warned) else DONE


def _guessed(arguments: argparse.Namespace) -> list[str]:
    """What was not said of the bodies."""
    return [name for name in ("operation", "microversion") if getattr(arguments, name) is None]


def _judged(lint: Lint, name: str, among: tuple[Candidate, ...]) -> Judged | Unclear | str:
    """What is wrong with the body in one file, or why that cannot be told."""
    try:
        body = opened(name, lint.max_body_bytes + 1)
    except (OSError, ValueError) as error:
        return f"it cannot be read ({why(error)})"
    environ: Environ = {
        "REQUEST_METHOD": among[0].operation.method,
        "wsgi.input_terminated": True,
        "wsgi.input": io.BytesIO(body),
    }
    return lint(Exchange(environ, environ["REQUEST_METHOD"], ""), among)


def _among(operation: str | None, version: Version | None) -> Iterable[Candidate]:
    """What the bodies may be, by what was said of them. CommandError where that is nothing."""
    if operation is None:
        return candidates(version)
    ever = list(_named(operation))
    found = [c for c in candidates(version) if any(c.operation == e.operation for e in ever)]
    if found:
        return found
    if not ever:
        takes = ", ".join(dict.fromkeys(c.operation.name for c in candidates()))
        known = "takes no body" if operation in NAMES else "is no operation"
        raise CommandError(f"{operation} {known}; those that take one: {takes}")
    at = ", ".join(f"{told(c.first)} to {told(c.last)}" for c in ever)
    raise CommandError(f"{operation} takes no body at this microversion; it does at {at}")


def _named(operation: str) -> Iterator[Candidate]:
    method, _, path = operation.partition(" ")
    meant = Router().match(path, method)[1]
    for candidate in candidates():
        if candidate.operation.name == operation or candidate.operation == meant:
            yield candidate
