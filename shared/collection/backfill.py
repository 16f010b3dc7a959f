"""Backfill: reports of chosen days are listed and loaded again, in place of what is in the warehouse.

What was loaded counts until the new load is named; of a day the newest issue counts, as ever. Whoever runs the
same task twice loads once: any load since `asked_at` is what was asked for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from shared import channels, ids
from shared.clock import days, format_instant, last_full_day, pacific_day
from shared.collection import packs, places, planner
from shared.collection.collecting import API, FEATURE, Collecting
from shared.collection.coverage import AGAIN, Days, after_listing, ref_of
from shared.collection.jobs import KEPT, Job, State
from shared.collection.places import Place
from shared.collection.planner import REPORTS
from shared.collection.reports import NOT_CONNECTED, Found, listed_ref
from shared.errors import Conflict, Forbidden, NotFound, QuotaRefused, RateLimited
from shared.fields import Fields
from shared.settings import REPORT_TYPES
from shared.warehouse.load import load_ids_from
from shared.warehouse.rows import ReportRef
from shared.youtube import reporting
from shared.youtube.client import Caller


@dataclass(frozen=True, kw_only=True)
class Asked:
    """The days to load again, both included. report_type: None for every type that is collected."""

    channel_id: str
    first: date
    last: date
    report_type: str | None
    asked_at: datetime

    def as_json(self) -> dict[str, Any]:
        told = {
            "channel": self.channel_id,
            "from": f"{self.first}",
            "to": f"{self.last}",
            "type": self.report_type,
        }
        return {"backfill": {**told, "asked_at": format_instant(self.asked_at)}}

    @property
    def name(self) -> str:
        what = f"{self.channel_id} {self.report_type} {self.first} {self.last}"
        return f"backfill {what} of {self.asked_at.isoformat()}"


def asked_for(body: object, now: datetime) -> Asked:
    """The backfill that a request asks for. Raises InvalidRequest."""
    known = ("channel", "from", "to", "type", "asked_at")
    fields = Fields(body, "backfill").inner("backfill", *known)
    first, last = fields.date("from"), fields.date("to")
    oldest, newest = pacific_day(now) - KEPT, last_full_day(now)
    if first < oldest:
        raise fields.wrong("from", f"must be {oldest} or later: YouTube keeps reports for {KEPT.days} days")
    if not first <= last <= newest:
        words = f"must be a day from {first} to {newest}, the newest that has ended in California"
        raise fields.wrong("to", words)
    return Asked(
        channel_id=fields.id("channel", ids.CHANNEL),
        first=first,
        last=last,
        report_type=fields.choice("type", tuple(REPORT_TYPES)) if fields.has("type") else None,
        asked_at=fields.instant("asked_at") if fields.has("asked_at") else now,
    )


def listed_again(days: Days, refs: Sequence[ReportRef], *, asked_at: datetime, now: datetime) -> Days:
    """The days that change when reports are to be loaded again, but for what was loaded since it was asked for."""
    changed = after_listing(days, refs, now=now).changed
    there, since = {ref.report_id for ref in refs}, load_ids_from(asked_at)
    again = {
        day: replace(entry, state=State.LISTED, noted_at=now, reason=AGAIN)
        for day, entry in {**days, **changed}.items()
        if entry.report_id in there and not (entry.state is State.LOADED and (entry.load_id or "") > since)
    }
    return {**changed, **again}


def run(collecting: Collecting, asked: Asked) -> Mapping[str, Any]:
    """Load days again: queue a task a report type, or, for one, dispatch its days; where YouTube's limits admit no
    listing now, a task does it when they do.

    Raises NotFound for a channel that is not connected, Forbidden for one that does not allow it, Conflict where
    YouTube refuses or the report type is not collected, and the other errors of `shared/youtube`.
    """
    channel = channels.get(collecting.client, asked.channel_id)
    if not channel.can(FEATURE):
        raise Forbidden("The owner of this channel does not let us read its reports.", reason="notPermitted")
    if not channel.may_ask(API, collecting.clock()):
        raise Conflict("YouTube tells nothing about this channel now; the console says why.", reason="refused")
    if asked.report_type is None:
        return _queue(collecting, [replace(asked, report_type=kind) for kind in collecting.report_types])
    held = places.places(collecting.client).get(asked.channel_id)
    job = next(iter(packs.jobs(collecting.client, [asked.channel_id], [asked.report_type])), None)
    if held is None or job is None:
        raise Conflict(f"{asked.report_type} is not collected for this channel.", reason="notCollected")
    try:
        return _dispatch(collecting, asked, job, held)
    except (RateLimited, QuotaRefused) as error:
        return _queue(collecting, [asked], not_before=error.retry_at)


def _queue(collecting: Collecting, each: Sequence[Asked], not_before: datetime | None = None) -> Mapping[str, Any]:
    times = collecting.book([1] * len(each), not_before=not_before)
    queued = [
        collecting.enqueue(planner.QUEUE, f"{asked.name} {not_before or ''}", REPORTS, asked.as_json(), when)
        for asked, when in zip(each, times, strict=True)
    ]
    return {"queued": sum(queued)}


def _dispatch(collecting: Collecting, asked: Asked, job: Job, held: Place) -> Mapping[str, Any]:
    """List the days, note in the coverage that they are loaded again, and send them to `ingest`."""
    client, now = collecting.client, collecting.clock()
    every, about = list(days(asked.first, asked.last)), (job.channel_id, job.report_type)
    with collecting.paying(reporting.LIST, len(job.spans)) as block:
        caller = collecting.caller_for(asked.channel_id, block)
        refs = [ref for span in job.spans for ref in _refs(caller, job, span.job_id, asked)]

    def decide(known: Days) -> tuple[Days, Days]:
        changed = listed_again(known, refs, asked_at=asked.asked_at, now=now)
        return changed, changed

    changed = packs.change_days(client, held.pack, about, every, decide)
    again = [
        # Since it was asked for, not since now: a task that runs twice loads once.
        replace(ref_of(*about, day, entry), newer_than=load_ids_from(asked.asked_at))
        for day, entry in sorted(changed.items())
        if entry.reason == AGAIN
    ]
    found = Found(to_load=tuple(again), advanced=replace(job, dispatched_at=now), before=job)
    sent = collecting.dispatch(held.pack, job.report_type, [found], {job.channel_id: held})
    without = sorted(set(every) - {ref.day for ref in refs})
    dispatched = sum(len(each.to_load) for each in sent)
    return {"days": len(every), "dispatched": dispatched, "without_report": [str(day) for day in without]}


def _refs(caller: Caller, job: Job, job_id: str, asked: Asked) -> list[ReportRef]:
    """What YouTube has of the days by one of the channel's jobs, also by one that has ended."""
    try:
        reports = reporting.list_reports(caller, job_id, days=(asked.first, asked.last))
    except NotFound as error:
        if error.reason == NOT_CONNECTED:
            raise
        return []
    return [listed_ref(job, report) for report in reports]
