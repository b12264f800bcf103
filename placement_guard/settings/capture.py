"""Settings of the recording."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Final

from placement_guard.settings.problems import Problem, Range, of_setting

if TYPE_CHECKING:
    from placement_guard.settings import Settings

BODIES: Final = ("whole", "shape", "none")
"""What can be recorded of a body."""

RANGES: Final[Mapping[str, Range]] = {
    "capture_max_bytes": Range(1024 * 1024, 1024**4, "bytes"),
    "capture_kept_files": Range(0, 1000),
}
"""The bounds of those that are numbers."""


def problems(settings: "Settings") -> Iterator[Problem]:
    """What is wrong with them, beside numbers out of bounds."""
    if settings.capture_file and not settings.capture_file.startswith("/"):
        yield of_setting("capture_file", "is not an absolute path")
    if settings.capture_bodies not in BODIES:
        text = f"{settings.capture_bodies!r} is none of {', '.join(BODIES)}"
        yield of_setting("capture_bodies", text)
