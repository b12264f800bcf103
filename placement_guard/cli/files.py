"""Files that commands read, standard input among them."""

import sys
from pathlib import Path
from typing import Final

from placement_guard.cli.errors import CommandError

STANDARD_INPUT: Final = "-"
"""The name that stands for it."""


def read_bytes(name: str, most: int) -> bytes:
    """As much of a file as ``most`` bytes. CommandError."""
    try:
        return opened(name, most)
    except (OSError, ValueError) as error:
        raise CommandError(f"{name} cannot be read ({why(error)})") from None


def opened(name: str, most: int) -> bytes:
    """The same; raises what Python raises."""
    if name == STANDARD_INPUT:
        return sys.stdin.buffer.read(most)
    with Path(name).open("rb") as file:
        return file.read(most)


def why(error: Exception) -> str:
    """What is wrong with a file, in a few words."""
    return getattr(error, "strerror", None) or str(error)
