"""Every file that is made, by its path."""

from deploy.monitoring import dashboards, prometheus
from deploy.monitoring.alert import DOCS_URL


def files(docs_url: str = DOCS_URL) -> dict[str, str]:
    """Path and text."""
    yaml = {
        f"prometheus/{prometheus.RULES_FILE}": prometheus.rules(docs_url),
        "prometheus/prometheus.yml": prometheus.prometheus(),
        "prometheus/kubernetes/servicemonitor.yaml": prometheus.service_monitor(),
        "prometheus/kubernetes/prometheusrule.yaml": prometheus.prometheus_rule(docs_url),
        "grafana/provisioning/dashboards.yaml": dashboards.PROVISIONING,
    }
    if docs_url == DOCS_URL:  # the tests look for these addresses
        yaml["prometheus/tests/placement-guard.tests.yml"] = prometheus.unit_tests()
    made = {f"deploy/{path}": prometheus.written(content) for path, content in yaml.items()}
    for board in dashboards.BOARDS:
        made[f"deploy/grafana/{board.name}.json"] = dashboards.written(board, docs_url)
    return made
