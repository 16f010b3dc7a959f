"""Lists a channel's new reports of one type: its reporting job is ensured, and what is new noted in the coverage.

Collecting costs none of the Data API's quota. A cursor on `createTime`, not on the day, is what keeps corrections:
YouTube issues a day again under a newer `createTime`. The order is: note in the coverage, dispatch, advance. A run
that dies after noting is found out by the next one: what it noted is newer than the job's `dispatched_at`.

    reports/<channel>:<report type>          the reporting job
    reports/<channel>:<report type>:<month>  the coverage
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from shared.clock import Clock, pacific_day
from shared.cloud.calls import call_options
from shared.collection.coverage import COLLECTION, Coverage, Days, State, after_listing, overdue, ref_of, window
from shared.errors import NotFound
from shared.monitoring.log import log
from shared.records import Mapper
from shared.warehouse.rows import ReportRef
from shared.youtube import reporting
from shared.youtube.client import Caller

if TYPE_CHECKING:
    from google.cloud.firestore import Client

OVERLAP = timedelta(hours=24)  # Google's listings are not promised to be in step with createTime
NOT_CONNECTED = "notConnected"  # `shared.access` says so of a channel that was disconnected


@dataclass(frozen=True, kw_only=True)
class Job:
    """A channel's reporting job for one report type.

    cursor: the newest creation time that was listed. dispatched_at: what was noted by then has gone to `ingest`.
    """

    name: str
    channel_id: str
    report_type: str
    job_id: str
    cursor: datetime | None = None
    dispatched_at: datetime | None = None


JOBS = Mapper(Job, COLLECTION, key="name")


@dataclass(frozen=True, kw_only=True)
class Found:
    """What the listing of one report type brought: the reports to dispatch, and the job once that is done.

    listed, superseded: how many reports were new, and how many replaced; waiting: how many are not loaded yet.
    """

    to_load: tuple[ReportRef, ...]
    listed: int
    superseded: int
    waiting: int
    job: Job
    advanced: Job


def noted(job: Job, days: Days, refs: Sequence[ReportRef], *, now: datetime) -> tuple[Found, Days]:
    """Fold a listing, and what earlier runs and loads left behind, into the coverage: the days that change."""
    again = overdue(days, now=now, dispatched_at=job.dispatched_at)
    listing = after_listing({**days, **again}, refs, now=now)
    changed = {**again, **listing.changed}
    to_load = [
        *listing.to_load,
        *(ref_of(job.channel_id, job.report_type, day, again[day]) for day in again if day not in listing.changed),
    ]
    advanced = replace(
        job,
        cursor=max((*(ref.create_time for ref in refs), *filter(None, [job.cursor])), default=None),
        # A run that dispatches nothing knows nothing of what another has noted meanwhile.
        dispatched_at=now if to_load else job.dispatched_at,
    )
    found = Found(
        to_load=tuple(to_load),
        listed=listing.new,
        superseded=listing.superseded,
        waiting=sum(entry.state is State.LISTED for entry in {**days, **changed}.values()),
        job=job,
        advanced=advanced,
    )
    return found, changed


@dataclass(frozen=True)
class ReportCollector:
    """Lists reports. The caller dispatches what was found, durably, and then calls `advance`."""

    client: Client
    clock: Clock

    def find(self, caller: Caller, channel_id: str, report_type: str) -> Found:
        """What is new of one report type. Raises the errors of `shared/youtube`."""
        now = self.clock()
        job = self._job(caller, channel_id, report_type)
        try:
            refs = _listed(caller, job)
        except NotFound as error:
            if error.reason == NOT_CONNECTED:
                raise
            # Google deletes jobs and lets them expire. A new one starts with 30 days of history, and days that
            # were not fetched in time come again under its reports.
            log("WARNING", "a reporting job is gone; starting a new one", channel=channel_id, report=report_type)
            job = self._start(caller, channel_id, report_type)
            refs = _listed(caller, job)
        return Coverage(self.client).change(
            channel_id,
            report_type,
            {*window(now), *(ref.day for ref in refs)},
            lambda days: noted(job, days, refs, now=now),
        )

    def advance(self, found: Found) -> None:
        """Remember how far was listed, now that what was found is dispatched."""
        from google.api_core.exceptions import NotFound as Gone

        if found.advanced == found.job:
            return
        try:
            self._document(found.job.name).update(JOBS.fields(found.advanced), **call_options())
        except Gone:
            return  # disconnected meanwhile: what was deleted stays deleted

    def _job(self, caller: Caller, channel_id: str, report_type: str) -> Job:
        """The channel's job for a report type: remembered, or found, or created."""
        name = f"{channel_id}:{report_type}"
        stored = self._document(name).get(**call_options()).to_dict()
        return JOBS.read(name, stored) if stored else self._start(caller, channel_id, report_type)

    def _start(self, caller: Caller, channel_id: str, report_type: str) -> Job:
        """The job that Google has, or a new one, listed from its beginning."""
        existing = [job.id for job in reporting.list_jobs(caller) if job.report_type == report_type]
        job = Job(
            name=f"{channel_id}:{report_type}",
            channel_id=channel_id,
            report_type=report_type,
            job_id=existing[0] if existing else reporting.create_job(caller, report_type).id,
        )
        self._document(job.name).set(JOBS.fields(job), **call_options())
        return job

    def _document(self, name: str) -> Any:
        return self.client.collection(COLLECTION).document(name)


def _listed(caller: Caller, job: Job) -> list[ReportRef]:
    after = None if job.cursor is None else job.cursor - OVERLAP
    return [
        ReportRef(
            report_id=report.id,
            channel_id=job.channel_id,
            report_type=job.report_type,
            job_id=job.job_id,
            day=pacific_day(report.start),
            create_time=report.created_at,
            download_url=report.download_url,
        )
        for report in reporting.list_reports(caller, job.job_id, created_after=after)
    ]
