"""What one side made of a request, as it crosses the pipe."""

from msgspec import Struct

SIDES = ("bare", "guarded")


class Answer(Struct, frozen=True):
    """What one side made of a request. ``added`` and ``removed`` are canonical rows.

    ``raised`` is the exception behind a 5xx, with the place in Placement where it came from.
    ``status`` is 599 where the process hung or died.
    """

    status: int
    headers: dict[str, str]
    body: bytes
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    raised: str = ""

    @property
    def served(self) -> bool:
        return 200 <= self.status < 300

    @property
    def changed(self) -> bool:
        return bool(self.added or self.removed)
