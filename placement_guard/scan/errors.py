"""How a scan can end early, and what it can leave out."""


class CannotScanError(Exception):
    """Nothing more can be read; the text is for the user."""


class InterruptedScanError(Exception):
    """Somebody asked it to stop."""


class UnansweredError(Exception):
    """One request got no answer, however often it was sent; the text says what came instead."""


class RefusedError(UnansweredError):
    """Placement answers one request with 400."""


class UnreadableError(Exception):
    """Placement fails on one request, each time; the text says on which, and how."""
