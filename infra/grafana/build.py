"""Each dashboard as Grafana reads it, made by Grafana's own builders (PyPI `grafana-foundation-sdk`)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from grafana_foundation_sdk.builders import bigquery, common, dashboard, stat, table, timeseries
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.bigquery import EditorMode, QueryFormat
from grafana_foundation_sdk.models.common import (
    BigValueGraphMode,
    GraphDrawStyle,
    GraphTresholdsStyleMode,
    LegendDisplayMode,
    LegendPlacement,
    StackingMode,
    TooltipDisplayMode,
)
from grafana_foundation_sdk.models.dashboard import (
    DashboardLinkType,
    DataSourceRef,
    Threshold,
    ThresholdsMode,
    VariableOption,
    VariableRefresh,
)

from infra.grafana.panels import ALL, VARIABLES, Dashboard, Panel, asked, dashboards, described
from shared.quota.profile import Profile, adjusted, load

SOURCE = DataSourceRef(type_val="grafana-bigquery-datasource", uid="${source}")
TAG = "ytempire-youtube"
_SERIES = {"lines": GraphDrawStyle.LINE, "bars": GraphDrawStyle.BARS, "points": GraphDrawStyle.POINTS}
_LABELS = {"owner": "User", "channel": "Channel"}


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where an installation's parts are. dataset: project and dataset. console, runbook: addresses.

    profile, limits: the installation's YT_QUOTA_PROFILE and YT_QUOTA_LIMITS.
    """

    dataset: str = "project.youtube"
    console: str = "https://console.example.org/console"
    runbook: str = "https://code.example.org/infra/docs/runbook.md"
    profile: str = "current"
    limits: str = ""

    @property
    def quota(self) -> Profile:
        """The limits that hold. Raises Misconfigured for a profile or a limit that is none."""
        return adjusted(load(self.profile), limits=tuple(filter(None, self.limits.split(","))))


def files(place: Place) -> dict[str, str]:
    """Each dashboard's JSON by the name of its file."""
    return {
        f"{'over_owners/' if each.total else ''}{each.name}.json": encoded(each, place) for each in dashboards()
    }


def encoded(board: Dashboard, place: Place) -> str:
    """One dashboard's JSON."""
    return JSONEncoder(indent=2, sort_keys=True, ensure_ascii=False).encode(_built(board, place).build()) + "\n"


def _built(board: Dashboard, place: Place) -> dashboard.Dashboard:
    # No refresh by itself: each look at a panel is a query that BigQuery bills.
    built = (
        dashboard.Dashboard(f"YouTube: {board.title}")
        .uid(f"{TAG}-{board.name}")
        .description(board.about)
        .tags([TAG])
        .timezone("America/Los_Angeles")
        .time(board.since, "now")
        .refresh("")
        .readonly()
        .variables(list(_variables(place)))
        .link(
            dashboard.DashboardLink("Dashboards")
            .type(DashboardLinkType.DASHBOARDS)
            .tags([TAG])
            .as_dropdown(True)
            .include_vars(True)
        )
        .link(_link("Console", f"{place.console}/{board.console}".rstrip("/")))
        .link(_link("Runbook", place.runbook))
    )
    for number, panel in enumerate(board.panels, 1):
        built.with_panel(_panel(panel, place).id(number))
    return built


def _link(title: str, url: str) -> dashboard.DashboardLink:
    return dashboard.DashboardLink(title).type(DashboardLinkType.LINK).url(url).target_blank(True)


def _variables(place: Place) -> Iterator[Any]:
    yield dashboard.DatasourceVariable("source").label("BigQuery").type("grafana-bigquery-datasource")
    given = VariableOption(text=place.dataset, value=place.dataset)
    yield dashboard.TextBoxVariable("dataset").label("Dataset").default_value(place.dataset).current(given)
    for name in VARIABLES:
        query = {
            "rawSql": _sql(f"variables/{name}", place),
            "format": QueryFormat.TABLE,
            "editorMode": EditorMode.CODE,
        }
        yield (
            dashboard.QueryVariable(name)
            .label(_LABELS[name])
            .datasource(SOURCE)
            .query({**query, "rawQuery": True, "refId": name})
            .refresh(VariableRefresh.ON_DASHBOARD_LOAD)
            .multi(True)
            .include_all(True)
            .all_value(ALL)
            .current(VariableOption(text="All", value="$__all"))
        )


def _sql(query: str, place: Place) -> str:
    return asked(query, place.quota).replace("{dataset}", "${dataset}")


def _panel(panel: Panel, place: Place) -> Any:
    kind = "stat" if panel.kind == "stat" else "table" if panel.kind == "table" else "series"
    form = QueryFormat.TIMESERIES if kind == "series" else QueryFormat.TABLE
    target = bigquery.Dataquery().raw_sql(_sql(panel.query, place)).raw_query(True).format(form)
    built = (
        _KINDS[kind](panel)
        .title(panel.title)
        .description(described(panel.query))
        .datasource(SOURCE)
        .span(panel.width)
        .height(4 if kind == "stat" else 9)
        .unit(panel.unit)
        .no_value("none")
        .with_target(target.editor_mode(EditorMode.CODE).ref_id("A").datasource(SOURCE))
        .links([_link("What to do", f"{place.runbook}#{panel.runbook.lower()}")] if panel.runbook else [])
    )
    if panel.warn:
        steps = zip((None, *panel.warn), ("green", "yellow", "red"), strict=True)
        built.thresholds(
            dashboard.ThresholdsConfig()
            .mode(ThresholdsMode.ABSOLUTE)
            .steps([Threshold(value=value, color=colour) for value, colour in steps])
        )
    return built


def _series(panel: Panel) -> timeseries.Panel:
    legend = common.VizLegendOptions().display_mode(LegendDisplayMode.LIST).placement(LegendPlacement.BOTTOM)
    built = timeseries.Panel().draw_style(_SERIES[panel.kind]).min(0).legend(legend.show_legend(True))
    built.tooltip(common.VizTooltipOptions().mode(TooltipDisplayMode.MULTI))
    if panel.warn:
        built.thresholds_style(common.GraphThresholdsStyleConfig().mode(GraphTresholdsStyleMode.LINE))
    if panel.kind == "bars":
        built.stacking(common.StackingConfig().mode(StackingMode.NORMAL)).fill_opacity(80)
    return built


_KINDS: Mapping[str, Callable[[Panel], Any]] = {
    "series": _series,
    "table": lambda _panel: table.Panel().show_header(True),
    "stat": lambda _panel: stat.Panel().graph_mode(BigValueGraphMode.NONE),
}
