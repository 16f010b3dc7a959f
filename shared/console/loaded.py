"""What the warehouse holds: views a day, and how far each channel's reports reach."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from itertools import takewhile
from typing import Any

from shared.warehouse.statements import REACH_BY_CHANNEL, TOTALS_BY_DAY, Statement, Warehouse, run

CHART_DAYS = 60
REPORTING_LAG = timedelta(days=4)
"""YouTube has a day's report within two to three days of the day's end."""
REACH = timedelta(days=366)
"""How far back channels' reports are looked for; what is older is in the views all the same."""
_QUERY_SECONDS = 8.0  # somebody waits for the page


@dataclass(frozen=True, kw_only=True)
class Loaded:
    """Totals of all channels a Pacific day ({"date", "views", "engaged_views", "channels"}), and each channel's
    newest day and number of days.

    aggregation: why owners' numbers may be added up, "" where they may not; then there are no days.
    """

    aggregation: str = ""
    days: tuple[Mapping[str, Any], ...]
    channels: Mapping[str, tuple[date, int]]
    reports: int
    rows: int


NOTHING_LOADED = Loaded(days=(), channels={}, reports=0, rows=0)


def arriving(days: Sequence[Mapping[str, Any]], today: date) -> tuple[Mapping[str, Any], ...]:
    """The newest days for which channels that were there before have no report yet.

    Drawn beside whole days they would look like a collapse.
    """
    everybody = max((day["channels"] for day in days), default=0)
    late = takewhile(
        lambda day: day["channels"] < everybody and today - day["date"] <= REPORTING_LAG, reversed(days)
    )
    return tuple(late)[::-1]


def loaded_reports(warehouse: Warehouse, today: date, aggregation: str) -> Loaded:
    """What the warehouse holds: totals of the last CHART_DAYS days, and each channel's reach in the last year.

    aggregation: why owners' numbers may be added up; without it they are not.
    Raises google.api_core's errors when BigQuery does not answer.
    """
    from google.api_core.exceptions import NotFound

    def rows(statement: Statement, since: date) -> list[Any]:
        return list(run(warehouse, statement, seconds=_QUERY_SECONDS, work=_QUERY_SECONDS, since=since))

    try:
        since = today - timedelta(days=CHART_DAYS) - REPORTING_LAG
        days = rows(TOTALS_BY_DAY, since) if aggregation else []
        by_channel = {row["channel_id"]: row for row in rows(REACH_BY_CHANNEL, today - REACH)}
    except NotFound:
        return replace(NOTHING_LOADED, aggregation=aggregation)  # before the first deployment has made the tables
    return Loaded(
        aggregation=aggregation,
        days=tuple(dict(row) for row in reversed(days)),
        channels={channel: (row["latest"], row["days"]) for channel, row in by_channel.items()},
        reports=sum(row["reports"] for row in by_channel.values()),
        rows=sum(row["row_count"] for row in by_channel.values()),
    )
