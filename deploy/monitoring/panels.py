"""How a panel of ours looks: unit, legend, description and link are never left out."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from grafana_foundation_sdk.builders import (
    bargauge,
    common,
    dashboard,
    prometheus,
    stat,
    table,
    timeseries,
)
from grafana_foundation_sdk.models import common as common_models
from grafana_foundation_sdk.models import dashboard as models

from deploy.monitoring.alert import DOCS_URL

DATASOURCE: Final = "${datasource}"

Query = tuple[str, str]
"""PromQL, and the legend of its series."""


@dataclass(frozen=True)
class Shown:
    """A panel.

    kind
        ``lines``, ``stacked``, ``number``, ``table`` or ``bars``.
    unit
        As Grafana names it: ``reqps``, ``s``, ``percentunit``, ``bytes``, ``short``.
    page
        The page of the documentation, or the runbook, that it links to.
    thresholds
        Values from which on it is yellow, and red.
    """

    kind: str
    title: str
    unit: str
    description: str
    queries: Sequence[Query]
    page: str
    width: int = 12
    thresholds: tuple[float, ...] = ()


_HEIGHT: Final = {"lines": 8, "stacked": 8, "number": 4, "table": 9, "bars": 8}


def panel(shown: Shown, docs_url: str = DOCS_URL) -> Any:
    """The builder of this panel."""
    builder: Any = _MAKERS[shown.kind]()
    builder = (
        builder.title(shown.title)
        .description(shown.description)
        .unit(shown.unit)
        .datasource(models.DataSourceRef(type_val="prometheus", uid=DATASOURCE))
        .span(shown.width)
        .height(_HEIGHT[shown.kind])
        .thresholds(_thresholds(shown.thresholds))
        .links([_link(shown.page, docs_url)])
        .no_value("none")
    )
    for index, (expr, legend) in enumerate(shown.queries):
        query = (
            prometheus.Dataquery().expr(expr).legend_format(legend).ref_id(chr(ord("A") + index))
        )
        if shown.kind in {"table", "bars"}:
            query = query.instant().format("table" if shown.kind == "table" else "time_series")
        builder = builder.with_target(query)
    return builder


def _thresholds(given: tuple[float, ...]) -> Any:
    steps = [models.Threshold(value=None, color="green")]
    steps += [
        models.Threshold(value=value, color=color)
        for value, color in zip(given, ("yellow", "red"), strict=False)
    ]
    return dashboard.ThresholdsConfig().mode(models.ThresholdsMode.ABSOLUTE).steps(steps)


def _link(page: str, docs_url: str) -> Any:
    kind = "Runbook" if page.startswith("runbooks/") else "Documentation"
    address = f"{docs_url.rstrip('/')}/{page}"
    return (
        dashboard.DashboardLink(kind)
        .type(models.DashboardLinkType.LINK)
        .url(address)
        .target_blank(True)
    )


def _lines() -> Any:
    return (
        timeseries.Panel()
        .legend(_legend())
        .tooltip(
            common.VizTooltipOptions()
            .mode(common_models.TooltipDisplayMode.MULTI)
            .sort(common_models.SortOrder.DESCENDING)
        )
        .line_width(1)
        .fill_opacity(8)
        .show_points(common_models.VisibilityMode.NEVER)
        .min(0)
    )


def _stacked() -> Any:
    stacking = common.StackingConfig().mode(common_models.StackingMode.NORMAL).group("A")
    return _lines().stacking(stacking).fill_opacity(30)


def _legend() -> Any:
    return (
        common.VizLegendOptions()
        .show_legend(True)
        .display_mode(common_models.LegendDisplayMode.TABLE)
        .placement(common_models.LegendPlacement.BOTTOM)
        .calcs(["lastNotNull", "max"])
    )


def _number() -> Any:
    return stat.Panel().reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))


def _bars() -> Any:
    return (
        bargauge.Panel()
        .reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))
        .orientation(common_models.VizOrientation.HORIZONTAL)
        .display_mode(common_models.BarGaugeDisplayMode.GRADIENT)
        .min(0)
    )


_MAKERS: Final = {
    "lines": _lines,
    "stacked": _stacked,
    "number": _number,
    "table": table.Panel,
    "bars": _bars,
}
