"""Writes the differences: a table for people, JSON for programs."""

import json
from collections import Counter
from typing import Any, Final, TextIO

from placement_guard.replay.differences import Differences, Group, Key, Kind
from placement_guard.terminal import escaped

_COLOURS: Final = {
    Kind.NEWLY_REFUSED: "\x1b[31m",
    Kind.NEWLY_ALLOWED: "\x1b[32m",
    Kind.UNDECIDED: "\x1b[33m",
}
_NO_COLOUR: Final = "\x1b[0m"

_HEAD: Final = ("CHANGE", "COUNT", "RULE", "OPERATION", "USER", "PROJECT", "FOR EXAMPLE")

MAX_ROWS: Final = 100
"""How many groups a table shows."""

MAX_CELL: Final = 48
"""How wide a column gets (characters), but for the last."""


def table(differences: Differences, skipped: Counter[str], out: TextIO, *, colour: bool) -> None:
    """A line a group, then how many there are of each kind."""
    ordered = differences.ordered()
    rows = [_cells(key, group) for key, group in ordered[:MAX_ROWS]]
    lines = [_HEAD, *rows] if rows else []
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for number, cells in enumerate(lines):
        padded = [cell.ljust(width) for cell, width in zip(cells, widths, strict=True)]
        if colour and number:
            begin = _COLOURS.get(Kind(cells[0]), "")
            padded[0] = f"{begin}{padded[0]}{_NO_COLOUR}" if begin else padded[0]
        out.write("  ".join(padded).rstrip() + "\n")
    if len(ordered) > MAX_ROWS:
        out.write(f"... and {len(ordered) - MAX_ROWS} more; --format json has them\n")
    out.write(("\n" if rows else "") + told(differences, skipped) + "\n")


def _cells(key: Key, group: Group) -> tuple[str, ...]:
    kind, rule, policy, operation, user, project = key
    named = f"{rule} ({policy})" if policy else rule
    cells = (kind.value, str(group.count), named, operation, user, project)
    return (*(_short(escaped(cell)) for cell in cells), escaped(group.examples[0]))


def _short(text: str) -> str:
    return text if len(text) <= MAX_CELL else text[: MAX_CELL - 3] + "..."


def told(differences: Differences, skipped: Counter[str]) -> str:
    """The counts, in a sentence or two."""
    seen = differences.by_kind
    counts = [f"{seen[kind]} {kind.value}" for kind in Kind if seen[kind]]
    found = f"{differences.judged} exchanges judged: {differences.unchanged} unchanged"
    left = sum(skipped.values())
    lines = f" {left} lines were no records ({_counts(skipped)})." if left else ""
    return ", ".join([found, *counts]) + "." + lines


def _counts(counts: Counter[str]) -> str:
    return ", ".join(f"{number} {name}" for name, number in sorted(counts.items()))


def document(
    differences: Differences, skipped: Counter[str], out: TextIO, *, complete: bool
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
    json.dump({"summary": summary, "rules": by_rule, "groups": groups}, out, indent=1)
    out.write("\n")
