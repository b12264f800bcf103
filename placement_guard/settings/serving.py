"""Settings of the listener for metrics and health."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from placement_guard.settings.problems import Problem, of_setting

if TYPE_CHECKING:
    from placement_guard.settings import Settings


def problems(settings: "Settings") -> Iterator[Problem]:
    """What is wrong with its address."""
    port = settings.metrics_port
    if not 0 <= port <= 65535:
        yield of_setting("metrics_port", f"{port} is not a port (0 to 65535, 0 for none)")
    if port and not settings.metrics_host.strip():
        yield of_setting("metrics_host", "is empty; name an address")
