"""Types of arguments that several commands take."""

import argparse
from typing import Final

from placement_guard.api.operations import FIRST_VERSION, LAST_VERSION, Version, told

VERSIONS: Final = f"{told(FIRST_VERSION)} to {told(LAST_VERSION)}"
"""The microversions that a command takes."""


def microversion(text: str) -> Version:
    """``1.39`` as a version. ArgumentTypeError."""
    major, _, minor = text.partition(".")
    if major == "1" and minor.isdecimal() and minor.isascii() and len(minor) < 4:
        version = 1, int(minor)
        if version <= LAST_VERSION:
            return version
    raise argparse.ArgumentTypeError(f"{text!r} is no microversion from {VERSIONS}")
