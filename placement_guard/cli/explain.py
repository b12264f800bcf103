"""``placement-guard explain``: what would happen to a request, stage by stage, and who decides."""

import argparse
from pathlib import Path
from typing import Any, Final

from placement_guard.api.operations import LAST_VERSION, told
from placement_guard.cli.arguments import VERSIONS, microversion
from placement_guard.cli.errors import CommandError
from placement_guard.cli.explanation import as_object, write_text
from placement_guard.cli.files import read_bytes
from placement_guard.cli.gate import gate_rules
from placement_guard.cli.output import DONE, FORMATS, FOUND, as_json, carried_out, written
from placement_guard.cli.rehearsing import (
    Wanted,
    add_policy,
    configured,
    data_of,
    operation_of,
    read_yaml,
    wanted,
)
from placement_guard.policy.before import Read, unread
from placement_guard.policy.stored import Stored
from placement_guard.rehearsal import Rehearsal, Request

_HELP: Final = """\
Say stage by stage what the guard would do with a request, and which policy rule in which file
decides. No Placement is asked, and nothing is sent.

REQUEST is a method and a path, as "PUT /allocations/9d5c1f0a-5d0b-4d2f-8c9d-0a4b6f3c7e21", or the
name of an operation, as reshaper:reshape; where an operation has a path with names in it, some are
assumed. A policy rule may ask for what is stored: --stored tells it.
"""

_ENDING: Final = """\
exit code:
  0  it would go on to Placement
  1  it would be refused
  2  it cannot be told: wrong usage, a file that cannot be read, a policy that cannot be used

examples:
  placement-guard explain --user-name nova --role service reshaper:reshape reshape.json
  placement-guard explain --user-name cyborg --role service --policy policy.yaml \\
    resource_providers:inventories:update inventories.json
  placement-guard explain --user-name admin --role admin --format json "DELETE /traits/CUSTOM_A"
"""


def add_parser(commands: Any) -> None:
    """Add the subcommand to the parser."""
    parser = commands.add_parser(
        "explain",
        help="say what would happen to a request, and which rule decides",
        description=_HELP,
        epilog=_ENDING,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("request", metavar="REQUEST", help="METHOD /path, or an operation")
    add("body", nargs="?", metavar="FILE", help="the body; - is standard input")
    add("--user-name", metavar="NAME", help="who asks")
    add("--user-id", metavar="ID", help="who asks [the name]")
    add("--user-domain-id", metavar="ID", help="the domain of the user [default]")
    add("--project-name", metavar="NAME", help="in which project [none]")
    add("--project-id", metavar="ID", help="in which project [its name]")
    add("--system-scope", metavar="SCOPE", help="with a token of the system: all [none]")
    add(
        "--role",
        action="append",
        default=[],
        metavar="ROLE",
        help="a role of the user; may be repeated",
    )
    add(
        "--microversion",
        type=microversion,
        default=LAST_VERSION,
        metavar="1.N",
        help=f"at which microversion, {VERSIONS} [{told(LAST_VERSION)}]",
    )
    add_policy(parser)
    add(
        "--stored",
        type=Path,
        metavar="FILE",
        help="YAML or JSON of the providers and consumers that there are [nothing can be read]",
    )
    add("--format", choices=FORMATS, default="table", help="[table]")
    parser.set_defaults(run=carried_out("explain", run))


def run(arguments: argparse.Namespace) -> int:
    """Explain; returns the exit code. CommandError, ConfigurationError."""
    settings, conf = configured(arguments, arguments.policy)
    rehearsal = Rehearsal(settings, conf)
    body = read_bytes(arguments.body, settings.max_body_bytes + 1) if arguments.body else None
    meant = wanted(arguments.request, data_of(body), arguments.microversion)
    request = Request(
        method=meant.method,
        path=meant.path,
        query=meant.query,
        who=_who(arguments),
        version=arguments.microversion,
        body=body,
        stored=_stored(arguments.stored),
    )
    _need_body(meant, arguments)
    rehearsed = rehearsal(request)
    explained = as_object(request, rehearsed, rehearsal.policy_rules, gate_rules(conf))
    explained["request"]["path_assumed"] = meant.assumed
    with written() as stream:
        if arguments.format == "json":
            stream.write(as_json(explained, indent=2) + "\n")
        else:
            write_text(stream, explained)
    return FOUND if rehearsed.rejection is not None else DONE


def _who(arguments: argparse.Namespace) -> dict[str, Any]:
    """The arguments of the request context that keystone's middleware would lead to."""
    if not (arguments.user_id or arguments.user_name):
        raise CommandError("nobody asks: give --user-name or --user-id")
    return {
        "user_id": arguments.user_id or arguments.user_name,
        "user_name": arguments.user_name,
        "user_domain_id": arguments.user_domain_id or "default",
        "project_id": arguments.project_id or arguments.project_name,
        "project_name": arguments.project_name,
        "system_scope": arguments.system_scope,
        "roles": arguments.role,
    }


def _need_body(meant: Wanted, arguments: argparse.Namespace) -> None:
    expected = operation_of(meant).document(arguments.microversion)
    if expected is not None and arguments.body is None:
        raise CommandError(f"{meant.method} {meant.path} has a body: give its FILE")


def _stored(path: Path | None) -> Read:
    if path is None:
        return unread
    stored: Stored = read_yaml(path, Stored)
    return stored
