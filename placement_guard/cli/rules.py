"""``placement-guard rules``: the catalogue, and the modes that a configuration comes to."""

import argparse
import difflib
from typing import Any, Final

from placement_guard.cli.configuration import add_config_dir, settings_of
from placement_guard.cli.errors import CommandError
from placement_guard.cli.output import DONE, FORMATS, Table, as_json, carried_out, written
from placement_guard.rejection import reject
from placement_guard.rules import BY_ID, RULES, Mode, Rule
from placement_guard.settings import Settings
from placement_guard.terminal import RED, YELLOW

PAGE: Final = "docs/rules/{}.md"
"""Where the page of a rule is, in the source of placement-guard."""

_HELP: Final = """\
List the rules by which the guard refuses a request or warns of it, with their modes: the default
one, and the one that a configuration comes to. A rule that is named is told in full.
"""

_ENDING: Final = """\
A sound rule never refuses what Placement would serve correctly; a chosen one refuses what an
operator has written down in a policy; any other one is an opinion. With observe, what would be
enforced warns.

exit code:
  0  done
  2  there is no such rule, or the configuration cannot be used

examples:
  placement-guard rules
  placement-guard rules json.duplicate_key
  placement-guard rules --format json
"""


def add_parser(commands: Any) -> None:
    """Add the subcommand to the parser."""
    parser = commands.add_parser(
        "rules",
        help="list the rules and their modes",
        description=_HELP,
        epilog=_ENDING,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("rules_told", nargs="*", metavar="RULE", help="tell this one in full")
    add_config_dir(parser)
    parser.add_argument("--format", choices=FORMATS, default="table", help="[table]")
    parser.set_defaults(run=carried_out("rules", run))


def run(arguments: argparse.Namespace) -> int:
    """List or tell; returns the exit code. CommandError, ConfigurationError."""
    chosen = [_rule(text) for text in arguments.rules_told]
    settings = settings_of(arguments)
    with written() as stream:
        if arguments.format == "json":
            told = [_object(rule, settings) for rule in chosen or RULES]
            listed = ",\n".join(map(as_json, told))
            stream.write(f'{{"observe": {as_json(settings.observe)}, "rules": [\n{listed}\n]}}\n')
        elif chosen:
            stream.write("\n".join(_in_full(rule, settings) for rule in chosen))
        else:
            modes = settings.modes()
            table = Table(stream, {Mode.ENFORCE: RED, Mode.WARN: YELLOW})
            head = ("RULE", "STAGE", "STATUS", "KIND", "DEFAULT", "MODE", "SINCE", "BECAUSE")
            table.write(head, [_row(rule, modes[rule.id]) for rule in RULES])
    return DONE


def _rule(text: str) -> Rule:
    if text in BY_ID:
        return BY_ID[text]
    near = difflib.get_close_matches(text, BY_ID, n=3)
    hint = f"; did you mean {' or '.join(near)}?" if near else ""
    raise CommandError(f"there is no rule {text}{hint}")


def _kind(rule: Rule) -> str:
    if rule.sound:
        return "sound"
    return "chosen" if rule.chosen else "opinion"


def _row(rule: Rule, mode: Mode) -> tuple[str, ...]:
    return (
        rule.id,
        rule.stage,
        str(rule.status),
        _kind(rule),
        rule.default_mode,
        mode,
        rule.since,
        rule.summary,
    )


def _object(rule: Rule, settings: Settings) -> dict[str, Any]:
    return {
        "rule": rule.id,
        "stage": rule.stage,
        "status": rule.status,
        "code": reject(rule.id).code,
        "kind": _kind(rule),
        "default_mode": rule.default_mode,
        "mode": settings.modes()[rule.id],
        "since": rule.since,
        "because": rule.summary,
        "message": rule.message or None,
        "placement_has_it": rule.placement,
        "asked_after_a_failure": rule.blamed,
        "wrong_pipeline": rule.wrong_pipeline,
        "page": PAGE.format(rule.id),
    }


def _in_full(rule: Rule, settings: Settings) -> str:
    """A paragraph about one rule."""
    whose = "Placement refuses it too, in the same words" if rule.placement else "the guard's only"
    told = {
        "broken": f"because {rule.summary}",
        "stage": rule.stage,
        "status": str(rule.status),
        "code": reject(rule.id).code,
        "whose": whose,
        "kind": _kind(rule),
        "default": str(rule.default_mode),
        "mode": f"{settings.modes()[rule.id]}{_why(rule, settings)}",
        "since": rule.since,
        "asked": "after Placement has failed, to name the cause" if rule.blamed else "",
        "note": "only a wrong pipeline around the guard breaks it" if rule.wrong_pipeline else "",
        "message": rule.message,
        "page": PAGE.format(rule.id),
    }
    width = max(map(len, told))
    lines = [f"  {name.ljust(width)}  {text}" for name, text in told.items() if text]
    return "\n".join([rule.id, *lines, ""])


def _why(rule: Rule, settings: Settings) -> str:
    """Where a mode comes from that is not the default one."""
    said = settings.rules.get(rule.id)
    by = [f"the option rules says {said}"] if said is not None else []
    if settings.observe and (said or rule.default_mode) == Mode.ENFORCE:
        by.append("observe lets it pass")
    return f" ({', '.join(by)})" if by else ""
