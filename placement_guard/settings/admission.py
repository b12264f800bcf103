"""Settings of how writes get to Placement: lanes, limits, rates, resends."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Final

from placement_guard import extras, lanes
from placement_guard.settings.problems import Problem, Range, of_setting

if TYPE_CHECKING:
    from placement_guard.settings import Settings

RANGES: Final[Mapping[str, Range]] = {
    "resend_attempts": Range(1, 50),
    "resend_seconds": Range(0.001, 60, "seconds"),
    "lane_width": Range(1, 64),
    "lane_wait_seconds": Range(0.001, 30, "seconds"),
    "lane_max_waiting": Range(1, 256),
    "limit_claims": Range(0, 64),
    "limit_writes": Range(0, 64),
    "limit_candidates": Range(0, 64),
    "limit_wait_seconds": Range(0.001, 30, "seconds"),
    "limit_max_waiting": Range(1, 256),
    "verify_share": Range(0, 1),
    "breaker_failures": Range(0, 1000),
    "breaker_seconds": Range(0.1, 60, "seconds"),
}
"""The bounds of those that are numbers."""


def problems(settings: "Settings") -> Iterator[Problem]:
    """What is wrong with them, beside numbers out of bounds."""
    if settings.lane_directory and not settings.lane_directory.startswith("/"):
        yield of_setting("lane_directory", "is not an absolute path")
    text = lanes.problem(settings.coordination_url) if settings.coordination_url else None
    if text is not None:
        yield of_setting("coordination_url", text)
    for name in ("user_rate", "project_rate"):
        rate = getattr(settings, name)
        text = extras.rate_problem(rate) if rate else None
        if text is not None:
            yield of_setting(name, text)
