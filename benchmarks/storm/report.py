"""What a run found: a table for a terminal, plain data for a program."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from statistics import median, quantiles
from typing import Any

import msgspec
from rich.console import Console
from rich.table import Table

from benchmarks.report import machine
from benchmarks.storm.judged import Judged

MAX_TOLD = 400
"""How much of one fault (characters) is shown; all of it is in the JSON."""

Rounds = Sequence[Judged]
Results = Mapping[str, Rounds]
"""The rounds of each side, by its name."""


def show(name: str, results: Results, console: Console) -> None:
    """A column for each side, and what was told of what should not have happened."""
    table = Table(title=name)
    table.add_column("")
    for side in results:
        table.add_column(side, justify="right")
    for section in (_wrongs(results), _kinds(results), _speeds(results)):
        for label, cells in section:
            table.add_row(label, *cells)
        table.add_section()
    console.print(table)
    for side, rounds in results.items():
        told = Counter(text for judged in rounds for text in judged.told)
        for text, times in told.most_common(5):
            shown = text if len(text) <= MAX_TOLD else f"{text[:MAX_TOLD]} ..."
            console.print(f"{side}, in {times} rounds: {shown}", markup=False, soft_wrap=True)


def plain(results: Mapping[str, Results], settings: Mapping[str, Any]) -> dict[str, Any]:
    """For a program: every round, with its latencies."""
    return {
        "machine": machine(),
        "settings": dict(settings),
        "databases": {
            name: {side: msgspec.to_builtins(rounds) for side, rounds in sides.items()}
            for name, sides in results.items()
        },
    }


def percentile(values: Iterable[float], part: int) -> float:
    """Of seconds, in milliseconds."""
    listed = list(values)
    if len(listed) < 2:
        return sum(listed) * 1000
    return quantiles(listed, n=100, method="inclusive")[part - 1] * 1000


_Row = tuple[str, list[str]]


def _rows(results: Results, rows: dict[str, Callable[[Rounds], str]]) -> list[_Row]:
    return [(label, [tell(rounds) for rounds in results.values()]) for label, tell in rows.items()]


def _wrongs(results: Results) -> list[_Row]:
    """Sums over the rounds, and in how many rounds."""
    rows: dict[str, Callable[[Rounds], str]] = {"rounds": lambda rounds: str(len(rounds))}
    every = [judged for rounds in results.values() for judged in rounds]
    if all(judged.usage for judged in every):
        rows["VCPU in use, of so many"] = _usage
    for name in ("wrong", "noted"):
        for what in dict.fromkeys(what for judged in every for what in getattr(judged, name)):
            rows[what] = partial(_count, name, what)
    return _rows(results, rows)


def _usage(rounds: Rounds) -> str:
    usages = [judged.usage for judged in rounds if judged.usage]
    return f"{min(used for used, _ in usages)}..{max(used for used, _ in usages)} of {usages[0][1]}"


def _count(name: str, what: str, rounds: Rounds) -> str:
    numbers = [getattr(judged, name).get(what, 0) for judged in rounds]
    found = sum(number > 0 for number in numbers)
    return f"{sum(numbers)} (in {found} rounds)" if found else "0"


def _kinds(results: Results) -> list[_Row]:
    """How the claims were answered."""
    found = {
        side: sum((Counter(judged.kinds) for judged in rounds), Counter())
        for side, rounds in results.items()
    }
    kinds = sum(found.values(), Counter())
    rows = [
        (f"answers: {kind}", [str(found[side][kind]) for side in results])
        for kind, _ in kinds.most_common()
    ]
    if any(judged.killed for rounds in results.values() for judged in rounds):
        rows.append(("workers killed", [str(sum(j.killed for j in r)) for r in results.values()]))
    return rows


def _speeds(results: Results) -> list[_Row]:
    """Medians of the rounds (lowest..highest), and percentiles of all claims."""
    rows: dict[str, Callable[[Rounds], str]] = {
        "acknowledged per second": lambda rounds: _rate(
            [j.acknowledged_per_second for j in rounds]
        ),
        "answered per second": lambda rounds: _rate([j.answered_per_second for j in rounds]),
        "requests for a claim": lambda rounds: (
            f"{sum(j.attempts for j in rounds) / max(1, len(_latencies(rounds))):.2f}"
        ),
        "p50, p99, longest claim (ms)": lambda rounds: (
            f"{percentile(_latencies(rounds), 50):.0f}, {percentile(_latencies(rounds), 99):.0f}, "
            f"{max(_latencies(rounds), default=0) * 1000:.0f}"
        ),
        "served, by worker (least..most)": _fairness,
    }
    if any(judged.reads for rounds in results.values() for judged in rounds):
        rows["reads per second, p99 (ms)"] = _reads
    return _rows(results, rows)


def _fairness(rounds: Rounds) -> str:
    """The fewest and the most that one worker made of the claims that were served first."""
    workers = [sum(counts) for counts in zip(*(j.served_by for j in rounds), strict=True)]
    return f"{min(workers)}..{max(workers)}"


def _reads(rounds: Rounds) -> str:
    reads = [seconds for judged in rounds for seconds in judged.reads]
    lasted = sum(len(j.latencies) / j.answered_per_second for j in rounds if j.latencies)
    return f"{len(reads) / lasted:.1f}, {percentile(reads, 99):.0f}" if reads else ""


def _latencies(rounds: Rounds) -> list[float]:
    return [seconds for judged in rounds for seconds in judged.latencies]


def _rate(values: list[float]) -> str:
    return f"{median(values):.1f} ({min(values):.1f}..{max(values):.1f})"
