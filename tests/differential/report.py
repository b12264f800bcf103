"""The end of a run, for people and for programs."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from tests.differential.campaign import LEAST_SHARE, Case, Tally
from tests.differential.requests import KINDS, to_data
from tests.differential.verdicts import VERDICTS


def summary(tally: Tally, known: set[str], console: Console) -> None:
    """Everything that was counted, as tables. ``known`` are the signatures that are marked open."""
    console.print(_kinds(tally))
    if tally.damages:
        console.print(_counted("damage stored by the bare side", tally.damages))
    console.print(_counted("refusals of the guard, by rule", tally.rules))
    table = Table("verdict", "meaning", "requests", "findings", "known", title="findings")
    for verdict, meaning in VERDICTS.items():
        cases = [case for case in tally.cases.values() if case.finding.verdict == verdict]
        old = sum(case.finding.signature in known for case in cases)
        counts = (tally.verdicts[verdict], len(cases) - old, old)
        table.add_row(verdict, meaning, *map(str, counts))
    console.print(table)
    console.print(
        f"{tally.misbehaved} of {tally.changed} changed requests made the bare side misbehave: "
        f"{tally.share:.1%} (at least {LEAST_SHARE:.0%} is needed)"
    )


def _kinds(tally: Tally) -> Table:
    names = ("requests", "bare served", "bare refused", "bare 5xx", "bare damaged")
    counters = (tally.requests, tally.served, tally.refused, tally.failed, tally.damaged)
    table = Table("kind", *names, title="requests by kind")
    for kind in KINDS:
        table.add_row(kind, *(str(counter[kind]) for counter in counters))
    table.add_section()
    table.add_row("all", *(str(sum(counter.values())) for counter in counters))
    return table


def _counted(title: str, counter: Counter[str]) -> Table:
    table = Table("what", "requests", title=title)
    for name, count in counter.most_common():
        table.add_row(name, str(count))
    return table


def case(found: Case, console: Console) -> None:
    """One finding, with its request."""
    request = found.request
    body = "" if request.body is None else request.body[:400].decode("utf-8", "backslashreplace")
    query = f"?{request.query}" if request.query else ""
    lines = [
        f"{found.finding.verdict}: {VERDICTS[found.finding.verdict]}",
        f"  {request.method} {request.path}{query}"[:400] + f"  (1.{request.minor})",
        *([f"  {body}"] if body else []),
        f"  {found.finding.why[:600]}",
        *([f"  saved as {found.path.name}"] if found.path else []),
    ]
    console.print("\n".join(lines), markup=False, highlight=False, soft_wrap=True)


def data(tally: Tally, **run: Any) -> dict[str, Any]:
    """The same, for programs. ``run`` says what was run."""
    counters = (
        "requests",
        "served",
        "refused",
        "failed",
        "damaged",
        "damages",
        "rules",
        "verdicts",
    )
    return {
        **run,
        **{name: dict(getattr(tally, name)) for name in counters},
        "share": tally.share,
        "findings": [
            {
                "verdict": found.finding.verdict,
                "signature": found.finding.signature,
                "why": found.finding.why,
                "count": found.count,
                "request": to_data(found.request),
                "bare": found.bare.status,
                "guarded": found.guarded.status,
                "raised": found.guarded.raised or found.bare.raised,
            }
            for found in tally.cases.values()
        ],
    }


def write(path: Path, told: dict[str, Any]) -> None:
    path.write_text(json.dumps(told, indent=1) + "\n")
