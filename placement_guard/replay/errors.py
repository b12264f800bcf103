"""What keeps a replay from being what it was asked for."""


class CannotReplayError(Exception):
    """It cannot be done as asked; the text is for the user, a line for each reason."""


class UndecidedError(Exception):
    """What was recorded does not say; ``why`` is one of WHYS."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why
