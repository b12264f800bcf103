"""The recording rules: what alerts and dashboards ask often."""

from typing import Final

from deploy.monitoring.alert import PREFIX

P: Final = PREFIX

BUDGET: Final = 0.01
"""The share of requests for which the guard itself may take longer than BUDGET_SECONDS."""

BUDGET_SECONDS: Final = "0.005"

WINDOWS: Final = ("5m", "30m", "1h", "6h")

RECORDED: Final = {
    "placement_guard:requests:rate5m": f"sum by (instance, operation, outcome) (rate({P}requests_total[5m]))",
    "placement_guard:rejections:rate5m": f"sum by (instance, rule, mode) (rate({P}rejections_total[5m]))",
    "placement_guard:conflicts:rate5m": f"sum by (instance, operation, kind) (rate({P}conflicts_total[5m]))",
    "placement_guard:failed:ratio_rate5m": f'sum(rate({P}requests_total{{outcome="failed"}}[5m]))\n'
    f"  / sum(rate({P}requests_total[5m]))",
    "placement_guard:request_duration_seconds:p99_rate5m": "histogram_quantile(0.99, sum by (le) "
    f"(rate({P}request_duration_seconds_bucket[5m])))",
    "placement_guard:placement_duration_seconds:p99_rate5m": "histogram_quantile(0.99, sum by (le) "
    f"(rate({P}placement_duration_seconds_bucket[5m])))",
    **{
        f"placement_guard:own_over_budget:ratio_rate{window}": (
            f'1 - sum(rate({P}own_duration_seconds_bucket{{le="{BUDGET_SECONDS}"}}[{window}]))\n'
            f"  / sum(rate({P}own_duration_seconds_count[{window}]))"
        )
        for window in WINDOWS
    },
}
"""Name and expression."""
