"""Who is told of each finished exchange: metrics, logs and audit."""

from typing import Protocol

from placement_guard.exchange import Exchange
from placement_guard.outcome import Outcome
from placement_guard.rejection import Rejection


class Observer(Protocol):
    """Gets every exchange once it has ended."""

    def __call__(
        self,
        exchange: Exchange,
        outcome: Outcome,
        rejection: Rejection | None,
        /,
    ) -> None:
        """``rejection`` refused the request; the exchange has the warnings."""
