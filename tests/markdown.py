"""Small pieces of the generated pages."""

from collections.abc import Iterable
from typing import Final

MARK: Final = (
    '<!-- Made by "make samples" (tests/generated.py) from the source. Do not edit. -->\n\n'
)


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A table; its cells are Markdown."""
    titles = list(head)
    lines = [titles, ["---"] * len(titles), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def literals(text: str) -> str:
    """reStructuredText's literals as Markdown's."""
    return text.replace("``", "`")
