"""Lists a channel's new reports of one type: its reporting job is ensured, and what is new noted in the coverage.

Collecting costs none of the Data API's quota. A cursor on `createTime`, not on the day, is what keeps corrections:
YouTube issues a day again under a newer `createTime`. The order is: note in the coverage, dispatch, say so. A run
that dies after noting is found out by the next one: what it noted is newer than the job's `dispatched_at`. Of few
reports that is not said: who lists again before they are loaded sends them twice, which costs their download. Now
and then everything is listed, without the cursor: a report can appear in the list days after its `createTime`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from shared.clock import pacific_day
from shared.cloud.steps import Docs
from shared.collection.coverage import Coverage, Days, after_listing, issue_of, overdue, ref_of
from shared.collection.expectation import KEPT, Settled, State
from shared.collection.jobs import Job
from shared.collection.reporting_jobs import ReportingJobs, listed
from shared.errors import NotFound
from shared.monitoring.log import log
from shared.warehouse.rows import ReportRef
from shared.youtube import reporting
from shared.youtube.client import Caller

OVERLAP = timedelta(hours=24)  # Google's listings are not promised to be in step with createTime
WHOLE_EVERY = timedelta(days=3)  # a whole list is one request more often than not: 75 reports, of 500 a page
_FEW = 3
NOT_CONNECTED = "notConnected"  # `shared.access` says so of a channel that was disconnected


@dataclass(frozen=True, kw_only=True)
class Found:
    """What the listing of one report type brought: the reports to dispatch, and the job once that is done.

    listed, superseded: how many reports were new, and how many replaced. settled: how much of all of them is.
    noted: whether the job is stored like that, but for `dispatched_at`. seen: if not, its document as it was read.
    stored: whether anything is that a disconnect would have to take back.
    """

    to_load: tuple[ReportRef, ...]
    listed: int
    superseded: int
    settled: Settled
    advanced: Job
    noted: bool = False
    seen: Docs | None = None
    stored: bool = True

    @property
    def to_note(self) -> bool:
        """Whether the job is to be noted once the reports are dispatched."""
        return not self.noted or len(self.to_load) > _FEW


def to_read(job: Job, refs: Sequence[ReportRef], *, now: datetime) -> set[date]:
    """The days whose months a listing looks at: what it brought, and what is open and can still be had.

    None if there is nothing of either; else with today, so that every month since the first of them is read.
    """
    kept = {date.fromisoformat(day) for day, issue in job.open.items() if now - issue.create_time < KEPT}
    days = kept | {ref.day for ref in refs}
    return days and days | {pacific_day(now)}


def noted(
    job: Job, days: Days, refs: Sequence[ReportRef], *, now: datetime, since: date = date.max
) -> tuple[Found, Days]:
    """Fold a listing, and what earlier runs and loads left behind, into the coverage: the days that change.

    days: those that are known from `since` on; of earlier ones the job says enough.
    """
    again = overdue(days, now=now, dispatched_at=job.dispatched_at)
    listing = after_listing({**days, **again}, refs, now=now)
    changed = {**again, **listing.changed}
    to_load = [
        *listing.to_load,
        *(ref_of(job.channel_id, job.report_type, day, again[day]) for day in again if day not in listing.changed),
    ]
    after = {**days, **changed}
    job = replace(
        job,
        cursor=max((*(ref.create_time for ref in refs), *filter(None, [job.cursor])), default=None),
        # A run that dispatches nothing knows nothing of what another has noted meanwhile.
        dispatched_at=now if to_load else job.dispatched_at,
        seen_at=now,
        open={
            **{day: issue for day, issue in job.open.items() if date.fromisoformat(day) not in after},
            **{
                day.isoformat(): issue_of(entry) for day, entry in after.items() if entry.state is not State.LOADED
            },
        },
        absent=absent(job, after, now=now, since=since),
    )
    found = Found(
        to_load=tuple(to_load),
        listed=listing.new,
        superseded=listing.superseded,
        settled=job.known.settled(now),
        advanced=replace(job, at_risk=job.known.at_risk(now)),
    )
    return found, changed


def absent(job: Job, days: Days, *, now: datetime, since: date) -> tuple[str, ...]:
    """The days that have ended and have no report; for those before `since`, as far as the job knows."""
    known = job.known

    def has_none(day: date) -> bool:
        return day not in days if day >= since else not (known.loaded(day) or day.isoformat() in job.open)

    return tuple(day.isoformat() for day in known.days(now) if has_none(day))


def find(jobs: ReportingJobs, caller: Caller, channel_id: str, report_type: str) -> Found:
    """What is new of one report type. Raises the errors of `shared/youtube`.

    The caller dispatches what was found, durably, and then notes `advanced`.
    """
    now = jobs.clock()
    job, seen = jobs.ensured(caller, channel_id, report_type)
    try:
        job, refs = _listed(caller, job, now=now)
    except NotFound as error:
        if error.reason == NOT_CONNECTED:
            raise
        # Days that were not fetched in time come again under the reports of a new job.
        log("WARNING", "a reporting job is gone", channel=channel_id, report=report_type)
        job, refs = replace(job, ends_at=min(now, job.ends_at or now)), []
    if job.ended(now) and job.retired_at is None:
        renewed = jobs.renewed(caller, job)
        if renewed.job_id == job.job_id:
            job = renewed
        else:
            job, more = _listed(caller, renewed, now=now)
            refs, seen = refs + more, None
    asked = to_read(job, refs, now=now)
    if not asked:
        return replace(noted(job, {}, refs, now=now)[0], seen=seen, stored=seen is None)
    since = min(asked).replace(day=1)

    def decide(days: Days) -> tuple[Found, Days]:
        found, changed = noted(job, days, refs, now=now, since=since)
        return replace(found, noted=True, stored=bool(changed) or seen is None), changed

    found, _ = Coverage(jobs.client).changed(
        channel_id,
        report_type,
        asked,
        decide,
        seen=seen,
        advanced=lambda found, stored: listed(found.advanced, stored),
    )
    return found


def _listed(caller: Caller, job: Job, *, now: datetime) -> tuple[Job, list[ReportRef]]:
    """A job's reports since its cursor, or all of them when it is time for that; and what it says of its end."""
    whole = job.cursor is None or job.whole_at is None or now - job.whole_at >= WHOLE_EVERY
    after = None if whole or job.cursor is None else job.cursor - OVERLAP
    reports = reporting.list_reports(caller, job.job_id, created_after=after)
    job = replace(
        job,
        whole_at=now if whole else job.whole_at,
        ends_at=reports[-1].job_expires_at if reports else job.ends_at,
    )
    return job, [listed_ref(job, report) for report in reports]


def listed_ref(job: Job, report: reporting.Report) -> ReportRef:
    """A report that YouTube lists for a job, or for one before it."""
    return ReportRef(
        report_id=report.id,
        channel_id=job.channel_id,
        report_type=job.report_type,
        job_id=report.job_id,
        day=pacific_day(report.start),
        create_time=report.created_at,
        download_url=report.download_url,
    )
