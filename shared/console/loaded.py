"""What the warehouse holds: views a day, and how far each channel's reports reach."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import takewhile
from typing import TYPE_CHECKING, Any

from shared.cloud.bigquery import ask

if TYPE_CHECKING:
    from google.cloud.bigquery import Client

CHART_DAYS = 60
REPORTING_LAG = timedelta(days=4)
"""YouTube has a day's report within two to three days of the day's end."""
_QUERY_SECONDS = 8.0  # somebody waits for the page


@dataclass(frozen=True, kw_only=True)
class DayTotal:
    """All channels' views on one Pacific day."""

    date: date
    views: int
    engaged_views: int
    channels: int


@dataclass(frozen=True, kw_only=True)
class Loaded:
    """Totals a day, and each channel's newest day and number of days."""

    days: tuple[DayTotal, ...]
    channels: Mapping[str, tuple[date, int]]
    reports: int
    rows: int


NOTHING_LOADED = Loaded(days=(), channels={}, reports=0, rows=0)


def arriving(days: Sequence[DayTotal], today: date) -> tuple[DayTotal, ...]:
    """The newest days for which channels that were there before have no report yet.

    Drawn beside whole days they would look like a collapse.
    """
    everybody = max((day.channels for day in days), default=0)
    late = takewhile(lambda day: day.channels < everybody and today - day.date <= REPORTING_LAG, reversed(days))
    return tuple(late)[::-1]


def loaded_reports(client: Client, dataset: str) -> Loaded:
    """What the warehouse holds, of the last CHART_DAYS days that have data.

    Raises google.api_core's errors when BigQuery does not answer.
    """
    from google.api_core.exceptions import NotFound  # noqa: PLC0415 - loaded with any client

    try:
        return _loaded_reports(client, f"{client.project}.{dataset}")
    except NotFound:
        return NOTHING_LOADED  # the first load makes the tables


def _loaded_reports(client: Client, name: str) -> Loaded:
    days = _rows(
        client,
        "SELECT date, IFNULL(SUM(views), 0) AS views, IFNULL(SUM(engaged_views), 0) AS engaged_views, "
        "COUNT(*) AS channels "
        f"FROM `{name}.youtube_metrics` GROUP BY date ORDER BY date DESC LIMIT {CHART_DAYS}",
    )
    by_channel = {
        row["channel_id"]: row
        for row in _rows(
            client,
            "SELECT channel_id, MAX(day) AS latest, COUNT(DISTINCT day) AS days, COUNT(*) AS reports, "
            f"SUM(row_count) AS row_count FROM `{name}.current_reports` "
            "WHERE report_type = 'channel_basic_a3' GROUP BY channel_id",
        )
    }
    return Loaded(
        days=tuple(DayTotal(**row) for row in reversed(days)),
        channels={channel: (row["latest"], row["days"]) for channel, row in by_channel.items()},
        reports=sum(row["reports"] for row in by_channel.values()),
        rows=sum(row["row_count"] for row in by_channel.values()),
    )


def _rows(client: Client, query: str) -> list[Any]:
    return list(ask(client, query, seconds=_QUERY_SECONDS, work=_QUERY_SECONDS))
