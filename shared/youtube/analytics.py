"""The Analytics API, typed: one query in, one table out.

Dates are Pacific days, written out: `7daysAgo` and `today` belong to another product and are refused here. Days
for which YouTube has no numbers yet are simply missing. Source: discovery document of youtubeAnalytics v2.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from shared.errors import CorruptData, Forbidden
from shared.youtube.client import Caller
from shared.youtube.faults import as_error, fault_of
from shared.youtube.policy import rule

MONETARY = {
    *("estimatedRevenue", "estimatedAdRevenue", "grossRevenue", "estimatedRedPartnerRevenue"),
    *("monetizedPlaybacks", "playbackBasedCpm", "adImpressions", "cpm"),
}
"""Metrics that need the monetary scope and a channel in the Partner Program."""

VIDEO_ROWS_MAX = 200  # a report by video has no more rows than that, whatever was asked

Cell = str | int | float | None


@dataclass(frozen=True)
class Table:
    """An answer. No rows: YouTube has no numbers yet, which is not 0.

    truncated: it has as many rows as were asked for, so there may be more that it does not show.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    truncated: bool

    def records(self) -> list[dict[str, Cell]]:
        return [dict(zip(self.columns, row, strict=True)) for row in self.rows]


def query(
    caller: Caller,
    *,
    start: date,
    end: date,
    metrics: Sequence[str],
    dimensions: Sequence[str] = (),
    filters: Mapping[str, str] | None = None,
    sort: Sequence[str] = (),
    currency: str | None = None,
    max_results: int | None = None,
) -> Table:
    """The metrics of Pacific days start to end, both included, of the channel whose grant is used.

    filters: name to value. max_results: YouTube's own. Raises Forbidden with
    reason monetaryForbidden when revenue was asked for and YouTube gives none for this channel: its numbers are
    unknown then, not 0.
    """
    asked: dict[str, Any] = {
        "ids": "channel==MINE",
        "startDate": start.isoformat(),
        "endDate": end.isoformat(),
        "metrics": ",".join(metrics),
        "dimensions": ",".join(dimensions) or None,
        "filters": ";".join(f"{name}=={value}" for name, value in (filters or {}).items()) or None,
        "sort": ",".join(sort) or None,
        "currency": currency,
        "maxResults": max_results,
    }
    asked = {name: value for name, value in asked.items() if value is not None}
    try:
        answer = caller.call("youtubeAnalytics.reports.query", **asked)
    except Forbidden as error:
        fault = fault_of(error)
        if fault is None or fault.reason not in {"forbidden", "unclassified403"} or not MONETARY & set(metrics):
            raise
        # Where revenue was asked for it says something about the channel, not about the grant.
        raise as_error(replace(fault, rule=rule("monetaryForbidden")), clock=caller.clock) from error
    most = min(max_results or VIDEO_ROWS_MAX, VIDEO_ROWS_MAX) if "video" in dimensions else max_results
    return _table(answer, most)


def _table(answer: Mapping[str, Any], most: int | None) -> Table:
    headers = answer.get("columnHeaders") or ()
    try:
        whole = tuple(header.get("dataType") == "INTEGER" for header in headers)
        rows = tuple(
            tuple(_whole(cell) if is_whole else cell for cell, is_whole in zip(row, whole, strict=True))
            for row in answer.get("rows") or ()
        )
        columns = tuple(str(header["name"]) for header in headers)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise CorruptData(f"YouTube Analytics answered no table: {error!r}.", reason="unreadableAnswer") from error
    return Table(columns, rows, truncated=most is not None and len(rows) >= most)


def _whole(cell: Cell) -> Cell:
    """A whole number, which YouTube writes as `12.0` at times."""
    if isinstance(cell, float) and cell.is_integer():
        return int(cell)
    if cell is not None and not isinstance(cell, int):
        message = f"YouTube Analytics answered {cell!r} where a whole number belongs."
        raise CorruptData(message, reason="unreadableAnswer")
    return cell
