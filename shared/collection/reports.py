"""Collecting bulk reports: jobs are ensured, new reports are listed, and their files become rows.

Collecting costs none of the Data API's quota. A cursor on `createTime`, not on the day, is what keeps corrections:
YouTube issues a day again under a newer `createTime`. The cursor moves only after everything that it passes has
been handed over, so a run that dies is simply run again.

    reports/<channel>:<report type>    job_id, cursor
    reports/<channel>:<type>:<month>   the completeness ledger
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from shared.clock import Clock, format_instant, pacific_day, parse_instant
from shared.collection.completeness import COLLECTION, RETENTION, Ledger, State, after_listing, ref_of, stuck
from shared.errors import NotFound
from shared.warehouse.rows import ReportRef
from shared.youtube import reporting
from shared.youtube.client import Caller

if TYPE_CHECKING:
    from google.cloud.firestore import Client

OVERLAP = timedelta(hours=24)  # Google's listings are not promised to be in step with createTime
MESSAGE_REPORTS = 250  # reports in one message: few load jobs, and a load well inside its time limit


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
    """A channel's reporting job, and how far its reports were listed."""

    id: str
    cursor: datetime | None


@dataclass(frozen=True, kw_only=True)
class Found:
    """What one channel's listing of one report type brought: reports to load, then the cursor to move to."""

    channel_id: str
    report_type: str
    tally: Tally
    to_load: tuple[ReportRef, ...]
    job_id: str
    cursor: datetime | None


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
            refs = list(self._listed(caller, job, channel_id, report_type))
        except NotFound:
            # Google deletes jobs, and lets them expire; the next run starts a new one, with 30 days of history.
            self._document(channel_id, report_type).delete()
            raise
        ledger, today = Ledger(self.client), pacific_day(now)
        known = ledger.read(channel_id, report_type, since=today - RETENTION, until=today)
        again = stuck(known, now=now)
        listing = after_listing({**known, **again}, refs, now=now)
        changed = {**again, **listing.changed}
        if changed:
            ledger.write(channel_id, report_type, changed)
        after = {**known, **changed}
        resent = [ref_of(channel_id, report_type, day, again[day]) for day in again if day not in listing.changed]
        return Found(
            channel_id=channel_id,
            report_type=report_type,
            tally=Tally(
                listing.new, listing.superseded, sum(entry.state is State.LISTED for entry in after.values())
            ),
            to_load=(*listing.to_load, *resent),
            job_id=job.id,
            cursor=max((ref.create_time for ref in refs), default=None),
        )

    def advance(self, found: Found) -> None:
        """Remember how far was listed, now that what was found is in safe hands."""
        if found.cursor is not None:
            self._document(found.channel_id, found.report_type).set(
                {"job_id": found.job_id, "cursor": format_instant(found.cursor)}
            )

    def _job(self, caller: Caller, channel_id: str, report_type: str) -> Job:
        """The channel's job for a report type: remembered, or found, or created."""
        document = self._document(channel_id, report_type)
        stored = document.get().to_dict()
        if stored:
            cursor = stored.get("cursor")
            return Job(id=stored["job_id"], cursor=parse_instant(cursor) if cursor else None)
        found = [job.id for job in reporting.list_jobs(caller) if job.report_type == report_type]
        job_id = found[0] if found else reporting.create_job(caller, report_type).id
        document.set({"job_id": job_id, "cursor": None})
        return Job(id=job_id, cursor=None)

    def _listed(self, caller: Caller, job: Job, channel_id: str, report_type: str) -> Iterator[ReportRef]:
        after = None if job.cursor is None else job.cursor - OVERLAP
        for report in reporting.list_reports(caller, job.id, created_after=after):
            yield ReportRef(
                report_id=report.id,
                channel_id=channel_id,
                report_type=report_type,
                job_id=job.id,
                day=pacific_day(report.start),
                create_time=report.created_at,
                download_url=report.download_url,
            )

    def _document(self, channel_id: str, report_type: str) -> Any:
        return self.client.collection(COLLECTION).document(f"{channel_id}:{report_type}")


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
