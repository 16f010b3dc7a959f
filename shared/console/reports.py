"""The reports of channels as the operator needs them: how many days ought to be there, and what is missing why.

A missing day is told with since when, what was done about it, and when it is lost.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from shared.clock import days, last_full_day
from shared.collection.jobs import AT_RISK, NOT_DUE, Expectation, Job, Standing, on, standing
from shared.console.words import called

GRID_DAYS = 35


@dataclass(frozen=True, kw_only=True)
class MissingDay:
    """One missing day. why, done: in words. lost: whether it is too late."""

    day: date
    standing: str
    why: str
    since: datetime | None
    done: str
    lost_at: datetime | None
    lost: bool


@dataclass(frozen=True, kw_only=True)
class ReportsRow:
    """A channel's reports of one type, in days. note: what is to be known of its reporting job, in words."""

    report_type: str
    expected: int
    loaded: int
    on_its_way: int
    missing: tuple[MissingDay, ...]
    note: str

    def as_row(self) -> dict[str, Any]:
        """The row as the page shows it."""
        return {**vars(self), "missing": len(self.missing)}


def rows(jobs: Iterable[Job], *, now: datetime) -> tuple[ReportsRow, ...]:
    """The row of each of a channel's jobs: what is lost first comes first."""
    return tuple(sorted((_row(job, now) for job in jobs), key=_order))


def grid(jobs: Iterable[Job], about: Callable[[Job], Mapping[str, Any]], *, now: datetime) -> dict[str, Any]:
    """Where each of the newest GRID_DAYS days stands, a row for each job. about: what else a row says."""
    until = last_full_day(now)
    shown = list(days(until - timedelta(days=GRID_DAYS - 1), until))
    return {
        "days": shown,
        "rows": [{**about(job), "days": [_standing(job, day, now) for day in shown]} for job in jobs],
    }


def _standing(job: Job, day: date, now: datetime) -> str:
    if job.loaded(day) and day >= job.first:
        return Standing.LOADED.value
    return standing(day, job.open.get(day.isoformat()), job, now=now).standing.value


def _order(row: ReportsRow) -> tuple[datetime, str]:
    deadlines = (each.lost_at for each in row.missing if not each.lost and each.lost_at is not None)
    first = min(deadlines, default=datetime.max.replace(tzinfo=UTC))
    return first, row.report_type


def _row(job: Job, now: datetime) -> ReportsRow:
    unloaded = {day: each for day, each in job.unloaded(now).items() if each.standing not in NOT_DUE}
    whole = sum(job.loaded(day) for day in job.days(now))
    return ReportsRow(
        report_type=job.report_type,
        expected=whole + sum(not job.loaded(day) for day in unloaded),
        loaded=whole,
        on_its_way=sum(each.standing in {Standing.LISTED, Standing.SUPERSEDED} for each in unloaded.values()),
        missing=tuple(_missing(job, day, each) for day, each in job.missing(now).items()),
        note=_note(job, now),
    )


def _missing(job: Job, day: date, found: Expectation) -> MissingDay:
    why = called("missing", found.standing) + (f" ({found.reason})" if found.reason else "")
    return MissingDay(
        day=day,
        standing=found.standing.value,
        why=why,
        since=found.since,
        done=_done(job, found),
        lost_at=found.lost_at,
        lost=found.standing not in AT_RISK,
    )


def _done(job: Job, found: Expectation) -> str:
    if found.standing is Standing.FAILED:
        return "It is tried again every day"
    if job.whole_at is None:
        return "Its reports are to be listed"
    return f"YouTube's whole list was last read on {on(job.whole_at)}"


def _note(job: Job, now: datetime) -> str:
    if job.retired_at is not None:
        return f"YouTube retired this report type on {on(job.retired_at)}"
    if job.ends_at is None:
        return ""
    if job.ended(now):
        return f"Its reporting job expired on {on(job.ends_at)}, and is not replaced yet"
    return f"Its reporting job expires on {on(job.ends_at)}; another will take its place"
