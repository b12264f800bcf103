"""Where records go: what each sink must do, and how it says that it cannot."""

from collections.abc import Callable, Sequence
from typing import Final, Generic, NamedTuple, Protocol, TypeVar

NO_SPACE: Final = "no_space"
UNWRITABLE: Final = "unwritable"
UNREACHABLE: Final = "unreachable"
NOT_ENCODABLE: Final = "not_encodable"
FAILED: Final = "failed"
QUEUE_FULL: Final = "queue_full"
EXIT: Final = "exit"

REASONS: Final = {
    QUEUE_FULL: "More records came than could be written.",
    NO_SPACE: "The disk is full, or a quota or a limit on the size of files is reached.",
    UNWRITABLE: "The file cannot be opened or written.",
    UNREACHABLE: "The message bus does not take notifications.",
    NOT_ENCODABLE: "The record cannot be put into a line.",
    EXIT: "The process ended before they were written.",
    FAILED: "An error of the guard's own; the log has it.",
}
"""Why a record is dropped: every value of the ``reason`` metric label."""

OF_ANY: Final = (QUEUE_FULL, EXIT, NOT_ENCODABLE, FAILED)
"""The reasons that any sink may have."""

OF_FILE: Final = (*OF_ANY, NO_SPACE, UNWRITABLE)
"""Those of a file."""

Item = TypeVar("Item")
Written = TypeVar("Written")
Taken_contra = TypeVar("Taken_contra", contravariant=True)


class SinkError(Exception):
    """The sink cannot take records now. The first ``written`` of them are in."""

    def __init__(self, reason: str, text: str, written: int = 0) -> None:
        super().__init__(text)
        self.reason = reason
        self.written = written


class Sink(Protocol[Taken_contra]):
    """Takes records as they were encoded, in one thread. It may block: no request waits for it."""

    def __call__(self, records: Sequence[Taken_contra], /) -> None:
        """Write them, or raise SinkError."""

    def close(self) -> None:
        """Let go of what it holds. It may be called once more, and opens that again."""


class Way(NamedTuple, Generic[Item, Written]):
    """Where records go, and how.

    what, name
        What the log calls them, and the sink.
    make
        Makes the sink, in the thread that will use it.
    encode
        Makes of a record what the sink takes, in the same thread. What it raises costs that record.
        It must not hold the queue, or both stay for ever.
    """

    what: str
    name: str
    make: Callable[[], Sink[Written]]
    encode: Callable[[Item], Written]
