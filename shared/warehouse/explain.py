"""Explains one cell of `youtube_metrics`: which file or answer it is from, what that replaced, and why it is NULL.

Also why YouTube Studio may show another number (`explain.toml`). Reads three statements; nothing is computed anew.
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
from shared.warehouse.statements import ANSWERS_OF_DAY, CELL, ISSUES_OF_DAY, Warehouse, run

TABLE = "youtube_metrics"
_DECLARED = tomllib.loads(Path(__file__).with_suffix(".toml").read_text())
COLUMNS: Mapping[str, Mapping[str, str]] = _DECLARED["columns"]
_YOUNG = timedelta(days=10)

Row = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Explanation:
    """Where a cell is from. source: a report type or an Analytics query; None where nothing has come.

    state: final, provisional or history. reason: why there is no value. files: the manifest's rows of the reports
    that were loaded for the day, the one that counts first. answers: the Analytics API's about it, the newest
    first. listed: every report that YouTube has listed; listed_at: when the newest was sent to be loaded.
    studio: why YouTube Studio may show another number.
    """

    channel_id: str
    day: date
    column: str
    value: Any
    reason: str | None
    state: str | None
    source: str | None
    definition: str | None
    files: tuple[Row, ...]
    answers: tuple[Row, ...]
    listed: tuple[str, ...]
    listed_at: datetime | None
    studio: tuple[str, ...]


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
    if column not in COLUMNS:
        raise InvalidRequest(f"Explained are the columns {', '.join(COLUMNS)}.", field="column")
    report_type, query = (COLUMNS[column].get(name) for name in ("report_type", "query"))
    about: dict[str, Any] = {"channel": channel_id, "day": day}
    row = next((dict(row) for row in run(warehouse, CELL, **about)), {})
    issues = run(warehouse, ISSUES_OF_DAY, report_type=report_type, **about) if report_type else ()
    files = tuple(dict(each) for each in issues)
    told = () if files or query is None else run(warehouse, ANSWERS_OF_DAY, query=query, **about)
    answers = tuple(dict(each) for each in told)
    return Explanation(
        channel_id=channel_id,
        day=day,
        column=column,
        value=row.get(column),
        reason=_reason(column, row),
        state=row.get("state"),
        source=report_type if files else query if answers else None,
        definition=row.get("views_definition") if "view" in column else None,
        files=files,
        answers=answers,
        listed=tuple(listed),
        listed_at=listed_at,
        studio=_studio(column, young=now - pacific_midnight(day) < _YOUNG, issued_again=len(files) > 1),
    )


def _reason(column: str, row: Row) -> str | None:
    """Why a cell is NULL, as the view says; None for one that is not."""
    if row.get(column) is not None:
        return None
    if not row:
        return "not yet: nothing has come about this day"
    told = row.get(COLUMNS[column].get("reason", f"{column}_reason"))
    return told or "there is nothing that it could be made of"


def _studio(column: str, *, young: bool, issued_again: bool) -> tuple[str, ...]:
    holds = {None: True, "young": young, "issued again": issued_again}
    return tuple(
        each["says"]
        for each in _DECLARED["studio"]
        if column in each.get("columns", COLUMNS) and holds[each.get("when")]
    )
