"""The reports of channels as the operator needs them: how many days ought to be there, and what is missing why.

A missing day is told with since when, what was done about it, and when it is lost.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

from shared.clock import days, last_full_day
from shared.collection.jobs import AT_RISK, NOT_DUE, Expectation, Job, Standing, on, standing
from shared.console.words import called

GRID_DAYS = 35


def rows(jobs: Iterable[Job], *, now: datetime) -> list[dict[str, Any]]:
    """A channel's reports of each type, in days; what is lost first comes first.

    missing: the days, each with `why` and what was `done` in words, and whether it is `lost` for good. note: what
    is to be known of the reporting job.
    """
    return sorted((_row(job, now) for job in jobs), key=_order)


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


def _order(row: Mapping[str, Any]) -> tuple[datetime, str]:
    deadlines = (each["lost_at"] for each in row["missing"] if not each["lost"] and each["lost_at"] is not None)
    return min(deadlines, default=datetime.max.replace(tzinfo=UTC)), row["report_type"]


def _row(job: Job, now: datetime) -> dict[str, Any]:
    unloaded = {day: each for day, each in job.unloaded(now).items() if each.standing not in NOT_DUE}
    whole = sum(job.loaded(day) for day in job.days(now))
    return {
        "report_type": job.report_type,
        "expected": whole + sum(not job.loaded(day) for day in unloaded),
        "loaded": whole,
        "on_its_way": sum(each.standing in {Standing.LISTED, Standing.SUPERSEDED} for each in unloaded.values()),
        "missing": [_missing(job, day, each) for day, each in job.missing(now).items()],
        "note": _note(job, now),
    }


def _missing(job: Job, day: date, found: Expectation) -> dict[str, Any]:
    if found.standing is Standing.FAILED:
        done = "It is tried again every day"
    elif job.whole_at is None:
        done = "Its reports are to be listed"
    else:
        done = f"YouTube's whole list was last read on {on(job.whole_at)}"
    return {
        "day": day,
        "standing": found.standing.value,
        "why": called("missing", found.standing) + (f" ({found.reason})" if found.reason else ""),
        "since": found.since,
        "done": done,
        "lost_at": found.lost_at,
        "lost": found.standing not in AT_RISK,
    }


def _note(job: Job, now: datetime) -> str:
    if job.retired_at is not None:
        return f"YouTube retired this report type on {on(job.retired_at)}"
    if job.ends_at is None:
        return ""
    if job.ended(now):
        return f"Its reporting job expired on {on(job.ends_at)}, and is not replaced yet"
    return f"Its reporting job expires on {on(job.ends_at)}; another will take its place"
