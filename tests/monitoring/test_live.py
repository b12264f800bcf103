"""What a real Prometheus makes of a real guarded Placement: data on every panel, and an alert."""

import json
import math

import pytest

from deploy.monitoring.recording import RECORDED
from tests.monitoring.test_files import DASHBOARDS, panels

VARIABLES = {"$__rate_interval": "10s", "$instance": ".*", "$operation": ".*"}
"""What Grafana puts in their place."""

QUERIES = [
    pytest.param(target["expr"], id=f"{path.stem}: {panel['title']} {target['refId']}")
    for path in DASHBOARDS
    for panel in panels(path)
    for target in panel["targets"]
]


def test_the_load_is_mixed(monitored):
    assert {status for _, _, status in monitored.load.statuses} >= {
        200,
        201,
        204,
        400,
        403,
        404,
        409,
    }


def test_the_metrics_are_sound(monitored, promtool):
    # promtool knows the naming conventions; what it says goes to stderr, and it fails.
    promtool("check", "metrics", text=monitored.workers.read())


@pytest.mark.parametrize("expr", QUERIES)
def test_a_panel_has_data(monitored, expr):
    for name, value in VARIABLES.items():
        expr = expr.replace(name, value)
    assert "$" not in expr

    def values():
        return [
            float(series["value"][1])
            for series in monitored.query(expr)
            if not math.isnan(float(series["value"][1]))
        ]

    assert monitored.until(values, seconds=20)


@pytest.mark.parametrize("name", RECORDED)
def test_a_recording_rule_has_data(monitored, name):
    assert monitored.until(lambda: monitored.query(name), seconds=20)


def test_every_rule_can_be_evaluated(monitored):
    groups = monitored.get("/api/v1/rules")["groups"]
    health = {r["name"]: r["health"] for group in groups for r in group["rules"]}
    assert len(health) > 25
    assert set(health.values()) == {"ok"}


def test_an_alert_fires_with_its_runbook(monitored):
    def firing():
        return [
            alert
            for alert in monitored.get("/api/v1/alerts")["alerts"]
            if alert["labels"]["alertname"] == "PlacementGuardServiceRejected"
            and alert["state"] == "firing"
        ]

    [first, *_] = monitored.until(firing)
    assert first["annotations"]["runbook_url"].endswith("/runbooks/service-rejected.html")
    rules = {alert["labels"]["rule"] for alert in firing()}
    assert "json.nul_character" in rules
    assert "{{" not in json.dumps(first)


def test_what_is_well_does_not_fire(monitored):
    firing = {a["labels"]["alertname"] for a in monitored.get("/api/v1/alerts")["alerts"]}
    assert not firing & {
        "PlacementGuardDown",
        "PlacementGuardAbsent",
        "PlacementGuardBreakerOpen",
        "PlacementGuardOverCommit",
        "PlacementGuardWriteLost",
        "PlacementGuardAuditDropped",
        "PlacementGuardPolicyBroken",
        "PlacementGuardHandsNothingOn",
    }
