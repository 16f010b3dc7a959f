"""The coverage: for each channel, report type and day, which report was listed, loaded, replaced or unreadable.

YouTube issues one report a Pacific day, and may issue it again: same day, new id, newer `createTime`. The newest
counts. What is not loaded stands with the reporting job (`jobs`) besides. Pure; `packs` stores it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import date, datetime, timedelta

from shared.clock import format_instant, pacific_day
from shared.collection.jobs import KEPT, Issue, Job, State
from shared.data_map import REPORTS
from shared.records import Mapper
from shared.warehouse.load import load_ids_from
from shared.warehouse.rows import ReportRef

RESEND_AFTER = timedelta(hours=1)  # a listed report that is not loaded by then is dispatched once more
RETRY_FAILED_AFTER = timedelta(hours=20)  # an unreadable report is tried once a day: it, or we, may be mended

AGAIN = "backfill"
"""The reason of a day that is loaded again although it is loaded (`backfill`)."""


@dataclass(frozen=True, kw_only=True)
class Day:
    """A day's newest report. noted_at: when a run last meant to dispatch it. superseded: ids of older issues.

    rows, load_id: of the newest issue that is loaded, which is an older one's until this one is.
    """

    report_id: str
    create_time: datetime
    state: State
    noted_at: datetime
    job_id: str
    download_url: str
    superseded: tuple[str, ...] = ()
    rows: int | None = None
    load_id: str | None = None
    reason: str | None = None


Days = Mapping[date, Day]


@dataclass(frozen=True)
class Listing:
    """What a listing changes: the days to write, the reports to load, and how many were new or replaced."""

    changed: dict[date, Day]
    to_load: tuple[ReportRef, ...]
    new: int
    superseded: int


def after_listing(days: Days, listed: Iterable[ReportRef], *, now: datetime) -> Listing:
    """Fold a listing into the days that are known. The same reports again change nothing, in any order."""
    changed: dict[date, Day] = {}
    to_load: dict[date, ReportRef] = {}
    new = replaced = 0
    for ref in sorted(listed, key=_issue):
        known = changed.get(ref.day) or days.get(ref.day)
        if known is not None and ref.report_id in (known.report_id, *known.superseded):
            continue
        new += 1
        replaced += known is not None
        if known is not None and _issue(ref) < _issue(known):
            changed[ref.day] = replace(known, superseded=(*known.superseded, ref.report_id))
            continue
        to_load[ref.day] = ref
        changed[ref.day] = Day(
            report_id=ref.report_id,
            create_time=ref.create_time,
            state=State.LISTED,
            noted_at=now,
            job_id=ref.job_id,
            download_url=ref.download_url,
            superseded=() if known is None else (*known.superseded, known.report_id),
            rows=None if known is None else known.rows,
            load_id=None if known is None else known.load_id,
        )
    return Listing(changed, tuple(to_load[day] for day in sorted(to_load)), new, replaced)


def _issue(report: ReportRef | Day) -> tuple[datetime, str]:
    """What orders the issues of one day; the id breaks ties, so that every reader agrees."""
    return report.create_time, report.report_id


def overdue(days: Days, *, now: datetime, dispatched_at: datetime | None) -> dict[date, Day]:
    """Days whose report has to be dispatched once more, noted now.

    Those that were dispatched and have not arrived, those that could not be read yesterday, and those that were
    noted after `dispatched_at` (what was noted last and certainly dispatched): their run died in between.
    """

    def is_overdue(entry: Day) -> bool:
        if entry.state is State.LOADED or now - entry.create_time >= KEPT:
            return False
        age = now - entry.noted_at
        if entry.state is State.FAILED:
            return age >= RETRY_FAILED_AFTER
        return age >= RESEND_AFTER or dispatched_at is None or entry.noted_at > dispatched_at

    late = ((day, entry) for day, entry in days.items() if is_overdue(entry))
    return {day: replace(entry, state=State.LISTED, noted_at=now) for day, entry in late}


def issue_of(entry: Day) -> Issue:
    """What is known of a day's newest report, in short."""
    return Issue(**{each.name: getattr(entry, each.name) for each in fields(Issue)})


def ref_of(channel_id: str, report_type: str, day: date, entry: Day) -> ReportRef:
    """The report that a day's entry stands for; of one that is to be loaded again, a load since then counts."""
    return ReportRef(
        report_id=entry.report_id,
        channel_id=channel_id,
        report_type=report_type,
        job_id=entry.job_id,
        day=day,
        create_time=entry.create_time,
        download_url=entry.download_url,
        newer_than=load_ids_from(entry.noted_at) if entry.reason == AGAIN else "",
    )


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What became of one report in a load: rows and load id, or the reason why it cannot be read."""

    ref: ReportRef
    rows: int | None = None
    load_id: str | None = None
    reason: str | None = None


def after_load(day: Day | None, outcome: Outcome) -> Day | None:
    """The day's entry once its newest report was loaded or found unreadable; None when that changes nothing."""
    if day is None or day.report_id != outcome.ref.report_id or day.state is State.LOADED:
        return None
    if outcome.load_id is None:
        return replace(day, state=State.FAILED, reason=outcome.reason)
    return replace(day, state=State.LOADED, rows=outcome.rows, load_id=outcome.load_id, reason=None)


@dataclass(frozen=True, kw_only=True)
class Month:
    """A month of one channel and report type, by ISO days. hashes: of each entry, as we wrote it."""

    name: str
    channel_id: str
    report_type: str
    days: Mapping[str, Day] = field(default_factory=dict)
    hashes: Mapping[str, str] = field(default_factory=dict)

    def with_days(self, days: Mapping[str, Day]) -> Month:
        hashes = {day: self._hash(day, entry) for day, entry in days.items()}
        return replace(self, days={**self.days, **days}, hashes={**self.hashes, **hashes})

    def as_written(self, day: str) -> bool:
        """Whether a day's entry is as `with_days` has written it."""
        return self.hashes.get(day) == self._hash(day, self.days[day])

    def _hash(self, day: str, entry: Day) -> str:
        text = json.dumps([self.name, day, vars(entry)], default=format_instant)
        return hashlib.sha256(text.encode()).hexdigest()


MONTHS = Mapper(Month, REPORTS.path, key="name")


def opened(job: Job, changed: Days) -> Job:
    """The reporting job with the days that are not loaded, after some have changed."""
    left = dict(job.open)
    for day, entry in changed.items():
        left.pop(day.isoformat(), None)
        if entry.state is not State.LOADED:
            left[day.isoformat()] = issue_of(entry)
    failed = any(entry.state is State.FAILED for entry in changed.values())
    return replace(job, open=left, at_risk=job.at_risk or failed)


def recorded(outcomes: Iterable[Outcome], days: Days) -> dict[date, Day]:
    """The days that change by what became of reports. It begins no day, so nothing deleted comes back."""
    entries = ((each.ref.day, after_load(days.get(each.ref.day), each)) for each in outcomes)
    return {day: entry for day, entry in entries if entry is not None}


def unloaded(connection: str, days: Days) -> dict[date, Day]:
    """The days that change when what a connection has loaded is erased; the next run dispatches them."""
    return {
        day: not_loaded(entry)
        for day, entry in days.items()
        if entry.load_id is not None and entry.load_id.endswith(connection)
    }


def not_loaded(entry: Day, *, reason: str | None = None) -> Day:
    """A day's entry whose rows are not in the warehouse after all; the next run dispatches its report."""
    if entry.state is State.FAILED:
        return replace(entry, rows=None, load_id=None)
    return replace(entry, state=State.LISTED, rows=None, load_id=None, noted_at=entry.create_time, reason=reason)


def window(now: datetime) -> tuple[date, date]:
    """The first and last day of which YouTube can still have a report."""
    today = pacific_day(now)
    return today - KEPT, today
