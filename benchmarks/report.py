"""Results: as text, as Markdown, as JSON."""

import os
import platform
from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.timing import Spread

PACKAGES = (
    "placement-guard",
    "openstack-placement",
    "msgspec",
    "orjson",
    "jsonschema",
    "jsonschema-rs",
    "prometheus-client",
    "SQLAlchemy",
)

Cell = str | float | Spread


class Table(NamedTuple):
    """What one benchmark found. ``note`` says what the figures are and in which unit."""

    name: str
    title: str
    note: str
    columns: tuple[str, ...]
    rows: list[tuple[Cell, ...]]


def machine() -> dict[str, str]:
    """What it was measured on."""
    versions = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    return {
        "processor": f"{os.cpu_count()} cores, {_processor()}",
        "Python": f"{platform.python_implementation()} {platform.python_version()}",
        "packages": versions,
    }


def text(tables: Iterable[Table]) -> str:
    """For a terminal."""
    return "\n".join(_as_text(table) for table in tables) + _lines("", machine())


def markdown(tables: Iterable[Table]) -> str:
    """For a page of documentation."""
    return "\n".join(_as_markdown(table) for table in tables) + _lines("- ", machine())


def plain(tables: Iterable[Table]) -> dict[str, Any]:
    """For a program: a spread is ``{"median", "low", "high"}``."""
    return {"machine": machine(), "benchmarks": {t.name: _as_plain(t) for t in tables}}


def _as_text(table: Table) -> str:
    lines = [table.columns, *(tuple(map(_shown, row)) for row in table.rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    shown = (
        "  ".join([line[0].ljust(widths[0]), *map(str.rjust, line[1:], widths[1:])])
        for line in lines
    )
    return f"{table.title}\n\n" + "\n".join(shown) + f"\n\n{table.note}\n"


def _as_markdown(table: Table) -> str:
    rule = ("---", *("--:" for _ in table.columns[1:]))
    lines = [table.columns, rule, *(tuple(map(_shown, row)) for row in table.rows)]
    shown = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    return f"## {table.title}\n\n{table.note}\n\n{shown}\n"


def _as_plain(table: Table) -> dict[str, Any]:
    rows = [
        {
            column: cell._asdict() if isinstance(cell, Spread) else cell
            for column, cell in zip(table.columns, row, strict=True)
        }
        for row in table.rows
    ]
    return {"title": table.title, "note": table.note, "rows": rows}


def _shown(cell: Cell) -> str:
    if isinstance(cell, Spread):
        return f"{_number(cell.median)} ({_number(cell.low)}..{_number(cell.high)})"
    return cell if isinstance(cell, str) else _number(cell)


def _number(value: float) -> str:
    """Three figures, and no more than that of a ratio near 1."""
    if value >= 100:
        return f"{value:.0f}"
    return (
        f"{value:.1f}" if value >= 20 else f"{value:.3f}" if 0.9 < value < 1.1 else f"{value:.2f}"
    )


def _lines(mark: str, pairs: dict[str, str]) -> str:
    return "\n" + "\n".join(f"{mark}{name}: {value}" for name, value in pairs.items()) + "\n"


def _processor() -> str:
    """The model of the processor, where the system says it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
