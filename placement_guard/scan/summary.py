"""What a scan did, beside what it found."""

from collections import Counter
from dataclasses import dataclass, field

from placement_guard.scan.kinds import KINDS


@dataclass
class Summary:
    """Filled while the scan goes on; true at every moment of it."""

    complete: bool = False
    """Whether all was read that was to be read."""
    microversion: str = ""
    providers: int = 0
    consumers: int = 0
    requests: int = 0
    gone: int = 0
    """Providers and consumers that were there, and gone when they were looked at."""
    found: Counter[str] = field(default_factory=Counter)
    """How many findings of each kind."""
    not_checked: dict[str, str] = field(default_factory=dict)
    """Why a kind was not looked for, by kind."""
    unanswered: list[str] = field(default_factory=list)
    """What could not be read, with what came instead."""

    def by_severity(self) -> Counter[str]:
        """How many findings of each severity."""
        counts: Counter[str] = Counter()
        for kind, number in self.found.items():
            counts[KINDS[kind].severity.value] += number
        return counts
