"""The warehouse against the truth: every report type, every channel, every day, every number, every row."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from math import isclose
from typing import Any, NamedTuple

from google.cloud import bigquery

from infra.local.demo import control
from infra.local.stack import Stack
from shared.warehouse.report_types import INTEGER, metric_type, report_type

BASIC = "channel_basic_a3"
SHOWN = ("views", "engaged_views", "watch_time_minutes", "subscribers_gained", "subscribers_lost")
_SHOWN_OF: Mapping[str, Mapping[str, str]] = {
    BASIC: {name: name for name in SHOWN},
    "channel_reach_basic_a1": {"impressions": "video_thumbnail_impressions"},
}
"""What `youtube_metrics` shows of a report type, and the metric that it is."""
_VIEWS: Mapping[str, str] = {BASIC: "channel_basic", "channel_reach_basic_a1": "channel_reach"}
_ROWS_THAT_COUNT = """(
  SELECT raw.* FROM `{dataset}.{table}` AS raw JOIN `{dataset}.current_reports` AS counting
  ON raw.report_id = counting.report_id AND raw.load_id = counting.load_id
)"""
_HUNDREDTH = Decimal("0.01")  # youtube_metrics rounds minutes to these; everything else is exact

Cell = tuple[str, str]
"""Channel and day."""
Rows = Mapping[Cell, Mapping[str, Any]]


class Held(NamedTuple):
    """What the warehouse holds of one report type.

    reports: `current_reports`. counted: the rows that count, and each metric added up. metrics: `youtube_metrics`.
    manifest: how often `report_loads` names each report, those that were replaced included.
    """

    reports: Rows
    counted: Rows
    metrics: Rows
    manifest: Mapping[str, int]


@dataclass
class Comparison:
    """What was compared and what differs; totals of `youtube_metrics` over everything, ours beside the truth.

    compared: days of channels and report types. listed, superseded: as YouTube says. counting: reports that count
    in the warehouse.
    """

    compared: int = 0
    listed: int = 0
    superseded: int = 0
    counting: int = 0
    manifest: dict[str, int] = field(default_factory=dict)
    rows: int = 0
    true_rows: int = 0
    totals: dict[str, Decimal] = field(default_factory=lambda: dict.fromkeys(SHOWN, Decimal(0)))
    true_totals: dict[str, Decimal] = field(default_factory=lambda: dict.fromkeys(SHOWN, Decimal(0)))
    differences: list[str] = field(default_factory=list)

    def add(self, other: Comparison) -> None:
        """Add the comparison of another report type."""
        for name in ("compared", "listed", "superseded", "counting", "rows", "true_rows"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.manifest |= other.manifest
        for name in SHOWN:
            self.totals[name] += other.totals[name]
            self.true_totals[name] += other.true_totals[name]
        self.differences += other.differences


def against_truth(
    stack: Stack,
    warehouse: bigquery.Client,
    dataset: str,
    *,
    report_types: Iterable[str],
    first: date,
    last: date,
) -> Comparison:
    """Compare what the warehouse says of each report type with what the newest issued reports hold."""
    span = {"from": first.isoformat(), "to": last.isoformat()}
    whole = Comparison()
    for kind in report_types:
        truth = control.ask(stack, "truth/daily", report_type=kind, **span)["channels"]
        whole.add(compare(truth, _held(warehouse, f"{warehouse.project}.{dataset}", kind), kind))
    return whole


def _held(warehouse: bigquery.Client, name: str, kind: str) -> Held:
    def rows(sql: str) -> Iterable[Mapping[str, Any]]:
        return warehouse.query(sql).result()

    def cells(sql: str) -> Rows:
        return {(row["channel_id"], row["day"].isoformat()): row for row in rows(sql)}

    sums = ", ".join(f"SUM({metric}) AS {metric}" for metric in report_type(kind).metrics)
    counted = _ROWS_THAT_COUNT.format(dataset=name, table=report_type(kind).table)
    of_kind = f"WHERE report_type = '{kind}'"
    manifest = rows(f"SELECT report_id, COUNT(*) AS times FROM `{name}.report_loads` {of_kind} GROUP BY report_id")
    shown = _SHOWN_OF.get(kind, {})
    return Held(
        reports=cells(f"SELECT channel_id, day, report_id, row_count FROM `{name}.current_reports` {of_kind}"),
        counted=cells(
            f"SELECT channel_id, date AS day, COUNT(*) AS row_count, {sums} FROM "
            + (f"`{name}.{_VIEWS[kind]}`" if kind in _VIEWS else counted)
            + " GROUP BY channel_id, date"
        ),
        metrics=cells(
            f"SELECT channel_id, date AS day, {', '.join(shown)} FROM `{name}.youtube_metrics` "
            f"WHERE source = '{BASIC}' OR '{kind}' != '{BASIC}'"
        )
        if shown
        else {},
        manifest={row["report_id"]: row["times"] for row in manifest},
    )


def compare(truth: Mapping[str, Any], held: Held, kind: str = BASIC) -> Comparison:
    """Hold the warehouse against the truth about a report type.

    A day whose report has no rows has none in the views either.
    """
    found = Comparison(counting=len(held.reports), manifest=dict(held.manifest))
    of = "" if kind == BASIC else f" {kind}"
    expected = set()
    for channel, told in truth.items():
        found.listed += told["listed"]
        found.superseded += told["superseded"]
        for day, true in told["days"].items():
            cell = (channel, day)
            expected.add(cell)
            found.differences += [f"{channel} {day}{of}: {text}" for text in _differences(true, held, cell, kind)]
            _add(found, true, held, cell, kind)
    found.compared = len(expected)
    shown = held.metrics if kind == BASIC else ()
    for channel, day in sorted({*held.reports, *held.counted, *shown} - expected):
        found.differences.append(f"{channel} {day}{of}: in the warehouse, but YouTube issued no such report")
    found.differences += [
        f"the manifest names report {report} {times} times" for report, times in held.manifest.items() if times > 1
    ]
    return found


def _differences(true: Mapping[str, Any], held: Held, cell: Cell, kind: str) -> Iterator[str]:
    report, counted, metrics = held.reports.get(cell), held.counted.get(cell, {}), held.metrics.get(cell, {})
    if report is None:
        yield f"report {true['report_id']} is missing"
        return
    if report["report_id"] != true["report_id"]:
        yield f"report {report['report_id']} counts, the newest is {true['report_id']}"
    if report["row_count"] != true["rows"]:
        yield f"the manifest says {report['row_count']} rows instead of {true['rows']}"
    if counted.get("row_count", 0) != true["rows"]:
        yield f"{counted.get('row_count', 0)} rows instead of {true['rows']}"
    columns = {**true["totals"], **true["column_sums"]}
    for name in report_type(kind).metrics:
        ours, right = counted.get(name) or 0, columns[name]
        # Counts are exact; fractions differ in their last digits with the order in which they are added.
        slack = 0.0 if metric_type(name) == INTEGER else 1e-6
        if not isclose(ours, right, rel_tol=slack / 1000, abs_tol=slack):
            yield f"{name} is {ours} instead of {right}"
    for name, metric in _SHOWN_OF.get(kind, {}).items():
        shown, right = _number(metrics, name), _number(true["totals"], metric)
        if abs(shown - right) >= _HUNDREDTH:
            yield f"{name} in youtube_metrics is {shown} instead of {right}"


def _number(row: Mapping[str, Any], name: str) -> Decimal:
    return Decimal(str(row.get(name) or 0))


def _add(found: Comparison, true: Mapping[str, Any], held: Held, cell: Cell, kind: str) -> None:
    found.true_rows += true["rows"]
    found.rows += held.counted.get(cell, {}).get("row_count", 0)
    for name in SHOWN if kind == BASIC else ():
        found.totals[name] += _number(held.metrics.get(cell, {}), name)
        found.true_totals[name] += _number(true["totals"], name).quantize(_HUNDREDTH, ROUND_HALF_UP)
