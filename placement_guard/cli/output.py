"""The manners that all commands share: what they write where, and how they end."""

import contextlib
import json
import os
import sys
from argparse import Namespace
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, TextIO

from placement_guard.cli.errors import CommandError
from placement_guard.settings import ConfigurationError
from placement_guard.terminal import coloured, escaped, wants_colour

DONE: Final = 0
FOUND: Final = 1
CANNOT: Final = 2
"""The exit codes: done, and nothing found; something found; it cannot be done as asked."""

FORMATS: Final = ("table", "json")

Run = Callable[[Namespace], int]


def carried_out(command: str, do: Run) -> Run:
    """``do``; what keeps it from being done is told to the user, and ends with CANNOT."""

    def run(arguments: Namespace) -> int:
        try:
            return do(arguments)
        except (CommandError, ConfigurationError) as error:
            complain(command, str(error))
        except KeyboardInterrupt:
            complain(command, "interrupted")
        return CANNOT

    return run


def complain(command: str, text: str) -> None:
    """Tell the user on standard error, a line for each reason; it may come from anywhere."""
    for line in text.splitlines():
        print(f"placement-guard {command}: {escaped(line)}", file=sys.stderr)


@contextlib.contextmanager
def written() -> Iterator[TextIO]:
    """Standard output, for a report. CommandError where nobody takes it any more."""
    # Not every terminal and not every file takes every letter that can be printed.
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        yield sys.stdout
        sys.stdout.flush()
    except OSError as error:  # the reader of the report went away, or the disk is full
        # Whatever is left in the buffer has nowhere to go.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise CommandError(f"the report cannot be written ({error.strerror})") from None


def as_json(value: Any, *, indent: int | None = None) -> str:
    """JSON that every terminal and every parser takes: ASCII, and no NaN."""
    return json.dumps(value, ensure_ascii=True, allow_nan=False, indent=indent)


class Table:
    """Lines with aligned cells. What is in them may come from anywhere.

    ``colours`` holds the colour of each cell that says just this; it is used where it is wanted.
    """

    def __init__(self, stream: TextIO, colours: Mapping[str, str] | None = None) -> None:
        self._stream = stream
        self._colours = (colours or {}) if wants_colour(stream) else {}

    def write(self, head: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
        """The whole table; nothing where there are no rows."""
        lines = [tuple(map(escaped, row)) for row in rows]
        if not lines:
            return
        widths = [max(map(len, column)) for column in zip(head, *lines, strict=True)]
        for line in (head, *lines):
            cells = (self._cell(text, width) for text, width in zip(line, widths, strict=True))
            self._stream.write("  ".join(cells).rstrip() + "\n")

    def _cell(self, text: str, width: int) -> str:
        return coloured(text, self._colours.get(text, "")) + " " * (width - len(text))


def counted(number: int, what: str) -> str:
    """``1 file``, ``2 files``."""
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
