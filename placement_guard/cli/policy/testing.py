"""``placement-guard policy test``: whether a policy decides cases as it is expected to."""

import argparse
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

from msgspec import UNSET, structs
from oslo_config import cfg

from placement_guard.api.operations import LAST_VERSION, Version
from placement_guard.cli.errors import CommandError
from placement_guard.cli.explanation import where
from placement_guard.cli.gate import gate_rules
from placement_guard.cli.output import (
    DONE,
    FORMATS,
    FOUND,
    Table,
    as_json,
    carried_out,
    counted,
    written,
)
from placement_guard.cli.policy.cases import Case, CaseFile, Who
from placement_guard.cli.rehearsing import (
    add_policy,
    body_of,
    configured,
    data_of,
    read_yaml,
    wanted,
    with_policies,
)
from placement_guard.policy.before import unread
from placement_guard.rehearsal import Rehearsal, Rehearsed, Request
from placement_guard.settings import Settings
from placement_guard.terminal import RED, escaped

_HELP: Final = """\
Judge the requests of files of cases, and compare what the policy says with what is expected.
Which policy: that of --policy, that of --config-dir, or else the one that the file names. What is
only observed is judged as if it were enforced.
"""

_ENDING: Final = """\
a file of cases (YAML or JSON):
  policy: [policy.yaml]      # where the policy is, from this file; optional
  who:                       # who asks, by name; optional
    cyborg: {user_name: cyborg, project_name: service, roles: [service]}
  stored:                    # what there is, for rules that ask for it; optional
    providers:
      4e8e5957-649f-477b-9e5b-f1f75b21c03c: {name: compute-1, inventories: {VCPU: {total: 8}}}
    consumers:
      9d5c1f0a-5d0b-4d2f-8c9d-0a4b6f3c7e21: {project_id: demo, user_id: demo, allocations: {}}
  cases:
  - case: cyborg does not write VCPU
    who: cyborg              # or a mapping, as above
    request: PUT /resource_providers/4e8e5957-649f-477b-9e5b-f1f75b21c03c/inventories
    microversion: "1.39"     # optional: the newest
    body: {resource_provider_generation: 1, inventories: {VCPU: {total: 8}}}
    expect: refused          # or allowed
    rule: cyborg:resource_providers:inventories:update   # optional: it must decide

exit code:
  0  all cases are decided as expected
  1  some are not
  2  a file or a policy cannot be used

examples:
  placement-guard policy test cases.yaml
  placement-guard policy test --policy policy.yaml --format json cases.yaml
"""

OK: Final = "ok"
FAILED: Final = "FAILED"


class Tested(NamedTuple):
    """A case, and what came of it: ``got`` is allowed, refused, or why no policy was asked."""

    file: Path
    case: Case
    got: str
    rule: str
    where: str
    why: str

    @property
    def passed(self) -> bool:
        return self.got == self.case.expect and self.case.rule in {None, self.rule}


def add_parser(commands: Any) -> None:
    """Add the subcommand to the parser."""
    parser = commands.add_parser(
        "test",
        help="judge cases with expected verdicts",
        description=_HELP,
        epilog=_ENDING,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("cases", nargs="+", type=Path, metavar="FILE", help="cases, as below")
    add_policy(parser)
    parser.add_argument("--format", choices=FORMATS, default="table", help="[table]")
    parser.set_defaults(run=carried_out("policy test", run))


def run(arguments: argparse.Namespace) -> int:
    """Judge and compare; returns the exit code. CommandError, ConfigurationError."""
    tested: list[Tested] = []
    for path in arguments.cases:
        file: CaseFile = read_yaml(path, CaseFile)
        settings, conf = configured(arguments, arguments.policy)
        if not settings.has_target_policy and file.policy:
            settings = with_policies(settings, file.policies(path))
        tested += _tested(path, file, _enforced(settings), conf)
    failed = [one for one in tested if not one.passed]
    with written() as stream:
        if arguments.format == "json":
            lines = ",\n".join(as_json(_object(one)) for one in tested)
            summary = as_json({"cases": len(tested), "failed": len(failed)})
            stream.write(f'{{"cases": [\n{lines}\n],\n"summary": {summary}}}\n')
        else:
            rows = [(OK if one.passed else FAILED, str(one.file), *_cells(one)) for one in tested]
            head = ("", "FILE", "CASE", "GOT", "BY", "WHERE")
            Table(stream, {FAILED: RED}).write(head, rows)
            for one in failed:
                stream.write(f"\n{escaped(_told(one))}\n")
            stream.write(f"\n{counted(len(tested), 'case')}, {len(failed)} failed.\n")
    return FOUND if failed else DONE


def _enforced(settings: Settings) -> Settings:
    """The settings with nothing that lets pass what the policy refuses."""
    rules = {rule: mode for rule, mode in settings.rules.items() if not rule.startswith("policy.")}
    return structs.replace(settings, observe=False, target_policy_observe=(), rules=rules)


def _tested(
    path: Path, file: CaseFile, settings: Settings, conf: cfg.ConfigOpts | None
) -> Iterator[Tested]:
    rehearsal, gate = Rehearsal(settings, conf), gate_rules(conf)
    for case in file.cases:
        try:
            request = _request(case, file)
        except CommandError as error:
            raise CommandError(f"{path}: {case.case}: {error}") from None
        rehearsed = rehearsal(request)
        got, rule, why = _got(rehearsed)
        at = where(rule, rehearsal.policy_rules) or ""
        if rule in gate:
            at = gate[rule].where or "the defaults"
        yield Tested(path, case, got, rule, at, why)


def _request(case: Case, file: CaseFile) -> Request:
    who = file.who.get(case.who) if isinstance(case.who, str) else case.who
    if not isinstance(who, Who):
        raise CommandError(f"who is {case.who}? The file names {', '.join(file.who) or 'nobody'}")
    version = _version(case.microversion)
    body = None if case.body is UNSET else body_of(case.body)
    meant = wanted(case.request, data_of(body), version)
    return Request(
        method=meant.method,
        path=meant.path,
        query=meant.query,
        who=who.context(),
        version=version,
        body=body,
        stored=case.stored or file.stored or unread,
    )


def _version(text: str | None) -> Version:
    if text is None:
        return LAST_VERSION
    version = 1, int(text.partition(".")[2])
    if version > LAST_VERSION:
        raise CommandError(f"there is no microversion {text}")
    return version


def _got(rehearsed: Rehearsed) -> tuple[str, str, str]:
    """What the policy says, by which of its rules, and why."""
    rejection, judgement = rehearsed.rejection, rehearsed.judgement
    if rejection is None:
        return "allowed", judgement.rule if judgement else "", ""
    why = (rejection.detail.strip().splitlines() or [""])[-1]
    if rejection.rule.id == "policy.forbidden":
        return "refused", rehearsed.exchange.operation.rule or "", why
    if rejection.rule.stage != "target_policy":
        return f"not judged ({rejection.rule.id})", "", why
    return "refused", rejection.policy, why


def _cells(one: Tested) -> tuple[str, ...]:
    return one.case.case, one.got, one.rule or "-", one.where or "-"


def _object(one: Tested) -> Mapping[str, Any]:
    return {
        "file": str(one.file),
        "case": one.case.case,
        "passed": one.passed,
        "expected": one.case.expect,
        "expected_rule": one.case.rule,
        "got": one.got,
        "rule": one.rule or None,
        "where": one.where or None,
        "why": one.why or None,
    }


def _told(one: Tested) -> str:
    by = f" by {one.case.rule}" if one.case.rule else ""
    got = f"{one.got} by {one.rule}" if one.rule else one.got
    why = f": {one.why}" if one.why else ""
    return f"{one.case.case}: expected {one.case.expect}{by}, got {got}{why}"
