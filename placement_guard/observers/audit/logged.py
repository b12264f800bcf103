"""The log as a sink: a line of JSON for each record."""

from collections.abc import Sequence
from typing import Final

from oslo_log import log

from placement_guard.observers.audit.record import Record, line_of

NAME: Final = "placement_guard.audit"
"""The logger, which a logging configuration may send elsewhere."""

LOG = log.getLogger(NAME)


class Logged:
    """Logs each record at INFO; a sink."""

    def __call__(self, records: Sequence[Record]) -> None:
        for record in records:
            LOG.info("%s", line_of(record))

    def close(self) -> None:
        """There is nothing to close."""
