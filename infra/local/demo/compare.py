"""The warehouse against the truth: every channel, every day, every number, every row."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from google.cloud import bigquery

from infra.local import loopback
from infra.local.stack import Stack

METRICS = ("views", "engaged_views", "watch_time_minutes", "subscribers_gained", "subscribers_lost")
REPORT_TYPE = "channel_basic_a3"
_HUNDREDTH = Decimal("0.01")  # the view rounds minutes to these; everything else is exact


@dataclass
class Comparison:
    """What was compared and what differs; totals over everything, ours beside the truth.

    loaded: reports that the manifest names, those that were replaced since included.
    """

    compared: int = 0
    loaded: int = 0
    listed: int = 0
    superseded: int = 0
    rows: int = 0
    totals: dict[str, Decimal] = field(default_factory=lambda: dict.fromkeys(METRICS, Decimal(0)))
    true_totals: dict[str, Decimal] = field(default_factory=lambda: dict.fromkeys(METRICS, Decimal(0)))
    differences: list[str] = field(default_factory=list)


Cell = tuple[str, str]
"""Channel and day."""


def against_truth(
    stack: Stack, warehouse: bigquery.Client, dataset: str, *, first: date, last: date
) -> Comparison:
    """Compare what the views say with what the newest issued reports hold."""
    answer = loopback.http().get(
        f"{stack.simulator}/control/truth/daily",
        params={"report_type": REPORT_TYPE, "from": first.isoformat(), "to": last.isoformat()},
        timeout=120,
    )
    truth = answer.raise_for_status().json()["channels"]
    name = f"{warehouse.project}.{dataset}"
    metrics = {
        (row["channel_id"], row["date"].isoformat()): row
        for row in warehouse.query(f"SELECT * FROM `{name}.youtube_metrics`").result()
    }
    reports = {
        (row["channel_id"], row["day"].isoformat()): row
        for row in warehouse.query(
            f"SELECT * FROM `{name}.current_reports` WHERE report_type = '{REPORT_TYPE}'"
        ).result()
    }
    found = compare(truth, metrics, reports)
    found.loaded = next(iter(warehouse.query(f"SELECT COUNT(*) FROM `{name}.report_loads`").result()))[0]
    return found


def compare(
    truth: Mapping[str, Any], metrics: Mapping[Cell, Mapping[str, Any]], reports: Mapping[Cell, Mapping[str, Any]]
) -> Comparison:
    """Hold rows of the views against the truth. A day whose report has no rows has no row in the view either."""
    found = Comparison()
    expected = set()
    for channel, told in truth.items():
        found.listed += told["listed"]
        found.superseded += told["superseded"]
        for day, true in told["days"].items():
            cell = (channel, day)
            expected.add(cell)
            found.compared += 1
            found.differences.extend(
                f"{channel} {day}: {text}" for text in _differences(true, metrics.get(cell), reports.get(cell))
            )
            _add(found, true, metrics.get(cell), reports.get(cell))
    for extra in sorted(set(reports) - expected):
        found.differences.append(f"{extra[0]} {extra[1]}: in the warehouse, but YouTube issued no such report")
    return found


def _differences(
    true: Mapping[str, Any], metric: Mapping[str, Any] | None, report: Mapping[str, Any] | None
) -> Iterator[str]:
    if report is None:
        yield f"report {true['report_id']} is missing"
        return
    if report["report_id"] != true["report_id"]:
        yield f"report {report['report_id']} counts, the newest is {true['report_id']}"
    if report["row_count"] != true["rows"]:
        yield f"{report['row_count']} rows instead of {true['rows']}"
    for name in METRICS:
        ours = _number(metric, name)
        right = _number(true["totals"], name)
        if abs(ours - right) >= _HUNDREDTH:
            yield f"{name} is {ours} instead of {right}"


def _number(row: Mapping[str, Any] | None, name: str) -> Decimal:
    value = None if row is None else row.get(name)
    return Decimal(0) if value is None else Decimal(str(value))


def _add(
    found: Comparison,
    true: Mapping[str, Any],
    metric: Mapping[str, Any] | None,
    report: Mapping[str, Any] | None,
) -> None:
    found.rows += 0 if report is None else report["row_count"]
    for name in METRICS:
        found.totals[name] += _number(metric, name)
        found.true_totals[name] += _number(true["totals"], name).quantize(_HUNDREDTH, ROUND_HALF_UP)
