"""From findings to a verdict: what is refused, what is only warned of, what nobody asks about."""

from collections.abc import Iterable

from placement_guard.api.finding import MAX_FINDINGS, Finding
from placement_guard.api.jsonpath import json_path
from placement_guard.exchange import Exchange
from placement_guard.rejection import Rejection, reject
from placement_guard.rules import BY_ID, Mode, Modes


def verdict(
    exchange: Exchange, findings: Iterable[Finding], modes: Modes, lead: str
) -> Exchange | Rejection:
    """The exchange with a warning for each rule in mode warn, or a rejection by those enforced.

    A rejection is by the rule of the first finding, and reports the others with it, each with its
    JSON path; ``lead`` is its first line.
    """
    refused: list[Finding] = []
    warned: dict[str, Finding] = {}
    for finding in findings:
        if modes[finding.rule] is Mode.ENFORCE:
            refused.append(finding)
        elif modes[finding.rule] is Mode.WARN:
            warned.setdefault(finding.rule, finding)
    if refused:
        return _rejection(refused[:MAX_FINDINGS], lead)
    return exchange.warned(*(_rejection([finding], lead) for finding in warned.values()))


def _rejection(findings: list[Finding], lead: str) -> Rejection:
    first = findings[0]
    path = json_path(first.path)
    if BY_ID[first.rule].placement:
        return reject(first.rule, first.what, path)
    # A line each; the last line of a detail is what some clients show.
    lines = [f"{finding.what}: {json_path(finding.path)}" for finding in findings]
    return reject(first.rule, "\n".join([lead, *lines]), path)
