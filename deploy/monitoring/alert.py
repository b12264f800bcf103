"""What an alert is: when it fires, who is to come, and what its runbook says."""

from dataclasses import dataclass, field
from typing import Final

JOB: Final = "placement-guard"
"""The name of the scrape job."""

PREFIX: Final = "placement_guard_"

DOCS_URL: Final = "https://docs.example.org/placement-guard"
"""Where the documentation is published, unless you say otherwise."""


@dataclass(frozen=True)
class Alert:
    """An alert, its runbook, and what shows in a test that it fires and that it does not.

    expr
        PromQL; PREFIX and the name of the job are written out.
    for_
        How long it must hold before it fires.
    severity
        ``page`` wakes somebody, ``ticket`` waits for the morning, ``info`` is to be looked at.
    summary
        One line, with the labels of the alert as ``{{ $labels.x }}``.
    means, look, do, harmless
        The runbook: what has happened, where to look (in steps), what to do, when it is nothing.
    fires, quiet
        Series by which it fires at ``at``, with these ``labels``, and by which it does not.
    """

    name: str
    expr: str
    for_: str
    severity: str
    summary: str
    means: str
    look: tuple[str, ...]
    do: str
    harmless: str
    fires: dict[str, str]
    quiet: dict[str, str]
    labels: dict[str, str] = field(default_factory=dict)
    at: str = "30m"

    @property
    def page(self) -> str:
        """The name of its runbook: that of the alert in kebab case, without our own."""
        short = self.name.removeprefix("PlacementGuard")
        return "".join(f"-{c.lower()}" if c.isupper() else c for c in short).lstrip("-")

    def runbook(self, docs_url: str = DOCS_URL) -> str:
        """The address of its runbook."""
        return f"{docs_url.rstrip('/')}/runbooks/{self.page}.html"


def increased(metric: str, by: str, window: str = "15m", where: str = "") -> str:
    """That a counter has risen, by these labels."""
    return f"sum by ({by}) (increase({metric}{{{where}}}[{window}])) > 0"
