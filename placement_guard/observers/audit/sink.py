"""Where records go: what each sink must do, and how it says that it cannot."""

from collections.abc import Sequence
from typing import Final, Protocol

from placement_guard.observers.audit.record import Record

NO_SPACE: Final = "no_space"
UNWRITABLE: Final = "unwritable"
UNREACHABLE: Final = "unreachable"
FAILED: Final = "failed"
QUEUE_FULL: Final = "queue_full"
EXIT: Final = "exit"

REASONS: Final = {
    QUEUE_FULL: "More records came than could be written.",
    NO_SPACE: "The disk is full, or a quota or a limit on the size of files is reached.",
    UNWRITABLE: "The file cannot be opened or written.",
    UNREACHABLE: "The message bus does not take notifications.",
    EXIT: "The process ended before they were written.",
    FAILED: "An error of the guard's own; the log has it.",
}
"""Why a record is dropped: every value of the ``reason`` metric label."""


class SinkError(Exception):
    """The sink cannot take records now. The first ``written`` of them are in."""

    def __init__(self, reason: str, text: str, written: int = 0) -> None:
        super().__init__(text)
        self.reason = reason
        self.written = written


class Sink(Protocol):
    """Takes records, in one thread. It may block: no request waits for it."""

    def __call__(self, records: Sequence[Record], /) -> None:
        """Write them, or raise SinkError."""

    def close(self) -> None:
        """Let go of what it holds. It may be called once more, and opens that again."""
