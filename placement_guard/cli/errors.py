"""What keeps a command from doing what it was asked."""


class CommandError(Exception):
    """It cannot be done as asked; the text is for the user, a line for each reason."""


class CannotServeError(CommandError):
    """A server cannot be started as asked."""
