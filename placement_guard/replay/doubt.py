"""Values of which a recording holds no more than a part, and what happens where more is needed.

A stage may take an exception for an answer, so a doubt is put down as well as raised.
"""

from typing import Any, Final, NoReturn

from placement_guard.recording.hiding import HIDDEN, is_plain
from placement_guard.replay.errors import UndecidedError

HIDDEN_VALUE, NO_BODY, UNREAD = "hidden_value", "body_left_out", "body_not_read"


class Doubts:
    """The doubts of one exchange, and the values of it that are hidden."""

    def __init__(self) -> None:
        self.why = ""
        self.hidden: set[str] = set()

    def clear(self) -> None:
        self.why = ""
        self.hidden.clear()

    def doubt(self, why: str) -> NoReturn:
        """Put down that what was asked cannot be told, and end it."""
        self.why = self.why or why
        raise UndecidedError(why)

    def veiled(self, text: str) -> "Veiled":
        self.hidden.add(text)
        found = Veiled(text)
        found.doubts = self
        return found

    def veil(self, value: Any) -> Any:
        """The shape of a document as stages may look at it: what is hidden gives itself away."""
        if isinstance(value, dict):
            if value.keys() == {HIDDEN}:
                return Magnitude(self)
            return {self._string(k): self.veil(v) for k, v in value.items()}
        if isinstance(value, list):
            return [self.veil(item) for item in value]
        return self._string(value) if isinstance(value, str) else value

    def _string(self, text: str) -> str:
        return text if is_plain(text) else self.veiled(text)


class Veiled(str):
    """A hidden name: it equals what was hidden the same way; to compare it with more is a doubt."""

    __slots__ = ("doubts",)
    doubts: Doubts

    __hash__ = str.__hash__

    def __str__(self) -> str:
        return self

    def __eq__(self, other: object) -> bool:
        if str.__eq__(self, other) is True:
            return True
        if not isinstance(other, str) or other in self.doubts.hidden:
            return False
        return self.doubts.doubt(HIDDEN_VALUE)

    def __ne__(self, other: object) -> bool:
        return not self == other


class Magnitude:
    """A number of which only the magnitude is known: to use it is a doubt."""

    def __init__(self, doubts: Doubts) -> None:
        self._doubts = doubts

    def _doubt(self, *_: object) -> NoReturn:
        self._doubts.doubt(HIDDEN_VALUE)

    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = _doubt
    __lt__ = __le__ = __gt__ = __ge__ = __int__ = __float__ = __index__ = _doubt
    __truediv__ = __rtruediv__ = __bool__ = _doubt
    __eq__ = __ne__ = _doubt
    __hash__ = None  # type: ignore[assignment]


class Missing:
    """In place of a document or of a body that is not there: to look into it is a doubt."""

    def __init__(self, doubts: Doubts, why: str) -> None:
        self._told: Final = (doubts, why)

    def _doubt(self, *_: object) -> NoReturn:
        doubts, why = self._told
        doubts.doubt(why)

    def __getattr__(self, _name: str) -> NoReturn:
        self._doubt()

    __getitem__ = __iter__ = __len__ = __contains__ = __bool__ = _doubt
