"""The log as a sink: a line of JSON for each record."""

from collections.abc import Sequence
from typing import Final

from oslo_log import log

NAME: Final = "placement_guard.audit"
"""The logger, which a logging configuration may send elsewhere."""

LOG = log.getLogger(NAME)


class Logged:
    """Logs each line at INFO; a sink."""

    def __call__(self, records: Sequence[str]) -> None:
        for line in records:
            LOG.info("%s", line)

    def close(self) -> None:
        """There is nothing to close."""
