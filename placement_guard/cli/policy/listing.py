"""``placement-guard policy list``: every policy rule in force, and where it stands."""

import argparse
from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Any, Final

from placement_guard.cli.errors import CommandError
from placement_guard.cli.gate import gate_rules, shown
from placement_guard.cli.output import DONE, FORMATS, Table, as_json, carried_out, written
from placement_guard.cli.rehearsing import add_policy, configured
from placement_guard.policy.judge import MUTATIONS, PROFILE
from placement_guard.policy.parsing import PolicyRule
from placement_guard.settings import Settings
from placement_guard.stages import policy_files

_HELP: Final = """\
List the rules of target policy that are in force, in the order in which they are read: where each
stands, for which profile it is, and what it asks. Of a rule that stands in several files the last
one is in force. With --gate, the rules of Placement's own policy too.
"""

_ENDING: Final = """\
exit code:
  0  done
  2  there is no policy, or it cannot be used

examples:
  placement-guard policy list --policy policy.yaml
  placement-guard policy list --policy policy.yaml --gate --format json
"""


def add_parser(commands: Any) -> None:
    """Add the subcommand to the parser."""
    parser = commands.add_parser(
        "list",
        help="list the policy rules in force",
        description=_HELP,
        epilog=_ENDING,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_policy(parser)
    parser.add_argument("--gate", action="store_true", help="also Placement's own policy")
    parser.add_argument("--format", choices=FORMATS, default="table", help="[table]")
    parser.set_defaults(run=carried_out("policy list", run))


def run(arguments: argparse.Namespace) -> int:
    """List; returns the exit code. CommandError, ConfigurationError."""
    settings, conf = configured(arguments, arguments.policy)
    if not settings.has_target_policy and not arguments.gate:
        raise CommandError("there is no target policy; name one with --policy or --config-dir")
    rules = policy_files(settings)().rules if settings.has_target_policy else {}
    listed = [_object(rule, rules, settings) for rule in rules.values()]
    if arguments.gate:
        listed += [
            {"policy": "gate", "rule": r.name, "where": r.where or None, "check": r.text}
            for r in gate_rules(conf).values()
        ]
    with written() as stream:
        if arguments.format == "json":
            lines = ",\n".join(map(as_json, listed))
            stream.write(f'{{"rules": [\n{lines}\n]}}\n')
        else:
            Table(stream).write(("POLICY", "RULE", "PROFILE", "WHERE", "CHECK"), map(_row, listed))
    return DONE


def _object(
    rule: PolicyRule, rules: Mapping[str, PolicyRule], settings: Settings
) -> dict[str, Any]:
    profile = _profile(rule.name, rules)
    return {
        "policy": "target",
        "rule": rule.name,
        "profile": profile,
        "operation": _operation(rule.name),
        "where": shown(str(rule.place)),
        "check": rule.text,
        "asks_what_is_stored": rule.reads_state,
        "observed": any(fnmatchcase(rule.name, p) for p in settings.target_policy_observe),
    }


def _profile(name: str, rules: Mapping[str, PolicyRule]) -> str | None:
    """The profile that a rule is of."""
    if name.startswith(PROFILE):
        return name.removeprefix(PROFILE)
    first = name.partition(":")[0]
    return first if PROFILE + first in rules else None


def _operation(name: str) -> str | None:
    operation = name.partition(":")[2]
    return operation if operation in MUTATIONS else None


def _row(listed: Mapping[str, Any]) -> tuple[str, ...]:
    notes = " (observed)" if listed.get("observed") else ""
    return (
        listed["policy"],
        listed["rule"] + notes,
        listed.get("profile") or "-",
        listed["where"] or "(default)",
        listed["check"] or "(everybody)",
    )
