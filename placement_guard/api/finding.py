"""What a check of a body or of a query finds."""

from typing import Final, NamedTuple

from placement_guard.api.jsonpath import Path

MAX_FINDINGS: Final = 20
"""How many findings of one request are reported."""


class Finding(NamedTuple):
    """One violation: the rule, what is wrong, and where."""

    rule: str
    what: str
    path: Path = ()
