"""The runbooks, as pages of the documentation."""

from typing import Final

from deploy.monitoring.alert import Alert
from deploy.monitoring.prometheus import ALERTS

FOLDER: Final = "docs/runbooks"

_SEVERITIES: Final = {
    "page": "somebody is woken",
    "ticket": "somebody looks at it in the morning",
    "info": "to be seen, where one looks",
}


def page(alert: Alert) -> str:
    """The runbook of an alert, without the mark of a generated page."""
    steps = "\n".join(f"{number}. {step}" for number, step in enumerate(alert.look, 1))
    waits = f"for {alert.for_}" if alert.for_ != "0m" else "at once"
    return (
        f"# {alert.name}\n\n{alert.means}\n\n"
        f"Severity `{alert.severity}`: {_SEVERITIES[alert.severity]}. It fires {waits} when:\n\n"
        f"```text\n{alert.expr}\n```\n\n"
        f"## Look\n\n{steps}\n\n## Do\n\n{alert.do}\n\n## When it is nothing\n\n{alert.harmless}\n"
    )


def index() -> str:
    """The table of all alerts, with links to their runbooks."""
    rows = [
        f"| [{alert.name}]({alert.page}.md) | {alert.severity} | "
        + alert.summary.replace("{{ $labels.", "*").replace(" }}", "*")
        + " |"
        for alert in ALERTS
    ]
    names = "\n".join(sorted(alert.page for alert in ALERTS))
    return (
        "# Runbooks\n\nOne for each alert of `deploy/prometheus`. [Monitoring](../monitoring.md) "
        "tells how they get into Prometheus.\n\n"
        "| Alert | Severity | What it says |\n| --- | --- | --- |\n"
        + "\n".join(rows)
        + f"\n\n```{{toctree}}\n:hidden:\n\n{names}\n```\n"
    )


def pages() -> dict[str, str]:
    """Path and text."""
    made = {f"{FOLDER}/{alert.page}.md": page(alert) for alert in ALERTS}
    return {f"{FOLDER}/index.md": index(), **made}
