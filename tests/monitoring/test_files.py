"""Rules, alerts and dashboards as files: whole, linked, and about what there is."""

import json
import re
from pathlib import Path

import pytest
import yaml
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import dashboard as models
from prometheus_client import CollectorRegistry

from deploy.monitoring import __main__ as command
from deploy.monitoring import dashboards, prometheus, runbooks
from deploy.monitoring.recording import RECORDED
from placement_guard.observers.metrics import Metrics

ROOT = Path(__file__).parents[2]
RULES = ROOT / "deploy/prometheus" / prometheus.RULES_FILE
DASHBOARDS = sorted((ROOT / "deploy/grafana").glob("*.json"))

NAME = re.compile(r"\bplacement_guard[:_][a-z0-9_:]+")

each_dashboard = pytest.mark.parametrize("path", DASHBOARDS, ids=lambda path: path.stem)


def known():
    """The name of every sample, as it is written in a query."""
    registry = CollectorRegistry()
    Metrics.of(registry)
    return {sample.name for family in registry.collect() for sample in family.samples} | {*RECORDED}


def panels(path):
    return [p for p in json.loads(path.read_text())["panels"] if p["type"] != "row"]


def test_the_rules_are_sound(promtool):
    assert f"{len(prometheus.ALERTS) + len(RECORDED)} rules found" in promtool(
        "check", "rules", RULES
    )


def test_the_configuration_is_sound(promtool):
    promtool("check", "config", RULES.with_name("prometheus.yml"))


def test_each_alert_fires_and_does_not(promtool):
    path = RULES.parent / "tests/placement-guard.tests.yml"
    tested = [test["name"] for test in yaml.safe_load(path.read_text())["tests"]]
    expected = [
        f"{a.name} {what}" for a in prometheus.ALERTS for what in ("fires", "does not fire")
    ]
    assert tested == expected
    promtool("test", "rules", path)


def test_a_test_of_the_alerts_can_fail(promtool, tmp_path):
    tests = prometheus.unit_tests()
    tests["rule_files"] = [str(RULES)]
    quiet = tests["tests"][1]
    quiet["input_series"] = tests["tests"][0]["input_series"]
    (tmp_path / "tests.yml").write_text(yaml.safe_dump(tests))
    with pytest.raises(AssertionError, match=r"got:\["):
        promtool("test", "rules", tmp_path / "tests.yml")


def test_rules_are_about_metrics_that_there_are():
    named = set(NAME.findall(RULES.read_text())) | set(NAME.findall(str(prometheus.unit_tests())))
    assert named - known() == set()
    assert len(named) > 20


def test_each_alert_has_a_runbook():
    for alert in prometheus.ALERTS:
        page = ROOT / runbooks.FOLDER / f"{alert.page}.md"
        assert page.is_file()
        assert alert.runbook().endswith(f"/runbooks/{page.stem}.html")
        assert alert.severity in {"page", "ticket", "info"}


def test_there_is_no_runbook_without_an_alert():
    found = {path.stem for path in (ROOT / runbooks.FOLDER).glob("*.md")}
    assert found == {"index", *(alert.page for alert in prometheus.ALERTS)}


@pytest.mark.parametrize("kind", ["ServiceMonitor", "PrometheusRule"])
def test_kubernetes_has_the_same(kind):
    path = ROOT / "deploy/prometheus/kubernetes" / f"{kind.lower()}.yaml"
    made = yaml.safe_load(path.read_text())
    assert (made["apiVersion"], made["kind"]) == ("monitoring.coreos.com/v1", kind)
    assert set(made) == {"apiVersion", "kind", "metadata", "spec"}
    if kind == "PrometheusRule":
        assert made["spec"] == yaml.safe_load(RULES.read_text())
    else:
        [endpoint] = made["spec"]["endpoints"]
        assert endpoint["path"] == "/metrics"


@each_dashboard
def test_a_dashboard_is_one_of_grafanas_schema(path):
    text = path.read_text()
    read = models.Dashboard.from_json(json.loads(text))
    assert json.loads(json.dumps(read, cls=JSONEncoder)) == json.loads(text)
    assert read.title.startswith("placement-guard / ")
    assert [v.name for v in read.templating.list_val] == ["datasource", "instance", "operation"]


@each_dashboard
def test_no_panel_is_without_unit_legend_description_and_link(path):
    assert len(panels(path)) >= 6
    for panel in panels(path):
        assert panel["title"]
        assert len(panel["description"]) > 10
        assert panel["fieldConfig"]["defaults"]["unit"]
        assert panel["targets"]
        assert all(target["legendFormat"] for target in panel["targets"])
        if panel["type"] == "timeseries":
            assert panel["options"]["legend"]["showLegend"] is True
        [link] = panel["links"]
        source = ROOT / "docs" / link["url"].partition("placement-guard/")[2].partition("#")[0]
        assert source.with_suffix(".md").is_file(), link


@each_dashboard
def test_panels_are_about_metrics_that_there_are_and_stand_beside_each_other(path):
    found = panels(path)
    queries = [target["expr"] for panel in found for target in panel["targets"]]
    assert set(NAME.findall(" ".join(queries))) - known() == set()
    taken = [
        (x, y)
        for panel in found
        for x in range(panel["gridPos"]["x"], panel["gridPos"]["x"] + panel["gridPos"]["w"])
        for y in range(panel["gridPos"]["y"], panel["gridPos"]["y"] + panel["gridPos"]["h"])
    ]
    assert len(taken) == len(set(taken))
    assert max(x for x, _ in taken) < 24


def test_they_are_made_for_other_addresses_too(tmp_path, capsys, promtool):
    assert command.main(["--docs-url", "https://wiki/guard/", "--output", str(tmp_path)]) == 0
    rules = tmp_path / "deploy/prometheus" / prometheus.RULES_FILE
    assert str(rules) in capsys.readouterr().out
    assert "https://wiki/guard/runbooks/down.html" in rules.read_text()
    overview = (tmp_path / "deploy/grafana/overview.json").read_text()
    assert "https://wiki/guard/runbooks/failing.html" in overview
    assert "docs.example.org" not in rules.read_text() + overview
    promtool("check", "rules", rules)


def test_every_dashboard_is_there():
    assert [path.stem for path in DASHBOARDS] == sorted(b.name for b in dashboards.BOARDS)
