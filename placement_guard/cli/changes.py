"""Writes what a replay found: a table for people, JSON for programs."""

from collections import Counter
from collections.abc import Mapping
from typing import Any, Final, TextIO

from placement_guard.cli.output import Table, as_json, counted
from placement_guard.replay.differences import Differences, Group, Key, Kind
from placement_guard.terminal import GREEN, RED, YELLOW

_COLOURS: Final = {
    Kind.NEWLY_REFUSED.value: RED,
    Kind.NEWLY_ALLOWED.value: GREEN,
    Kind.UNDECIDED.value: YELLOW,
}

_HEAD: Final = ("CHANGE", "COUNT", "RULE", "OPERATION", "USER", "PROJECT", "FOR EXAMPLE")

MAX_ROWS: Final = 100
"""How many groups a table shows."""

MAX_CELL: Final = 72
"""How wide a column gets (characters), but for the last."""


def write_table(stream: TextIO, differences: Differences, skipped: Mapping[str, int]) -> None:
    """A line a group, then how many there are of each kind."""
    ordered = differences.ordered()
    rows = [_cells(key, group) for key, group in ordered[:MAX_ROWS]]
    Table(stream, _COLOURS).write(_HEAD, rows)
    if len(ordered) > MAX_ROWS:
        stream.write(f"... and {len(ordered) - MAX_ROWS} more; --format json has them\n")
    stream.write(("\n" if rows else "") + told(differences, skipped) + "\n")


def _cells(key: Key, group: Group) -> tuple[str, ...]:
    kind, rule, policy, operation, user, project = key
    named = f"{rule} ({policy})" if policy else rule
    cells = (kind.value, str(group.count), named, operation, user, project)
    return (*map(_short, cells), group.examples[0])


def _short(text: str) -> str:
    return text if len(text) <= MAX_CELL else text[: MAX_CELL - 3] + "..."


def told(differences: Differences, skipped: Mapping[str, int]) -> str:
    """The counts, in a sentence or two."""
    seen = differences.by_kind
    counts = [f"{seen[kind]} {kind.value}" for kind in Kind if seen[kind]]
    judged = counted(differences.judged, "exchange")
    found = f"{judged} judged: {differences.unchanged} unchanged"
    left = sum(skipped.values())
    lines = f" {left} lines were no records ({_counts(skipped)})." if left else ""
    return ", ".join([found, *counts]) + "." + lines


def _counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{number} {name}" for name, number in sorted(counts.items()))


def write_json(
    stream: TextIO, differences: Differences, skipped: Mapping[str, int], *, complete: bool
) -> None:
    """One object: ``summary``, ``rules`` and ``groups``."""
    by_rule: dict[str, Counter[str]] = {}
    groups: list[dict[str, Any]] = []
    for (kind, rule, policy, operation, user, project), group in differences.ordered():
        by_rule.setdefault(kind.value, Counter())[rule] += group.count
        groups.append({
            "change": kind.value,
            "rule": rule,
            "policy": policy,
            "operation": operation,
            "user": user,
            "project": project,
            "count": group.count,
            "examples": group.examples,
        })  # fmt: skip
    summary = {
        "complete": complete,
        "judged": differences.judged,
        "unchanged": differences.unchanged,
        **{kind.value: differences.by_kind[kind] for kind in Kind},
        "skipped": dict(sorted(skipped.items())),
    }
    found = {"summary": summary, "rules": by_rule, "groups": groups}
    stream.write(as_json(found, indent=2) + "\n")
