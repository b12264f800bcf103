"""The files for Prometheus: rules, their tests, the scrape configuration, and Kubernetes' forms."""

import re
from typing import Any, Final

import yaml

from deploy.monitoring.alert import DOCS_URL, JOB, Alert
from deploy.monitoring.alerts import AVAILABILITY, PROMISES
from deploy.monitoring.alerts_guard import REFUSALS, WITHOUT
from deploy.monitoring.recording import RECORDED

GROUPS: Final = {
    "placement-guard-availability": AVAILABILITY,
    "placement-guard-promises": PROMISES,
    "placement-guard-refusals": REFUSALS,
    "placement-guard-without": WITHOUT,
}

ALERTS: Final[tuple[Alert, ...]] = tuple(alert for group in GROUPS.values() for alert in group)

RULES_FILE: Final = "placement-guard.rules.yml"

MARK: Final = (
    '# Made by "python -m deploy.monitoring". Do not edit: make it anew for your own addresses.\n'
)


def rules(docs_url: str = DOCS_URL, *, at_once: bool = False) -> dict[str, Any]:
    """All rules. ``at_once``: alerts wait for nothing, for a trial."""
    recording = [{"record": name, "expr": expr} for name, expr in RECORDED.items()]
    groups: list[dict[str, Any]] = [{"name": "placement-guard-recording", "rules": recording}]
    groups += [
        {"name": name, "rules": [_rule(alert, docs_url, at_once=at_once) for alert in group]}
        for name, group in GROUPS.items()
    ]
    return {"groups": groups}


def _rule(alert: Alert, docs_url: str, *, at_once: bool) -> dict[str, Any]:
    return {
        "alert": alert.name,
        "expr": alert.expr,
        "for": "0m" if at_once else alert.for_,
        "labels": {"severity": alert.severity},
        "annotations": _annotations(alert, docs_url),
    }


def _annotations(alert: Alert, docs_url: str) -> dict[str, str]:
    return {
        "summary": alert.summary,
        "description": alert.means,
        "runbook_url": alert.runbook(docs_url),
    }


def unit_tests() -> dict[str, Any]:
    """For ``promtool test rules``: each alert fires by one input, and does not by another."""
    tests = []
    for alert in ALERTS:
        tests.append(_test(alert, alert.fires, [_fired(alert)]))
        tests.append(_test(alert, alert.quiet, []))
    return {"rule_files": [f"../{RULES_FILE}"], "evaluation_interval": "1m", "tests": tests}


def _test(alert: Alert, series: dict[str, str], fired: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "name": f"{alert.name} {'fires' if fired else 'does not fire'}",
        "interval": "1m",
        "input_series": [{"series": name, "values": values} for name, values in series.items()],
        "alert_rule_test": [{"eval_time": alert.at, "alertname": alert.name, "exp_alerts": fired}],
    }


def _fired(alert: Alert) -> dict[str, Any]:
    def written(text: str) -> str:
        return re.sub(r"\{\{ \$labels\.(\w+) \}\}", lambda found: alert.labels[found[1]], text)

    return {
        "exp_labels": {"severity": alert.severity, **alert.labels},
        "exp_annotations": {k: written(v) for k, v in _annotations(alert, DOCS_URL).items()},
    }


def prometheus() -> dict[str, Any]:
    """A whole configuration of Prometheus."""
    return {
        "global": {"scrape_interval": "15s", "evaluation_interval": "15s"},
        "rule_files": [RULES_FILE],
        "scrape_configs": [
            {
                "job_name": JOB,
                "static_configs": [{"targets": ["127.0.0.1:9778"]}],
            }
        ],
    }


_META: Final = {"name": JOB, "labels": {"app.kubernetes.io/name": JOB}}


def service_monitor() -> dict[str, Any]:
    """For the Prometheus operator: what to scrape."""
    return {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "ServiceMonitor",
        "metadata": _META,
        "spec": {
            "selector": {"matchLabels": {"app.kubernetes.io/name": JOB}},
            # The rules look for the job by its name.
            "jobLabel": "app.kubernetes.io/name",
            "endpoints": [{"port": "metrics", "path": "/metrics", "interval": "15s"}],
        },
    }


def prometheus_rule(docs_url: str = DOCS_URL) -> dict[str, Any]:
    """For the Prometheus operator: the rules."""
    return {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "PrometheusRule",
        "metadata": _META,
        "spec": rules(docs_url),
    }


class _Dumper(yaml.SafeDumper):
    """Texts of several lines as blocks."""


def _text(dumper: yaml.SafeDumper, value: str) -> Any:
    style = "|" if "\n" in value else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


_Dumper.add_representer(str, _text)
_Dumper.ignore_aliases = lambda *_given: True  # type: ignore[method-assign]


def written(content: dict[str, Any]) -> str:
    """As YAML."""
    return MARK + yaml.dump(content, Dumper=_Dumper, sort_keys=False, width=100, allow_unicode=True)
