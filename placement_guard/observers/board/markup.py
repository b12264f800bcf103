"""Pieces of HTML. What is put in as text is escaped; what is said to be HTML is not."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from html import escape
from typing import Any

Row = Sequence[tuple[str, str]]
"""Cells: HTML, and the class of each."""


def table(caption: str, head: Sequence[str], rows: Iterable[Row]) -> str:
    """On a narrow screen each row is a card. The roles keep it a table for who does not see it."""
    names = "".join(f'<th scope="col" role="columnheader">{name}</th>' for name in head)
    body = "".join(
        '<tr role="row">'
        + "".join(
            f'<td role="cell" class="{kind}" data-label="{name}">{cell}</td>'
            for name, (cell, kind) in zip(head, row, strict=True)
        )
        + "</tr>"
        for row in rows
    )
    return (
        f'<table class="cards" role="table"><caption>{escape(caption)}</caption>'
        f'<thead role="rowgroup"><tr role="row">{names}</tr></thead>'
        f'<tbody role="rowgroup">{body}</tbody></table>'
    )


def text(value: Any) -> str:
    """As text."""
    return escape("" if value is None else str(value))


def moment(at: float, *, date: bool = False) -> str:
    """A moment (Unix seconds), in UTC."""
    when = datetime.fromtimestamp(at, UTC)
    shown = when.strftime("%Y-%m-%d %H:%M:%S" if date else "%H:%M:%S")
    return f'<time datetime="{when.isoformat(timespec="seconds")}">{shown}</time>'


def mark(good: bool, yes: str, no: str) -> str:  # noqa: FBT001
    """HTML of something that is as it should be, or not."""
    return f'<span class="good">{yes}</span>' if good else f'<span class="rejected">{no}</span>'
