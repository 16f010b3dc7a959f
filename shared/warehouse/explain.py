"""Explains one cell of `youtube_metrics`: which file or answer it is from, what that replaced, and why it is NULL.

Also why YouTube Studio may show another number. Reads three statements; nothing is computed anew.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from typing import Any

from shared.clock import PACIFIC, format_instant
from shared.errors import InvalidRequest
from shared.warehouse.statements import ANSWERS_OF_DAY, CELL, ISSUES_OF_DAY, Warehouse, run

TABLE = "youtube_metrics"
_BASIC = ("channel_basic_a3", "channel_daily")
SOURCES: Mapping[str, tuple[str | None, str | None]] = {
    **dict.fromkeys(("views", "engaged_views", "watch_time_minutes", "average_view_duration"), _BASIC),
    **dict.fromkeys(("subscribers_gained", "subscribers_lost"), _BASIC),
    **dict.fromkeys(("impressions", "click_through_rate"), ("channel_reach_basic_a1", None)),
    "estimated_revenue": (None, "revenue_daily"),
}
"""The columns that can be explained: the report type that each is from, and the Analytics query."""
_REASONS = {"subscribers_gained": "subscribers_reason", "subscribers_lost": "subscribers_reason"}
_SETTLES = timedelta(days=10)


@dataclass(frozen=True, kw_only=True)
class File:
    """One report that was loaded: YouTube's id, the SHA-256 of its bytes, and when it was issued and loaded."""

    report_id: str
    checksum: str
    row_count: int
    create_time: datetime
    loaded_at: datetime
    load_id: str
    findings: str | None


@dataclass(frozen=True, kw_only=True)
class Answer:
    """One answer of the Analytics API about the day. reason: why it refused; None when it did not."""

    load_id: str
    kind: str
    start_day: date
    end_day: date
    asked_at: datetime
    row_count: int
    reason: str | None


@dataclass(frozen=True, kw_only=True)
class Explanation:
    """Where a cell is from. source: a report type or an Analytics query; file, replaced, answers: what came of it.

    state: final, provisional or history. listed: every report that YouTube has listed for the day; listed_at: when
    the newest was sent to be loaded. reason: why there is no value. studio: why Studio may show another number.
    """

    table: str
    channel_id: str
    day: date
    column: str
    value: Any
    reason: str | None
    state: str | None
    source: str | None
    definition: str | None
    file: File | None
    replaced: tuple[File, ...]
    listed: tuple[str, ...]
    listed_at: datetime | None
    answers: tuple[Answer, ...]
    studio: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """For programs: numbers as numbers, times and days as texts."""
        return {name: _plain(value) for name, value in asdict(self).items()}

    def as_text(self) -> str:
        """For people."""
        value = f"NULL, {self.reason}" if self.value is None else self.value
        lines = [f"{self.table}.{self.column} of {self.channel_id} on {self.day}: {value}"]
        lines += [f"  source      {self.source} ({self.state})"] if self.source else []
        lines += [f"  definition  {self.definition}"] if self.definition else []
        lines += [f"  file        {_of_file(self.file)}"] if self.file else []
        lines += (
            [f"  listed      {', '.join(self.listed)}; sent to be loaded {self.listed_at}"] if self.listed else []
        )
        lines += [f"  replaced    {_of_file(each)}" for each in self.replaced]
        lines += [
            f"  answer      {each.kind} of {each.start_day} to {each.end_day}, asked {each.asked_at}:"
            f" {each.reason or f'{each.row_count} rows'}"
            for each in self.answers
        ]
        return "\n".join([*lines, *(f"  Studio      {each}" for each in self.studio)])


def explain(
    warehouse: Warehouse,
    *,
    channel_id: str,
    day: date,
    column: str,
    listed: Sequence[str],
    listed_at: datetime | None,
    now: datetime,
) -> Explanation:
    """Explain a cell. listed, listed_at: what the coverage says of the day. Raises InvalidRequest."""
    if column not in SOURCES:
        raise InvalidRequest(f"Explained are the columns {', '.join(SOURCES)}.", field="column")
    report_type, query = SOURCES[column]
    about: dict[str, Any] = {"channel": channel_id, "day": day}
    row = next((dict(row) for row in run(warehouse, CELL, **about)), {})
    issues = run(warehouse, ISSUES_OF_DAY, report_type=report_type, **about) if report_type else ()
    files = tuple(File(**dict(each)) for each in issues)
    answers = () if files or query is None else run(warehouse, ANSWERS_OF_DAY, query=query, **about)
    told = tuple(Answer(**dict(each)) for each in answers)
    return Explanation(
        table=TABLE,
        channel_id=channel_id,
        day=day,
        column=column,
        value=row.get(column),
        reason=_reason(column, row),
        state=row.get("state") or ("final" if files else None),
        source=report_type if files else query if told else None,
        definition=row.get("views_definition") if "view" in column else None,
        file=files[0] if files else None,
        replaced=tuple(each for each in files if each.report_id != files[0].report_id),
        listed=tuple(listed),
        listed_at=listed_at,
        answers=told,
        studio=_studio(column, day, files, now),
    )


def _reason(column: str, row: Mapping[str, Any]) -> str | None:
    if row.get(column) is not None:
        return None
    if not row:
        return "not yet: nothing has come about this day"
    shared = "impressions_reason" if column == "click_through_rate" else "views_reason"
    names = (f"{column}_reason", _REASONS.get(column, shared), shared)
    found = next((row[name] for name in names if row.get(name)), None)
    return found or "there is nothing to divide by"


def _studio(column: str, day: date, files: Sequence[File], now: datetime) -> tuple[str, ...]:
    """Why YouTube Studio may show another number for a day."""
    ended = datetime.combine(day + timedelta(days=1), datetime.min.time(), PACIFIC)
    reasons = [
        (True, "A day is Pacific, from midnight to midnight; Studio's realtime figures run by the hour."),
        (
            now - ended < _SETTLES,
            "YouTube still corrects so young a day; Studio shows corrections before a report brings them.",
        ),
        (
            column == "estimated_revenue",
            "Revenue is an estimate in USD that is restated until the month is paid; Studio converts currencies.",
        ),
        (
            "view" in column,
            "A view was defined anew on 31 March 2025 (Shorts) and 24 August 2026; engaged views go on as before.",
        ),
        (
            column not in {"estimated_revenue", "impressions", "click_through_rate"},
            "Deleted videos and rows below YouTube's privacy threshold count here; Studio's lists leave them out.",
        ),
        (
            column in {"impressions", "click_through_rate"},
            "Only thumbnails that were shown on YouTube itself count, and a rate is weighted by impressions.",
        ),
        (len(files) > 1, "YouTube has issued this day more than once; older exports have the older number."),
    ]
    return tuple(text for holds, text in reasons if holds)


def _of_file(file: File) -> str:
    return (
        f"report {file.report_id}, {file.checksum}, {file.row_count} rows; issued {file.create_time}, loaded"
        f" {file.loaded_at}{f'; {file.findings}' if file.findings else ''}"
    )


def _plain(value: Any) -> Any:
    match value:
        case dict():
            return {name: _plain(each) for name, each in value.items()}
        case tuple() | list():
            return [_plain(each) for each in value]
        case datetime():
            return format_instant(value)
        case date():
            return value.isoformat()
        case None | bool() | int() | float() | str():
            return value
        case _:
            return float(value)  # an exact fraction of BigQuery's
