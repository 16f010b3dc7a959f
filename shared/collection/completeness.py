"""The completeness ledger: for each channel, report type and day, what was listed, loaded and superseded.

YouTube issues one report a Pacific day, and may issue it again: same day, new id, newer `createTime`. The newest
counts. One Firestore document holds a month of days of one channel and report type, so that a year of a channel is
a dozen small documents:

    reports/<channel>:<report type>:<yyyy-mm>    days: {"2026-11-01": {report_id, create_time, state, ...}}

What a listing changes is decided by `after_listing`, and what a load changes by `after_load`; both are pure.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from functools import partial
from typing import TYPE_CHECKING, Any

from shared.clock import format_instant, parse_instant
from shared.warehouse.rows import ReportRef

if TYPE_CHECKING:
    from google.cloud.firestore import Client

COLLECTION = "reports"
RETENTION = timedelta(days=60)  # how long YouTube keeps a report; the backfill of a new job only 30
RESEND_AFTER = timedelta(hours=1)  # a listed report that is not loaded by then is sent to `ingest` once more


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


def stuck(days: Days, *, now: datetime) -> dict[date, Day]:
    """Days whose report was sent to be loaded and has not arrived within RESEND_AFTER, marked as sent again."""
    return {
        day: replace(entry, sent_at=now)
        for day, entry in days.items()
        if entry.state is State.LISTED and now - entry.sent_at >= RESEND_AFTER
    }


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


class Ledger:
    """The `reports` collection in Firestore."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def read(self, channel_id: str, report_type: str, *, since: date, until: date) -> dict[date, Day]:
        """Every known day of the months that the range touches; one read a month."""
        references = [self._month(channel_id, report_type, month) for month in _months(since, until)]
        days: dict[date, Day] = {}
        for snapshot in self._client.get_all(references):
            for text, entry in ((snapshot.to_dict() or {}).get("days") or {}).items():
                days[date.fromisoformat(text)] = _day_from(entry)
        return days

    def write(self, channel_id: str, report_type: str, changed: Mapping[date, Day]) -> None:
        """Store changed days, one write a month; days not named stay as they are."""
        batch = self._client.batch()
        for month in sorted({day.replace(day=1) for day in changed}):
            entries = {
                day.isoformat(): _day_to(entry) for day, entry in changed.items() if day.replace(day=1) == month
            }
            document = {"channel_id": channel_id, "report_type": report_type, "days": entries}
            batch.set(self._month(channel_id, report_type, month), document, merge=True)
        batch.commit()

    def record(self, outcomes: Iterable[Outcome]) -> None:
        """Note what became of loaded reports.

        Each month is changed under a precondition, so that a listing that arrives between is not undone.
        """
        months: dict[tuple[str, str, date], list[Outcome]] = {}
        for outcome in outcomes:
            ref = outcome.ref
            months.setdefault((ref.channel_id, ref.report_type, ref.day.replace(day=1)), []).append(outcome)
        for (channel_id, report_type, month), group in months.items():
            _change_alone(self._month(channel_id, report_type, month), partial(_fold, outcomes=group))

    def _month(self, channel_id: str, report_type: str, month: date) -> Any:
        return self._client.collection(COLLECTION).document(f"{channel_id}:{report_type}:{month:%Y-%m}")


def _fold(document: Mapping[str, Any], outcomes: Iterable[Outcome]) -> dict[str, Any]:
    """The field updates by which a month's document learns of outcomes."""
    entries = document.get("days") or {}
    updates = {}
    for outcome in outcomes:
        text = outcome.ref.day.isoformat()
        known = _day_from(entries[text]) if text in entries else None
        after = after_load(known, outcome)
        if after is not None:
            updates[f"days.`{text}`"] = _day_to(after)
    return updates


def _change_alone(reference: Any, change: Callable[[Mapping[str, Any]], dict[str, Any]]) -> None:
    """Read, decide, write if nobody wrote in between; otherwise read again."""
    from google.api_core.exceptions import FailedPrecondition  # noqa: PLC0415 - paid by those who write

    while True:
        snapshot = reference.get()
        updates = change(snapshot.to_dict() or {}) if snapshot.exists else {}
        if not updates:
            return
        try:
            option = reference._client.write_option(last_update_time=snapshot.update_time)
            reference.update(updates, option=option)
        except FailedPrecondition:
            continue
        return


def _months(since: date, until: date) -> list[date]:
    month, months = since.replace(day=1), []
    while month <= until:
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
