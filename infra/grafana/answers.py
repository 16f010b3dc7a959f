"""What each panel answers in one warehouse, and the guide's three queries as the record `dashboards.md` has them.

A panel whose answer is empty where it ought not be is a problem like one that cannot be asked.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from google.api_core.exceptions import GoogleAPICallError
from google.cloud import bigquery

from infra.deployment import ROOT
from infra.grafana.panels import dashboards, spoken
from shared.clock import pacific_day, pacific_midnight
from shared.quota.profile import Profile
from shared.warehouse.statements import Warehouse, placed

MAY_BE_EMPTY = frozenset({"quota_refused", "reasons", "days_missing", "odd_reports", "findings", "error_rate"})
"""Panels that show what is wrong, and a rate that says nothing of a few calls: nothing, while nothing is."""
_UNITS = {"h": "hours", "d": "days"}
RECORD = ROOT / "infra" / "decisions" / "dashboards.md"


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What was asked, by its board and name; its rows, or in `failed` why there are none."""

    board: str
    name: str
    rows: Sequence[Mapping[str, Any]] = ()
    failed: str = ""

    @property
    def problem(self) -> str:
        """What is wrong with it; empty where nothing is."""
        empty = "" if self.rows or self.name in MAY_BE_EMPTY else "its answer is empty"
        return f"panel {self.board}/{self.name}: {self.failed or empty}" if self.failed or empty else ""


def answers(warehouse: Warehouse, now: datetime, profile: Profile | None = None) -> Iterator[Answer]:
    """Every panel's answer for its dashboard's own range, and the guide's three.

    Of the dashboard that adds up owners, none: its view is only there with the setting.
    """
    for board in dashboards():
        for each in board.panels if not board.total else ():
            text = spoken(each.query, began(board.since, now), now, profile=profile)
            yield _answer(warehouse, board.name, each.query, text)
    ours = re.findall(r"```sql\n(.*?)```", RECORD.read_text(), re.DOTALL)[1::2]
    given = bigquery.ScalarQueryParameter("now", "TIMESTAMP", now)
    for name, text in zip(("quota used", "success by endpoint", "channel sync status"), ours, strict=True):
        yield _answer(warehouse, "guide", name, text, given)


def _answer(warehouse: Warehouse, board: str, name: str, text: str, *given: Any) -> Answer:
    config = bigquery.QueryJobConfig(query_parameters=list(given))
    try:
        found = warehouse.client.query(placed(text, warehouse), job_config=config).result()
        return Answer(board=board, name=name, rows=[dict(row) for row in found])
    except GoogleAPICallError as error:
        return Answer(board=board, name=name, failed=str(error.message or error)[:300])


def began(since: str, now: datetime) -> datetime:
    """Where a range begins, as Grafana writes it: now-24h, now-30d, or now/d for the Pacific day."""
    if since == "now/d":
        return pacific_midnight(pacific_day(now))
    length, unit = re.fullmatch(r"now-(\d+)([hd])", since).groups()  # type: ignore[union-attr]
    return now - timedelta(**{_UNITS[unit]: int(length)})


def as_text(answer: Answer, most: int = 5) -> str:
    """An answer for people: its first rows, and how many there are."""
    head = f"{answer.board}/{answer.name}: {answer.problem or f'{len(answer.rows)} rows'}"
    return "\n".join([head, *("  " + ", ".join(f"{k}={v}" for k, v in row.items()) for row in answer.rows[:most])])
