"""Processes that are started by the thousand requests, and measured by what they answer."""

import os
from typing import Final

COVERAGE: Final = "COVERAGE_PROCESS_CONFIG"
"""By this variable coverage is measured in a process that a test starts; it halves its speed."""


def environ() -> dict[str, str]:
    """The environment for a process whose coverage is not measured."""
    return {name: value for name, value in os.environ.items() if name != COVERAGE}
