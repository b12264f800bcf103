"""The figures as one picture: what a request takes with the guard, of what it takes without."""

from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

from benchmarks.report import Table, machine
from benchmarks.timing import Spread

FASTER, EVEN, SLOWER = "#2a7a3f", "#6b7280", "#b45309"
"""Under 0.98 of bare, in between, and over 1.02. All of them are readable on white."""

WIDTH = 9.0
"""Inches, of 72 points each; heights likewise."""

ROW = 0.24


def chart(tables: list[Table], path: Path) -> bool:
    """Draw what is among ``tables`` into an SVG file; false where there is nothing to draw."""
    found = {table.name: table for table in tables}
    requests = found.get("overhead")
    workers = found.get("workers")
    panels = [table for table in (requests, workers) if table is not None and table.rows]
    if not panels:
        return False
    heights = [1.0 + ROW * len(table.rows) for table in panels]
    # Text stays text, and the same figures make the same file.
    mpl.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "placement-guard"})
    figure = Figure(figsize=(WIDTH, sum(heights) + 0.5), layout="constrained", facecolor="white")
    FigureCanvasSVG(figure)
    axes = figure.subplots(len(panels), 1, squeeze=False, height_ratios=heights)[:, 0]
    for each, table in zip(axes, panels, strict=True):
        _bars(each, *(_times(table) if table is requests else _rates(table)))
    described = machine()
    figure.suptitle("A guarded Placement in multiples of a bare one", fontsize=13)
    figure.supxlabel(f"{described['processor']}, Python {described['Python']}", fontsize=8)
    figure.savefig(path, format="svg", metadata={"Date": None})
    return True


def _times(table: Table) -> tuple[str, list[str], list[Spread], bool]:
    column = table.columns.index("guarded / bare")
    rows = [(str(row[0]), row[column]) for row in table.rows]
    return (
        "Time of a request: less is faster",
        [name for name, _ in rows],
        [ratio for _, ratio in rows if isinstance(ratio, Spread)],
        True,
    )


def _rates(table: Table) -> tuple[str, list[str], list[Spread], bool]:
    column = table.columns.index("guarded / bare")
    names = ["1 client" if row[0] == 1 else f"{row[0]:.0f} clients" for row in table.rows]
    found: list[Any] = [row[column] for row in table.rows]
    return "Requests per second, two uWSGI workers: more is faster", names, found, False


def _bars(axes: Axes, title: str, names: list[str], found: list[Spread], less: bool) -> None:  # noqa: FBT001
    places = range(len(names))
    middle = [spread.median for spread in found]
    axes.barh(places, middle, color=[_colour(value, less) for value in middle], height=0.7)
    whiskers = [
        [max(0.0, spread.median - spread.low) for spread in found],
        [max(0.0, spread.high - spread.median) for spread in found],
    ]
    axes.errorbar(
        middle, places, xerr=whiskers, fmt="none", ecolor="black", elinewidth=0.8, capsize=2
    )
    axes.axvline(1.0, color="black", linewidth=1, linestyle="--")
    for place, spread in zip(places, found, strict=True):
        axes.text(spread.high + 0.015, place, f"{spread.median:.2f}", va="center", fontsize=8)
    axes.set_yticks(places, names, fontsize=8)
    axes.invert_yaxis()
    axes.set_xlim(0, max(spread.high for spread in found) + 0.15)
    axes.tick_params(axis="x", labelsize=8)
    axes.set_title(title, fontsize=10, loc="left")
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)


def _colour(value: float, less: bool) -> str:  # noqa: FBT001
    if 0.98 <= value <= 1.02:
        return EVEN
    return FASTER if (value < 1) == less else SLOWER
