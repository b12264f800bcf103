"""What keeps a replay from being what it was asked for."""

from placement_guard.policy.question import UnevaluableError


class CannotReplayError(Exception):
    """It cannot be done as asked; the text is for the user, a line for each reason."""


class UndecidedError(UnevaluableError):
    """What was recorded does not say, and ``why``. A rule of a policy cannot be evaluated then."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why
