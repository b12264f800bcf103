"""The dashboards: which questions each of them answers, by which panels."""

import json
from typing import Any, Final

from grafana_foundation_sdk.builders import dashboard
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import dashboard as models

from deploy.monitoring.alert import DOCS_URL, JOB, PREFIX
from deploy.monitoring.boards import CAPACITY, CONFLICTS, OVERVIEW, POLICY, Board
from deploy.monitoring.panels import DATASOURCE, panel

BOARDS: Final = (OVERVIEW, CONFLICTS, POLICY, CAPACITY)

TAG: Final = "placement-guard"


def built(board: Board, docs_url: str = DOCS_URL) -> models.Dashboard:
    """This dashboard, as Grafana has it."""
    builder = (
        dashboard.Dashboard(board.title)
        .uid(f"{TAG}-{board.name}")
        .description(board.question)
        .tags([TAG])
        .time("now-1h", "now")
        .refresh("30s")
        .timezone("browser")
        .tooltip(models.DashboardCursorSync.CROSSHAIR)
        .link(
            dashboard.DashboardLink("placement-guard")
            .type(models.DashboardLinkType.DASHBOARDS)
            .tags([TAG])
            .as_dropdown(True)
            .include_vars(True)
            .keep_time(True)
        )
    )
    for variable in _variables():
        builder = builder.with_variable(variable)
    for title, panels in board.rows.items():
        builder = builder.with_row(dashboard.Row(title))
        for shown in panels:
            builder = builder.with_panel(panel(shown, docs_url))
    return builder.build()


def _variables() -> list[Any]:
    source = dashboard.DatasourceVariable("datasource").label("Data source").type("prometheus")
    return [
        source,
        _labels("instance", "Instance", f'up{{job="{JOB}"}}'),
        _labels("operation", "Operation", f"{PREFIX}requests_total"),
    ]


def _labels(name: str, title: str, of: str) -> Any:
    """The values of a label: several may be chosen, and all are at first."""
    return (
        dashboard.QueryVariable(name)
        .label(title)
        .datasource(models.DataSourceRef(type_val="prometheus", uid=DATASOURCE))
        .query(f"label_values({of}, {name})")
        .refresh(models.VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(models.VariableSort.ALPHABETICAL_ASC)
        .multi(True)
        .include_all(True)
        .all_value(".*")
        .current(models.VariableOption(selected=True, text="All", value="$__all"))
    )


def written(board: Board, docs_url: str = DOCS_URL) -> str:
    """As the JSON that Grafana imports."""
    text = json.dumps(built(board, docs_url), cls=JSONEncoder, indent=1, sort_keys=True)
    return text + "\n"


PROVISIONING: Final[dict[str, Any]] = {
    "apiVersion": 1,
    "providers": [
        {
            "name": TAG,
            "folder": TAG,
            "type": "file",
            "allowUiUpdates": False,
            "options": {"path": "/var/lib/grafana/dashboards/placement-guard"},
        }
    ],
}
"""For Grafana's ``provisioning/dashboards``."""
