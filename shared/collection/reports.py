"""Collecting bulk reports: jobs are ensured, new reports are listed, and their files become rows.

Collecting costs none of the Data API's quota. A cursor on `createTime`, not on the day, is what keeps corrections:
YouTube issues a day again under a newer `createTime`. The order is: note in the ledger, hand over, advance. A run
that dies after noting is found out by the next one, because what it noted is newer than what was `handed_over`.

    reports/<channel>:<report type>          channel_id, job_id, cursor, handed_over
    reports/<channel>:<report type>:<month>  the completeness ledger
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from shared.clock import Clock, format_instant, pacific_day, parse_instant
from shared.cloud.firestore import patience
from shared.collection.completeness import (
    COLLECTION,
    Day,
    Days,
    Ledger,
    State,
    after_listing,
    overdue,
    ref_of,
    window,
)
from shared.errors import NotFound
from shared.monitoring.log import log
from shared.warehouse.rows import ReportRef
from shared.youtube import reporting
from shared.youtube.client import Caller

if TYPE_CHECKING:
    from google.cloud.firestore import Client

OVERLAP = timedelta(hours=24)  # Google's listings are not promised to be in step with createTime
MESSAGE_REPORTS = 750  # reports in one message: few load jobs, and a load well inside its time limit
NOT_CONNECTED = "notConnected"  # `shared.access` says so of a channel that was disconnected


@dataclass(frozen=True)
class Tally:
    """How many reports a listing found new, found replaced, and is still waiting for."""

    listed: int = 0
    superseded: int = 0
    waiting: int = 0

    def __add__(self, other: Tally) -> Tally:
        return Tally(self.listed + other.listed, self.superseded + other.superseded, self.waiting + other.waiting)


@dataclass(frozen=True, kw_only=True)
class Job:
    """A channel's reporting job. cursor: how far it was listed; handed_over: the newest listing that was."""

    id: str
    cursor: datetime | None = None
    handed_over: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Found:
    """What one channel's listing of one report type brought: reports to load, then where to advance to."""

    channel_id: str
    report_type: str
    tally: Tally
    to_load: tuple[ReportRef, ...]
    job: Job
    advanced: Job


@dataclass(frozen=True)
class ReportCollector:
    """Lists reports. The caller loads what was found, or hands it over durably, and then calls `advance`."""

    client: Client
    clock: Clock

    def find(self, caller: Caller, channel_id: str, report_type: str) -> Found:
        """What is new of one report type. Raises the errors of `shared/youtube`."""
        now = self.clock()
        job = self._job(caller, channel_id, report_type)
        try:
            refs = _listed(caller, job, channel_id, report_type)
        except NotFound as error:
            if error.reason == NOT_CONNECTED:
                raise
            # Google deletes jobs and lets them expire. A new one starts with 30 days of history, and days that
            # were not fetched in time come again under its reports.
            log("WARNING", "a reporting job is gone; starting a new one", channel=channel_id, report=report_type)
            job = self._start(caller, channel_id, report_type)
            refs = _listed(caller, job, channel_id, report_type)
        return self._note(channel_id, report_type, job, refs, now)

    def advance(self, found: Found) -> None:
        """Remember how far was listed, now that what was found is in safe hands."""
        from google.api_core.exceptions import NotFound as Gone  # noqa: PLC0415 - Firestore has imported it already

        if found.advanced == found.job:
            return
        try:
            self._document(found.channel_id, found.report_type).update(_job_to(found.advanced), **patience())
        except Gone:
            return  # disconnected meanwhile: what was deleted stays deleted

    def _note(
        self, channel_id: str, report_type: str, job: Job, refs: Sequence[ReportRef], now: datetime
    ) -> Found:
        """Fold a listing, and what earlier runs and loads left behind, into the ledger."""
        to_load: list[ReportRef] = []
        tally = Tally()

        def decide(days: Days) -> dict[date, Day]:
            nonlocal tally
            again = overdue(days, now=now, handed_over=job.handed_over)
            listing = after_listing({**days, **again}, refs, now=now)
            changed = {**again, **listing.changed}
            resent = [
                ref_of(channel_id, report_type, day, again[day]) for day in again if day not in listing.changed
            ]
            to_load[:] = [*listing.to_load, *resent]
            waiting = sum(entry.state is State.LISTED for entry in {**days, **changed}.values())
            tally = Tally(listing.new, listing.superseded, waiting)
            return changed

        Ledger(self.client).change(channel_id, report_type, {*window(now), *(ref.day for ref in refs)}, decide)
        advanced = Job(
            id=job.id,
            cursor=max((*(ref.create_time for ref in refs), *filter(None, [job.cursor])), default=None),
            handed_over=now if to_load else job.handed_over,
        )
        return Found(
            channel_id=channel_id,
            report_type=report_type,
            tally=tally,
            to_load=tuple(to_load),
            job=job,
            advanced=advanced,
        )

    def _job(self, caller: Caller, channel_id: str, report_type: str) -> Job:
        """The channel's job for a report type: remembered, or found, or created."""
        stored = self._document(channel_id, report_type).get(**patience()).to_dict()
        return _job_from(stored) if stored else self._start(caller, channel_id, report_type)

    def _start(self, caller: Caller, channel_id: str, report_type: str) -> Job:
        """The job that Google has, or a new one, listed from its beginning."""
        standing = [job.id for job in reporting.list_jobs(caller) if job.report_type == report_type]
        job = Job(id=standing[0] if standing else reporting.create_job(caller, report_type).id)
        document = {"channel_id": channel_id, "report_type": report_type, **_job_to(job)}
        self._document(channel_id, report_type).set(document, **patience())
        return job

    def _document(self, channel_id: str, report_type: str) -> Any:
        return self.client.collection(COLLECTION).document(f"{channel_id}:{report_type}")


def _listed(caller: Caller, job: Job, channel_id: str, report_type: str) -> list[ReportRef]:
    after = None if job.cursor is None else job.cursor - OVERLAP
    return [
        ReportRef(
            report_id=report.id,
            channel_id=channel_id,
            report_type=report_type,
            job_id=job.id,
            day=pacific_day(report.start),
            create_time=report.created_at,
            download_url=report.download_url,
        )
        for report in reporting.list_reports(caller, job.id, created_after=after)
    ]


def _job_to(job: Job) -> dict[str, str | None]:
    return {
        "job_id": job.id,
        "cursor": None if job.cursor is None else format_instant(job.cursor),
        "handed_over": None if job.handed_over is None else format_instant(job.handed_over),
    }


def _job_from(stored: Mapping[str, Any]) -> Job:
    cursor, handed_over = stored.get("cursor"), stored.get("handed_over")
    return Job(
        id=stored["job_id"],
        cursor=parse_instant(cursor) if cursor else None,
        handed_over=parse_instant(handed_over) if handed_over else None,
    )


def messages(found: Iterable[Found]) -> Iterator[bytes]:
    """What was found as messages for `ingest`: one report type each, of many channels, none of them split."""
    by_type: dict[str, list[ReportRef]] = {}
    for item in found:
        shelf = by_type.setdefault(item.report_type, [])
        if shelf and len(shelf) + len(item.to_load) > MESSAGE_REPORTS:
            yield reports_message(shelf)
            shelf.clear()
        shelf.extend(item.to_load)
    yield from (reports_message(shelf) for shelf in by_type.values() if shelf)


def reports_message(refs: Sequence[ReportRef]) -> bytes:
    """Reports of one type as a message for `ingest`."""
    report_type = refs[0].report_type
    return json.dumps({"report_type": report_type, "reports": [_ref_to(ref) for ref in refs]}).encode()


def refs_from(message: Mapping[str, Any]) -> list[ReportRef]:
    """The reports of a message. Raises KeyError, TypeError or ValueError for one that we did not write."""
    return [
        ReportRef(
            report_id=entry["id"],
            channel_id=entry["channel"],
            report_type=message["report_type"],
            job_id=entry["job"],
            day=date.fromisoformat(entry["day"]),
            create_time=parse_instant(entry["created"]),
            download_url=entry["url"],
        )
        for entry in message["reports"]
    ]


def _ref_to(ref: ReportRef) -> dict[str, str]:
    return {
        "id": ref.report_id,
        "channel": ref.channel_id,
        "job": ref.job_id,
        "day": ref.day.isoformat(),
        "created": format_instant(ref.create_time),
        "url": ref.download_url,
    }
