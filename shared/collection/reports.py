"""Lists channels' new reports of one type: a reporting job is ensured, and what is new noted in the coverage.

Collecting costs none of the Data API's quota. A cursor on `createTime`, not on the day, is what keeps corrections:
YouTube issues a day again under a newer `createTime`. The order is: note in the coverage, dispatch, say so. A run
that dies after noting is found out by the next one: what it noted is newer than the job's `dispatched_at`. Now and
then everything is listed, without the cursor: a report can appear in the list days after its `createTime`. A job
that has expired goes on answering with its old reports and makes no new ones: nothing else tells that it ended.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from shared.clock import pacific_day
from shared.cloud.firestore import Client
from shared.cloud.steps import Docs
from shared.collection import packs
from shared.collection.coverage import Days, after_listing, opened, overdue, ref_of
from shared.collection.jobs import KEPT, Job, name_of
from shared.collection.packs import Pack, Part
from shared.errors import Conflict, InvalidRequest, NotFound
from shared.monitoring.log import log
from shared.warehouse.rows import ReportRef
from shared.youtube import reporting
from shared.youtube.client import Caller

OVERLAP = timedelta(hours=24)  # Google's listings are not promised to be in step with createTime
WHOLE_EVERY = timedelta(days=3)  # a whole list is one request more often than not: 75 reports, of 500 a page
NOT_CONNECTED = "notConnected"  # `shared.access` says so of a channel that was disconnected
_LISTED = ("cursor", "whole_at", "seen_at", "absent", "at_risk", "ends_at", "retired_at", "dispatched_at")


@dataclass(frozen=True, kw_only=True)
class Looked:
    """What YouTube lists of one channel. job: as far as it was listed; new: whether it was just started."""

    job: Job
    refs: Sequence[ReportRef]
    new: bool


@dataclass(frozen=True, kw_only=True)
class Found:
    """What a listing brought: reports to dispatch, how many were new and replaced, the job then, and before."""

    to_load: tuple[ReportRef, ...]
    listed: int = 0
    superseded: int = 0
    advanced: Job
    before: Job | None = None


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
    late = ((day, entry) for day, entry in again.items() if day not in listing.changed)
    to_load = (*listing.to_load, *(ref_of(job.channel_id, job.report_type, *each) for each in late))
    changed = {**again, **listing.changed}
    after = {**days, **changed}
    advanced = replace(
        opened(job, after),
        cursor=max((*(ref.create_time for ref in refs), *filter(None, [job.cursor])), default=None),
        # A run that dispatches nothing knows nothing of what another has noted meanwhile.
        dispatched_at=now if to_load else job.dispatched_at,
        seen_at=now,
        absent=_absent(job, after, now=now, since=since),
    ).assessed(now)
    found = Found(to_load=to_load, listed=listing.new, superseded=listing.superseded, advanced=advanced)
    return found, changed


def _absent(job: Job, days: Days, *, now: datetime, since: date) -> tuple[str, ...]:
    """The days that have ended and have no report; for those before `since`, as far as the job knows."""

    def has_none(day: date) -> bool:
        return day not in days if day >= since else not (job.loaded(day) or day.isoformat() in job.open)

    return tuple(day.isoformat() for day in job.days(now) if has_none(day))


def look(caller: Caller, stored: Job | None, channel_id: str, report_type: str, now: datetime) -> Looked:
    """What YouTube lists of one report type; where there is no job, it is started. Raises as `shared/youtube`."""
    new = stored is None
    job = stored or started(caller, channel_id, report_type, now)
    try:
        job, refs = _listed(caller, job, now=now)
    except NotFound as error:
        if error.reason == NOT_CONNECTED:
            raise
        # Days that were not fetched in time come again under the reports of a new job.
        log("WARNING", "a reporting job is gone", channel=channel_id, report=report_type)
        job, refs = replace(job, ends_at=min(now, job.ends_at or now)), []
    if job.ended(now) and job.retired_at is None:
        other = renewed(caller, job, now)
        if other.job_id == job.job_id:
            job = other
        else:
            job, more = _listed(caller, other, now=now)
            refs, new = refs + more, True
    return Looked(job=job, refs=refs, new=new)


def note(
    client: Client, pack: int, report_type: str, looked: Sequence[Looked], *, now: datetime, seen: Docs
) -> list[Found]:
    """Note in the coverage what was listed of a pack's channels; what there is to dispatch, a channel each.

    A channel that was taken out meanwhile is left out, and one whose coverage cannot be read, which is told.
    seen: the jobs' document as it was read before.
    """
    asked = {day for each in looked for day in to_read(each.job, each.refs, now=now)}
    since = min(asked).replace(day=1) if asked else date.max

    def decide(stored: Pack) -> tuple[list[Found], Mapping[str, Part]]:
        found, parts = list[Found](), dict[str, Part]()
        for each in looked:
            channel_id = each.job.channel_id
            known = stored.known(channel_id)
            if known is None:
                continue
            before, days = known
            base = each.job.in_place_of(before, now) if each.new else before
            if base is None:
                continue
            brought, changed = noted(each.job, days, each.refs, now=now, since=since)
            after, listed = opened(base, changed), brought.advanced
            if after.job_id == listed.job_id:  # no other has taken its place
                after = replace(after, **{name: getattr(listed, name) for name in _LISTED})
            after = after.settled(now)
            found.append(replace(brought, advanced=after, before=before))
            parts[channel_id] = Part(replace(after, dispatched_at=base.dispatched_at), changed)
        return found, parts

    return packs.change(client, report_type, pack, asked, decide, seen=seen)


def dispatched(client: Client, pack: int, report_type: str, jobs: Iterable[Job]) -> None:
    """Say that what was found of some jobs has been dispatched. One that is gone or was replaced stays so."""
    sent = {job.channel_id: job for job in jobs}

    def decide(stored: Pack) -> tuple[None, Mapping[str, Part]]:
        parts = dict[str, Part]()
        for job in stored.jobs():
            ours = sent.get(job.channel_id)
            if ours is not None and ours.job_id == job.job_id:
                parts[job.channel_id] = Part(replace(job, dispatched_at=ours.dispatched_at), {})
        return None, parts

    if sent:
        packs.change(client, report_type, pack, [], decide)


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


def started(caller: Caller, channel_id: str, report_type: str, now: datetime) -> Job:
    """A living job that YouTube has, or a new one, to be listed from its beginning; the same for all who ask."""
    living = (
        job
        for job in reporting.list_jobs(caller)
        if job.report_type == report_type and (job.expires_at is None or job.expires_at > now)
    )
    made = min(living, key=lambda job: job.created_at, default=None) or reporting.create_job(caller, report_type)
    return Job(
        name=name_of(channel_id, report_type),
        channel_id=channel_id,
        report_type=report_type,
        job_id=made.id,
        created_at=made.created_at,
        ends_at=made.expires_at,
        since=now,
    )


def renewed(caller: Caller, job: Job, now: datetime) -> Job:
    """The job in place of one that has expired; of a report type that is retired, the same, with the time.

    One that cannot be replaced stays, and goes on being listed.
    """
    offered = {each.id: each.deprecated_at for each in reporting.report_types(caller)}
    retired_at = offered.get(job.report_type, now)
    if retired_at is not None and retired_at <= now:
        log("ERROR", "a report type is retired", channel=job.channel_id, report=job.report_type)
        return replace(job, retired_at=retired_at)
    try:
        new = started(caller, job.channel_id, job.report_type, now)
    except (Conflict, InvalidRequest) as error:
        new, why = job, error.reason
    else:
        why = "YouTube answers the expired job"
    if new.job_id == job.job_id:
        log("ERROR", "an expired reporting job cannot be replaced", channel=job.channel_id,
            report=job.report_type, reason=why)  # fmt: skip
        return job
    log("WARNING", "a reporting job expired and is replaced", channel=job.channel_id, report=job.report_type)
    return new.in_place_of(job, now)
