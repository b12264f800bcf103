"""What keeps a command from doing what it was asked."""


class CannotServeError(Exception):
    """It cannot be started as asked; the text is for the user, a line for each reason."""
