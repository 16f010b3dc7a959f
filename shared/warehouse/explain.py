"""Explains one cell of `youtube_metrics` or `video_performance`: which files or answers it is from.

Also what those replaced, why it is NULL, and why YouTube Studio may show another number (`explain.toml`). Reads
two or three statements; nothing is computed anew.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from shared.clock import pacific_midnight
from shared.errors import InvalidRequest
from shared.warehouse.statements import Statement, Warehouse, run

_DECLARED = tomllib.loads(Path(__file__).with_suffix(".toml").read_text())
METRICS, VIDEOS = "youtube_metrics", "video_performance"
COLUMNS: Mapping[str, Mapping[str, Mapping[str, str]]] = {table: _DECLARED[table] for table in (METRICS, VIDEOS)}
CELL = Statement("cell", {"channel": "STRING", "day": "DATE"})
ISSUES_OF_DAY = Statement("issues_of_day", {"channel": "STRING", "day": "DATE", "report_type": "STRING"})
ANSWERS_OF_DAY = Statement("answers_of_day", {"channel": "STRING", "day": "DATE", "query": "STRING"})
CELLS_OF_VIDEOS = Statement("cells_of_videos", {"channel": "STRING", "videos": "ARRAY<STRING>"})
REPORTS_OF_VIDEOS = Statement("reports_of_videos", {"channel": "STRING", "videos": "ARRAY<STRING>"})
ANSWERS_OF_VIDEO = Statement("answers_of_video", {"channel": "STRING", "video": "STRING"})
READINGS_OF_VIDEO = Statement("readings_of_video", {"channel": "STRING", "video": "STRING"})
_YOUNG = timedelta(days=10)

Row = Mapping[str, Any]
Found = tuple[Row, Sequence[Row], Sequence[Row]]
"""What a cell is explained from: its row of the view, the files and the answers about it."""


@dataclass(frozen=True, kw_only=True)
class Explanation:
    """Where a cell is from. source: a report type, an Analytics query or videos.list; None where nothing has come.

    subject: a Pacific day or a video's id. state: final, provisional or history. reason: why there is no value.
    files: the manifest's rows of reports: of a day all that were loaded, the one that counts first; of a video
    those that count and name it, the newest day first, each with its part of the number (`value`). answers:
    Analytics' or the Data API's about it, the newest first. listed: every report that YouTube has listed for the
    day, if asked; listed_at: when the newest was sent to be loaded. studio: why Studio may show another number.
    """

    table: str
    channel_id: str
    subject: date | str
    column: str
    value: Any
    reason: str | None
    state: str | None
    source: str | None
    definition: str | None
    files: tuple[Row, ...]
    answers: tuple[Row, ...]
    studio: tuple[str, ...]
    listed: tuple[str, ...] = ()
    listed_at: datetime | None = None


def explain(
    warehouse: Warehouse, *, channel_id: str, subject: date | str, column: str, now: datetime
) -> Explanation:
    """Explain a cell: of `youtube_metrics` by day, of `video_performance` by video. Raises InvalidRequest."""
    table = METRICS if isinstance(subject, date) else VIDEOS
    if column not in COLUMNS[table]:
        raise InvalidRequest(f"Explained are the columns {', '.join(COLUMNS[table])} of {table}.", field="column")
    report_type, query = (COLUMNS[table][column].get(name) for name in ("report_type", "query"))

    def asked(statement: Statement, **values: Any) -> list[Row]:
        return [dict(row) for row in run(warehouse, statement, channel=channel_id, **values)]

    if isinstance(subject, date):
        rows = asked(CELL, day=subject)
        files = asked(ISSUES_OF_DAY, day=subject, report_type=report_type) if report_type else []
        answers = asked(ANSWERS_OF_DAY, day=subject, query=query) if query and not files else []
    else:
        rows = asked(CELLS_OF_VIDEOS, videos=[subject])
        files = asked(REPORTS_OF_VIDEOS, videos=[subject]) if report_type else []
        of_video = ANSWERS_OF_VIDEO if query else READINGS_OF_VIDEO
        answers = asked(of_video, video=subject) if not report_type else []
    return explained(channel_id, subject, column, (rows[0] if rows else {}, files, answers), now)


def explained(channel_id: str, subject: date | str, column: str, found: Found, now: datetime) -> Explanation:
    """The explanation of a cell from what was found about it. Pure."""
    row, files, answers = found
    table = METRICS if isinstance(subject, date) else VIDEOS
    of = COLUMNS[table][column]
    young, again = False, False
    if isinstance(subject, date):
        young, again = now - pacific_midnight(subject) < _YOUNG, len(files) > 1
    else:
        files = [{**each, "value": each[column]} for each in files]
    return Explanation(
        table=table,
        channel_id=channel_id,
        subject=subject,
        column=column,
        value=row.get(column),
        reason=_reason(column, of, row),
        state=row.get("state"),
        source=of.get("report_type") if files else of.get("query", "videos.list") if answers else None,
        definition=row.get("views_definition") if "view" in column else None,
        files=tuple(files),
        answers=tuple(answers),
        studio=_studio(table, column, {"young": young, "issued again": again}),
    )


def _reason(column: str, of: Mapping[str, str], row: Row) -> str | None:
    """Why a cell is NULL, as the view says; None for one that is not."""
    if row.get(column) is not None:
        return None
    if not row:
        return "not yet: nothing has come about it"
    return row.get(of.get("reason", f"{column}_reason")) or "there is nothing that it could be made of"


def _studio(table: str, column: str, holds: Mapping[str, bool]) -> tuple[str, ...]:
    return tuple(
        each["says"]
        for each in _DECLARED["studio"]
        if column in each.get("columns", COLUMNS[table])
        and table == each.get("table", table)
        and ("when" not in each or holds[each["when"]])
    )
