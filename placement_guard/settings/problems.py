"""What can be wrong with settings, and how it is told."""

from collections.abc import Iterable
from typing import NamedTuple

from msgspec import Struct


class Range(NamedTuple):
    """The values that a number may have, both ends included, and their unit."""

    least: float
    most: float
    unit: str = ""

    def __str__(self) -> str:
        return f"{self.least} and {self.most} {self.unit}".rstrip()


class Problem(Struct, frozen=True):
    """One thing wrong with the configuration; ``id`` never changes its meaning."""

    id: str
    option: str
    text: str

    def __str__(self) -> str:
        return f"{self.id}: [placement_guard] {self.option}: {self.text}"


class ConfigurationError(Exception):
    """The configuration cannot be used. ``problems`` holds everything wrong with it."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(map(str, self.problems)))


def of_setting(name: str, text: str) -> Problem:
    """What is wrong with the value of one setting."""
    return Problem(f"settings.{name}", name, text)
