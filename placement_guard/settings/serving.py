"""Settings of the listener for metrics and health, and of traces."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Final

from placement_guard.extras import traces_problem
from placement_guard.settings.problems import Problem, Range, of_setting

if TYPE_CHECKING:
    from placement_guard.settings import Settings


RANGES: Final[Mapping[str, Range]] = {"traces_share": Range(0, 1)}
"""The bounds of those that are numbers."""


def problems(settings: "Settings") -> Iterator[Problem]:
    """What is wrong with addresses."""
    port = settings.metrics_port
    if not 0 <= port <= 65535:
        yield of_setting("metrics_port", f"{port} is not a port (0 to 65535, 0 for none)")
    if port and not settings.metrics_host.strip():
        yield of_setting("metrics_host", "is empty; name an address")
    wrong = traces_problem(settings.traces) if settings.traces else None
    if wrong is not None:
        yield of_setting("traces", wrong)
