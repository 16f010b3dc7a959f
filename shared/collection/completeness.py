"""The completeness ledger: for each channel, report type and day, what was listed, loaded and superseded.

YouTube issues one report a Pacific day, and may issue it again: same day, new id, newer `createTime`. The newest
counts. One Firestore document holds a month of days of one channel and report type, so that a year of a channel is
a dozen small documents:

    reports/<channel>:<report type>:<yyyy-mm>    days: {"2026-11-01": {report_id, create_time, state, ...}}

What a listing changes is decided by `after_listing`, what is handed over once more by `overdue`, and what a load
changes by `after_load`; all three are pure. The ledger applies a decision only to the state that it was made on:
whoever meets another's write reads again and decides again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from functools import partial
from typing import TYPE_CHECKING, Any

from shared.clock import format_instant, pacific_day, parse_instant
from shared.cloud.firestore import committed, patience, put
from shared.data_map import REPORTS
from shared.warehouse.rows import ReportRef

if TYPE_CHECKING:
    from google.cloud.firestore import Client

COLLECTION = REPORTS.path
RETENTION = timedelta(days=60)  # how long YouTube keeps a report; the backfill of a new job only 30
RESEND_AFTER = timedelta(hours=1)  # a listed report that is not loaded by then is sent to `ingest` once more
RETRY_FAILED_AFTER = timedelta(hours=20)  # an unreadable report is tried once a day: it, or we, may be mended


class State(StrEnum):
    """Where a day's newest report stands."""

    LISTED = "listed"
    LOADED = "loaded"
    FAILED = "failed"  # cannot be read; `reason` says why, and an operator has to look


@dataclass(frozen=True, kw_only=True)
class Day:
    """A day's newest report, and the ids of the older issues that it replaced."""

    report_id: str
    create_time: datetime
    state: State
    sent_at: datetime
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
    """Fold a listing into the ledger.

    Listing the same reports again changes nothing, in any order. Only a day's newest report is loaded.
    """
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
            sent_at=now,
            job_id=ref.job_id,
            download_url=ref.download_url,
            superseded=() if known is None else (*known.superseded, known.report_id),
        )
    return Listing(changed, tuple(to_load[day] for day in sorted(to_load)), new, replaced)


def _issue(report: ReportRef | Day) -> tuple[datetime, str]:
    """What orders the issues of one day; the id breaks ties, so that every reader agrees."""
    return report.create_time, report.report_id


def overdue(days: Days, *, now: datetime, handed_over: datetime | None) -> dict[date, Day]:
    """Days whose report has to be handed over once more, marked as sent now.

    Those that were sent and have not arrived, those that could not be read yesterday, and those that were listed
    after `handed_over` (what was listed last and certainly given to `ingest`): their run died in between.
    """
    return {
        day: replace(entry, state=State.LISTED, sent_at=now)
        for day, entry in days.items()
        if _overdue(entry, now=now, handed_over=handed_over)
    }


def _overdue(entry: Day, *, now: datetime, handed_over: datetime | None) -> bool:
    age = now - entry.sent_at
    if entry.state is State.LOADED or now - entry.create_time >= RETENTION:
        return False
    if entry.state is State.FAILED:
        return age >= RETRY_FAILED_AFTER
    return age >= RESEND_AFTER or handed_over is None or entry.sent_at > handed_over


def ref_of(channel_id: str, report_type: str, day: date, entry: Day) -> ReportRef:
    """The report that a day's entry stands for."""
    return ReportRef(
        report_id=entry.report_id,
        channel_id=channel_id,
        report_type=report_type,
        job_id=entry.job_id,
        day=day,
        create_time=entry.create_time,
        download_url=entry.download_url,
    )


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What became of one report in a load: rows and load id, or the reason why it cannot be read."""

    ref: ReportRef
    rows: int | None = None
    load_id: str | None = None
    reason: str | None = None


def after_load(day: Day | None, outcome: Outcome) -> Day | None:
    """The day's entry once a report was loaded or found unreadable; None when that changes nothing.

    A report that is no longer the day's newest says nothing about the day.
    """
    if day is None or day.report_id != outcome.ref.report_id or day.state is State.LOADED:
        return None
    if outcome.load_id is None:
        return replace(day, state=State.FAILED, reason=outcome.reason)
    return replace(day, state=State.LOADED, rows=outcome.rows, load_id=outcome.load_id, reason=None)


Decide = Callable[[Days], Mapping[date, Day]]
"""From every known day to the days that change. May be asked again, with newer days."""


class Ledger:
    """The `reports` collection in Firestore."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def change(self, channel_id: str, report_type: str, days: Iterable[date], decide: Decide) -> None:
        """Apply a decision about one channel and report type; it sees the months of `days`, whole.

        One read a month, and one write for each month that changes; all of them or none.
        """
        while not self._tried(channel_id, report_type, _months(days), decide, create=True):
            pass

    def record(self, outcomes: Iterable[Outcome]) -> None:
        """Note what became of loaded reports. What nobody waits for any more is left out."""
        subjects: dict[tuple[str, str, date], list[Outcome]] = {}
        for outcome in outcomes:
            ref = outcome.ref
            subjects.setdefault((ref.channel_id, ref.report_type, ref.day.replace(day=1)), []).append(outcome)
        for (channel_id, report_type, month), group in subjects.items():
            while not self._tried(channel_id, report_type, [month], _recording(group), create=False):
                pass

    def forget(self, channel_id: str) -> int:
        """Delete everything that is known of a channel's reports; answers how many documents that were."""
        found = [snapshot.reference for snapshot in self._of(channel_id, [])]
        for reference in found:
            reference.delete(**patience())
        return len(found)

    def unload(self, channel_id: str, *, before: str) -> None:
        """Take back that reports are loaded whose load's id is below `before`; the next run hands them over."""
        for snapshot in self._of(channel_id, ["report_type", "days"]):
            days = [date.fromisoformat(text) for text in snapshot.to_dict().get("days") or {}]
            if days:
                decide = partial(_unloaded, before=before)
                self.change(channel_id, snapshot.get("report_type"), days, decide)

    def _of(self, channel_id: str, fields: list[str]) -> list[Any]:
        from google.cloud.firestore_v1.base_query import FieldFilter  # noqa: PLC0415 - Firestore is loaded

        mine = self._client.collection(COLLECTION).where(filter=FieldFilter("channel_id", "==", channel_id))
        return list(mine.select(fields).stream(**patience()))

    def _tried(
        self, channel_id: str, report_type: str, months: Iterable[date], decide: Decide, *, create: bool
    ) -> bool:
        """Read, decide, write if nobody wrote in between; False when somebody did.

        create: whether a month without a document is begun; a load's outcome must not bring back what a
        disconnect has deleted.
        """
        places = {self._month(channel_id, report_type, month).path: month for month in months}
        references = [self._client.document(path) for path in places]
        seen = {places[found.reference.path]: found for found in self._client.get_all(references, **patience())}
        days = {
            date.fromisoformat(text): _day_from(entry)
            for snapshot in seen.values()
            for text, entry in ((snapshot.to_dict() or {}).get("days") or {}).items()
        }
        batch, wrote = self._client.batch(), False
        for month, entries in _by_month(decide(days)).items():
            snapshot = seen[month]
            if snapshot.exists:
                put(batch, snapshot, {f"days.`{text}`": entry for text, entry in entries.items()})
            elif create:
                put(batch, snapshot, {"channel_id": channel_id, "report_type": report_type, "days": entries})
            else:
                continue
            wrote = True
        return committed(batch) if wrote else True

    def _month(self, channel_id: str, report_type: str, month: date) -> Any:
        return self._client.collection(COLLECTION).document(f"{channel_id}:{report_type}:{month:%Y-%m}")


def _unloaded(days: Days, *, before: str) -> dict[date, Day]:
    return {
        day: replace(entry, state=State.LISTED, rows=None, load_id=None, sent_at=entry.create_time)
        for day, entry in days.items()
        if entry.load_id is not None and entry.load_id < before
    }


def _recording(outcomes: Iterable[Outcome]) -> Decide:
    """The decision by which the ledger learns of outcomes."""
    told = list(outcomes)

    def decide(days: Days) -> dict[date, Day]:
        changed: dict[date, Day] = {}
        for outcome in told:
            after = after_load(days.get(outcome.ref.day), outcome)
            if after is not None:
                changed[outcome.ref.day] = after
        return changed

    return decide


def window(now: datetime) -> tuple[date, date]:
    """The first and last day of which YouTube can still have a report."""
    today = pacific_day(now)
    return today - RETENTION, today


def _by_month(changed: Mapping[date, Day]) -> dict[date, dict[str, dict[str, Any]]]:
    months: dict[date, dict[str, dict[str, Any]]] = {}
    for day, entry in changed.items():
        months.setdefault(day.replace(day=1), {})[day.isoformat()] = _day_to(entry)
    return months


def _months(days: Iterable[date]) -> list[date]:
    """Every month from the first to the last of these days."""
    every = sorted(days)
    month, months = every[0].replace(day=1), []
    while month <= every[-1]:
        months.append(month)
        month = (month + timedelta(days=32)).replace(day=1)
    return months


def _day_to(day: Day) -> dict[str, Any]:
    return {
        "report_id": day.report_id,
        "create_time": format_instant(day.create_time),
        "state": day.state.value,
        "sent_at": format_instant(day.sent_at),
        "job_id": day.job_id,
        "download_url": day.download_url,
        "superseded": list(day.superseded),
        "rows": day.rows,
        "load_id": day.load_id,
        "reason": day.reason,
    }


def _day_from(entry: Mapping[str, Any]) -> Day:
    times = {key: parse_instant(entry[key]) for key in ("create_time", "sent_at")}
    plain = {**entry, **times, "state": State(entry["state"]), "superseded": tuple(entry["superseded"])}
    return Day(**plain)
