"""What differs between two verdicts, and how often, for whom."""

from collections import Counter
from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from msgspec import Struct

from placement_guard.outcome import Ending
from placement_guard.recording.lines import Record
from placement_guard.replay.judge import Decision, Verdict, said_after_placement
from placement_guard.rules import RULES

BLAMED: Final = "blamed"

MAX_GROUPS: Final = 10_000
"""How many groups are told apart; the users and projects of more are put together."""

MAX_EXAMPLES: Final = 3
"""How many request ids a group names."""

OTHERS: Final = "(others)"


class Kind(StrEnum):
    """How two verdicts differ."""

    NEWLY_REFUSED = "newly_refused"
    NEWLY_ALLOWED = "newly_allowed"
    REFUSED_OTHERWISE = "refused_otherwise"
    """By another rule, or by another rule of the policy."""
    NEWLY_WARNED = "newly_warned"
    NO_LONGER_WARNED = "no_longer_warned"
    UNDECIDED = "undecided"


class Change(Struct, frozen=True):
    """One difference; ``rule`` is what makes it, or why it is undecided."""

    kind: Kind
    rule: str
    policy: str = ""


def changes(record: Record, before: Verdict, after: Verdict, *, same: bool) -> list[Change]:
    """What ``after`` says otherwise; ``same`` says that both have the blamed rules in one mode."""
    for verdict in (before, after):
        if verdict.decision is Decision.UNDECIDED:
            return [Change(Kind.UNDECIDED, verdict.why)]
    if after.decision is Decision.REFUSED:
        return _now_refused(record, before, after)
    if before.decision is Decision.REFUSED:
        return [Change(Kind.NEWLY_ALLOWED, before.rule, before.policy)]
    if not same and _after_failure(record):
        return [Change(Kind.UNDECIDED, BLAMED)]
    if before.warnings == after.warnings:
        return []
    more = [Change(Kind.NEWLY_WARNED, r) for r in after.warnings if r not in before.warnings]
    fewer = [Change(Kind.NO_LONGER_WARNED, r) for r in before.warnings if r not in after.warnings]
    return more + fewer


def _now_refused(record: Record, before: Verdict, after: Verdict) -> list[Change]:
    if before.decision is Decision.PASSED and not said_after_placement(record):
        return [Change(Kind.NEWLY_REFUSED, after.rule, after.policy)]
    if (before.rule, before.policy) == (after.rule, after.policy):
        return []
    return [Change(Kind.REFUSED_OTHERWISE, after.rule, after.policy)]


def _after_failure(record: Record) -> bool:
    """Whether a blamed rule may say something of it: Placement has failed."""
    return said_after_placement(record) or record.outcome == Ending.FAILED


def same_blame(one: Mapping[str, str], other: Mapping[str, str]) -> bool:
    """Whether the rules that are asked after Placement has failed have the same modes in both."""
    return all(one.get(rule.id) == other.get(rule.id) for rule in RULES if rule.blamed)


class Group(Struct):
    """Exchanges that changed alike, of one client and operation; request ids of the first."""

    count: int = 0
    examples: list[str] = []


Key = tuple[Kind, str, str, str, str, str]
"""Kind, rule, policy rule, operation, user, project."""


class Differences:
    """The differences of a recording, counted; bounded, however long that is."""

    def __init__(self) -> None:
        self.judged = self.unchanged = 0
        self.by_kind: Counter[Kind] = Counter()
        self.groups: dict[Key, Group] = {}

    def add(self, record: Record, found: list[Change]) -> None:
        self.judged += 1
        if not found:
            self.unchanged += 1
        for kind in {change.kind for change in found}:
            self.by_kind[kind] += 1
        for change in found:
            self._count(record, change)

    def _count(self, record: Record, change: Change) -> None:
        told = record.identity.get
        user = told("user_name") or told("user_id") or "-"
        project = told("project_name") or told("project_id") or "-"
        about = change.kind, change.rule, change.policy, record.operation
        key: Key = (*about, str(user), str(project))
        if key not in self.groups and len(self.groups) >= MAX_GROUPS:
            key = (*about, OTHERS, OTHERS)
        group = self.groups.setdefault(key, Group())
        group.count += 1
        if len(group.examples) < MAX_EXAMPLES:
            group.examples.append(record.id)

    @property
    def changed(self) -> bool:
        """Whether anything that was decided differs."""
        return any(self.by_kind[kind] for kind in Kind if kind is not Kind.UNDECIDED)

    def ordered(self) -> list[tuple[Key, Group]]:
        """The groups: by kind, the largest first."""
        kinds = list(Kind)
        return sorted(
            self.groups.items(), key=lambda item: (kinds.index(item[0][0]), -item[1].count, item[0])
        )
