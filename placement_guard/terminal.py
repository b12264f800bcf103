"""What is fit to be written to a terminal, whatever it came from, and where colour is wanted."""

import os
from typing import Final, TextIO

RED: Final = "\x1b[31m"
GREEN: Final = "\x1b[32m"
YELLOW: Final = "\x1b[33m"
PLAIN: Final = "\x1b[0m"


def escaped(text: str) -> str:
    r"""``text`` with what is not printable as ``\xNN``, ``\uNNNN`` or ``\UNNNNNNNN``.

    A backslash becomes two, so that nothing can look like an escape that is none.
    """
    return "".join(_escape(letter) for letter in text)


def _escape(letter: str) -> str:
    if letter == "\\":
        return "\\\\"
    if letter.isprintable():
        return letter
    number = ord(letter)
    if number > 0xFFFF:
        return f"\\U{number:08x}"
    return f"\\u{number:04x}" if number > 0xFF else f"\\x{number:02x}"


def wants_colour(stream: TextIO) -> bool:
    """Whether it is a terminal that shows colours, and nobody has said NO_COLOR."""
    plain = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
    return stream.isatty() and not plain


def coloured(text: str, colour: str) -> str:
    """``text`` in this colour; without one, as it is."""
    return f"{colour}{text}{PLAIN}" if colour else text
