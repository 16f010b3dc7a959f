"""The quality checks: queries over the newest days, each of which answers what is not as it should be.

A check is a file in `sql/checks/` and a line in `checks.toml`: channel, day, what was looked at, its value and the
expected one. Every check is about one channel at a time. All are asked every day, but one that would read much is
asked once a week: what it found stands until then.
"""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from shared.clock import pacific_day
from shared.warehouse.load import load_ids_from
from shared.warehouse.report_types import REPORT_TYPES, ReportType
from shared.warehouse.statements import SQL, TYPES_LOADED, Statement, Warehouse, all_of, filled_in, reads, run

DAYS = timedelta(days=35)
MUCH = 4_000_000_000
"""Bytes that a check may read every day: three dollars a month for all, some 400 channels."""
RESULTS_MAX = 1_000
"""Results of one check that are looked at: who has more has one trouble, and not so many."""
_OVER = timedelta(days=1)  # after which a load is over


@dataclass(frozen=True, kw_only=True)
class Check(Statement):
    """One check, as one statement: its query once for each of its report types; `types` is () when it has none."""

    about: str
    threshold: float
    types: tuple[ReportType, ...]

    @property
    def text(self) -> str:
        query = (SQL / "checks" / f"{self.name}.sql").read_text()
        each = [_about(query, kind) for kind in self.types] or [query]
        return "\nUNION ALL\n".join(f"(\n{text})" for text in each) + f"\nLIMIT {RESULTS_MAX}"


@dataclass(frozen=True, kw_only=True)
class Result:
    """Something that is not as it should be."""

    channel_id: str
    date: date
    what: str
    value: float
    expected: float

    def __str__(self) -> str:
        return f"{self.channel_id}, {self.date}, {self.what}: {self.value:g}, expected {self.expected:g}"


_PARAMETERS = {"since": "DATE", "today": "DATE", "threshold": "FLOAT64", "before": "STRING"}


def _check(name: str, declared: dict[str, Any]) -> Check:
    wanted = declared.pop("types", ())
    types = tuple(
        each
        for each in REPORT_TYPES.values()
        if (wanted in each.columns if isinstance(wanted, str) else each.id in wanted)
    )
    return Check(name=name, parameters=_PARAMETERS, types=types, **declared)


CHECKS = tuple(
    _check(name, declared)
    for name, declared in tomllib.loads(Path(__file__).with_suffix(".toml").read_text()).items()
)


def asked(check: Check, kinds: Collection[str]) -> Check | None:
    """A check of the report types that are loaded; None when there are none for it."""
    types = tuple(each for each in check.types if each.id in kinds)
    if check.types and not types:
        return None
    return replace(check, types=types)


def _about(query: str, kind: ReportType) -> str:
    outside = [
        f"IF({name} < 0{' OR ' + name + ' > 100' if name == 'views_percentage' else ''}, '{name} ', '')"
        for name in kind.metrics
    ]
    filled = {
        "type": kind.id,
        "table": kind.table,
        "outside": ", ".join(outside),
        "subject": all_of([f"raw.{name}" for name in kind.dimensions]),
        "about_something": "IFNULL(raw.video_id, '') != ''" if "video_id" in kind.dimensions else "TRUE",
    }
    return filled_in(query, filled)


def run_checks(
    warehouse: Warehouse, now: datetime, *, everything: bool = False
) -> Iterator[tuple[Check, list[Result]]]:
    """The day's checks with their results, or all. Raises as `run`, for the check that follows."""
    today = pacific_day(now)
    values: dict[str, Any] = {"since": today - DAYS, "today": today, "before": load_ids_from(now - _OVER)}
    kinds = {row["report_type"] for row in run(warehouse, TYPES_LOADED, since=today - DAYS)}
    for place, check in enumerate(CHECKS):
        statement, given = asked(check, kinds), {"threshold": check.threshold, **values}
        if statement is None:
            yield check, []
        elif everything or asked_on(today, place, reads(warehouse, statement, given)):
            found = (dict(row) for row in run(warehouse, statement, **given))  # numbers may be of any type
            numbers = ("value", "expected")
            yield check, [Result(**row | {name: float(row[name]) for name in numbers}) for row in found]


def asked_on(today: date, place: int, size: int) -> bool:
    """Whether the check of this place is asked today. size: the bytes that it would read."""
    return size <= MUCH or today.toordinal() % 7 == place % 7
