"""What a check of a body or of a query finds."""

from collections import Counter
from collections.abc import Iterable
from typing import Final, NamedTuple

from placement_guard.api.jsonpath import Path

MAX_FINDINGS: Final = 20
"""How many findings by one rule are looked for, and how many of one request are reported."""


class Finding(NamedTuple):
    """One violation: the rule, what is wrong, and where."""

    rule: str
    what: str
    path: Path = ()


def bounded(findings: Iterable[Finding]) -> list[Finding]:
    """At most MAX_FINDINGS by each rule: those of one must not hide those of another."""
    by_rule: Counter[str] = Counter()
    kept = []
    for finding in findings:
        by_rule[finding.rule] += 1
        if by_rule[finding.rule] <= MAX_FINDINGS:
            kept.append(finding)
    return kept
