"""``placement-guard serve``: a real Placement behind the guard, on one machine, to try it out."""

import argparse
import importlib.util
from pathlib import Path
from typing import Any, Final

from placement_guard.cli.errors import CannotServeError
from placement_guard.cli.output import CANNOT, DONE, complain
from placement_guard.settings import ConfigurationError

_NEEDED: Final = ("placement", "waitress")

_HELP: Final = """\
Serve a real Placement behind the guard, until interrupted. Without --config-dir it is one to try
out: on SQLite, with the token "admin" for everybody. The exit code is 2 where it cannot be started
as asked.
"""


def add_parser(commands: Any) -> None:
    """Add the subcommand to the parser."""
    parser = commands.add_parser(
        "serve", help="serve a real Placement behind the guard", description=_HELP
    )
    add = parser.add_argument
    add("--host", help="address of the API [127.0.0.1]", default="127.0.0.1")
    add("--port", type=int, help="port of the API [8778]", default=8778)
    add("--metrics-host", help="address of the metrics [127.0.0.1]")
    add("--metrics-port", type=int, help="port of the metrics, 0 for none [9778]")
    add(
        "--state-dir",
        type=Path,
        metavar="DIR",
        help="where database and log are kept [var]",
        default="var",
    )
    add("--database", metavar="URL", help="database, for SQLAlchemy [SQLite in --state-dir]")
    add(
        "--config-dir",
        type=Path,
        metavar="DIR",
        help="directory of a placement.conf to go by [none]",
    )
    add("--observe", action="store_true", help="refuse nothing; count and log what would be")
    add("--threads", type=int, help="worker threads [1 on SQLite, otherwise 4]")
    add("--verbose", action="store_true", help="log to the terminal too")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Serve until interrupted. Returns 0, or 2 where it could not be started."""
    try:
        _need_extra()
        from placement_guard.cli.serving import serve  # noqa: PLC0415  # needs the extra

        serve(arguments)
    except (CannotServeError, ConfigurationError) as error:
        complain("serve", str(error))
        return CANNOT
    return DONE


def _need_extra() -> None:
    for name in _NEEDED:
        if importlib.util.find_spec(name) is None:
            raise CannotServeError(f"{name} is not installed; it comes with placement-guard[serve]")
