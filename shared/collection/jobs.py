"""The reporting job of a channel and report type: which days it must bring, and where each of them stands. Pure.

A job makes a report for each of the 30 Pacific days before it, and for every day from then on until it expires or
its report type is retired; each at most 72 hours after the day's end. So what must come follows from the jobs
alone, and a day that YouTube never issued is known to be missing, with the date on which it is lost.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from functools import cached_property
from typing import NamedTuple

from shared.clock import days, last_full_day, pacific_day, pacific_midnight
from shared.data_map import REPORTS
from shared.records import Mapper

HISTORY = timedelta(days=30)
"""How far before its creation a job's reports begin; also how long YouTube keeps the reports of those days."""
KEPT = timedelta(days=60)
"""How long YouTube keeps every other report."""
SOONEST, LAG = timedelta(hours=48), timedelta(hours=72)
"""When YouTube has a day's report, from the day's end and from the job's creation on."""
LATE = timedelta(days=3)
"""How long after the lag a day is waited for before it is called never issued. Ours."""


class State(StrEnum):
    """Where a day's newest report stands."""

    LISTED = "listed"
    LOADED = "loaded"
    FAILED = "failed"  # cannot be read; `reason` says why, and an operator has to look


class Standing(StrEnum):
    """Where a day stands: exactly one of these."""

    EXPECTED = "expected"  # not yet: inside the lag
    LATE = "late"  # beyond the lag, and not listed
    NEVER_ISSUED = "neverIssued"  # late for so long that it will hardly come
    LISTED = "listed"  # on its way to the warehouse
    LOADED = "loaded"
    SUPERSEDED = "superseded"  # loaded, and a newer issue of the day is not yet, or was lost
    FAILED = "failed"  # its report cannot be read
    LOST = "lost"  # YouTube no longer has it, or never made it in time
    NOT_OFFERED = "notOffered"  # from before the first job's history, or after the report type was retired


AT_RISK = frozenset({Standing.LATE, Standing.NEVER_ISSUED, Standing.FAILED})
"""Missing, and can still come."""
ALARMING = AT_RISK - {Standing.LATE}
"""What somebody is told of: a day that is only late mostly comes."""
MISSING = AT_RISK | {Standing.LOST}
NOT_DUE = frozenset({Standing.EXPECTED, Standing.NOT_OFFERED})


@dataclass(frozen=True, kw_only=True)
class Span:
    """The life of one reporting job."""

    job_id: str
    created_at: datetime
    ends_at: datetime | None = None

    def makes(self, day: date) -> bool:
        """Whether it makes a report for a day."""
        ended = self.ends_at is not None and end_of(day) > self.ends_at
        return day >= pacific_day(self.created_at) - HISTORY and not ended

    def keeps(self, day: date) -> timedelta:
        """How long YouTube keeps its report for a day."""
        return HISTORY if day < pacific_day(self.created_at) else KEPT


@dataclass(frozen=True, kw_only=True)
class Issue:
    """What is known of a day's newest report. load_id: the load that brought the newest one that is loaded."""

    state: State
    create_time: datetime
    job_id: str
    reason: str | None = None
    load_id: str | None = None


@dataclass(frozen=True, kw_only=True)
class Expectation:
    """Where a day stands. since: from when on; lost_at: when YouTube deletes it, or can no longer make it."""

    standing: Standing
    since: datetime | None = None
    lost_at: datetime | None = None
    reason: str | None = None


@dataclass(frozen=True, kw_only=True)
class Job:
    """A channel's reporting job for one report type; with those before it, which of its days are loaded.

    since: when we first had one. ends_at: YouTube's `expireTime`. earlier: those before it.
    retired_at: when YouTube retired the report type. cursor: the newest creation time that was listed.
    whole_at: when everything was listed, without a cursor. dispatched_at: what was noted by then went to `ingest`.
    open: days with a report that is not loaded. absent: days that had none when reports were last listed, at
    `seen_at`. All other days are loaded. at_risk: whether a day is missing that can still come.
    listed_at: when it was last listed and nothing was on its way. synced_at: when all of that was loaded, too.
    """

    name: str
    channel_id: str
    report_type: str
    job_id: str
    created_at: datetime
    since: datetime
    ends_at: datetime | None = None
    retired_at: datetime | None = None
    earlier: tuple[Span, ...] = ()
    cursor: datetime | None = None
    whole_at: datetime | None = None
    dispatched_at: datetime | None = None
    seen_at: datetime | None = None
    open: Mapping[str, Issue] = field(default_factory=dict)
    absent: tuple[str, ...] = ()
    at_risk: bool = False
    listed_at: datetime | None = None
    synced_at: datetime | None = None

    @cached_property
    def spans(self) -> tuple[Span, ...]:
        """The lives of those before it, and its own, as far as YouTube has told."""
        return (*self.earlier, Span(job_id=self.job_id, created_at=self.created_at, ends_at=self.ends_at))

    @cached_property
    def first(self) -> date:
        """The first day of which we can have had a report."""
        made = min(pacific_day(span.created_at) for span in self.spans) - HISTORY
        return max(made, pacific_day(self.since) - KEPT)

    @cached_property
    def _seen(self) -> date | None:
        """The newest day that had ended when reports were last listed."""
        return None if self.seen_at is None else last_full_day(self.seen_at)

    def days(self, now: datetime, *, since: date = date.min) -> Iterator[date]:
        """Every day since the first job's history, or since another, that has ended."""
        return days(max(self.first, since), last_full_day(now))

    def loaded(self, day: date) -> bool:
        """Whether a day that has ended is loaded, if only in an older issue."""
        if self._seen is None or day > self._seen or day.isoformat() in self.absent:
            return False
        issue = self.open.get(day.isoformat())
        return issue is None or issue.load_id is not None

    def unloaded(self, now: datetime) -> dict[date, Expectation]:
        """Where each day stands that has ended and whose newest report is not loaded, in order."""
        unseen = self.first if self._seen is None else max(self.first, self._seen + timedelta(days=1))
        found = {date.fromisoformat(day) for day in (*self.open, *self.absent)}
        found |= set(days(unseen, last_full_day(now)))
        return {day: standing(day, self.open.get(day.isoformat()), self, now=now) for day in sorted(found)}

    def missing(self, now: datetime) -> dict[date, Expectation]:
        """Of those, the days that are missing."""
        return {day: each for day, each in self.unloaded(now).items() if each.standing in MISSING}

    def assessed(self, now: datetime) -> Job:
        """The same, with whether a day is at risk now."""
        return replace(self, at_risk=any(each.standing in AT_RISK for each in self.unloaded(now).values()))

    def settled(self, now: datetime) -> Job:
        """The same, with since when nothing is on its way, and all is loaded, but for what YouTube has deleted."""
        there = [
            each.state for day, each in self.open.items() if now < lost_at(date.fromisoformat(day), each, self)
        ]
        listed_at = self.listed_at if State.LISTED in there else now
        return replace(self, listed_at=listed_at, synced_at=self.synced_at if there else now)

    def in_place_of(self, stored: Job | None, now: datetime) -> Job:
        """This job of YouTube's, which has just been found or made, with what is known of the one before it."""
        if stored is None or stored.job_id == self.job_id:
            return stored or self
        before = replace(stored.spans[-1], ends_at=stored.ends_at or now)
        new = replace(stored, job_id=self.job_id, created_at=self.created_at, ends_at=self.ends_at)
        return replace(new, earlier=(*stored.earlier, before), cursor=None, whole_at=None)

    def ended(self, now: datetime) -> bool:
        """Whether it makes no more reports."""
        return self.ends_at is not None and self.ends_at <= now


JOBS = Mapper(Job, REPORTS.path, key="name")


def name_of(channel_id: str, report_type: str) -> str:
    return f"{channel_id}:{report_type}"


def end_of(day: date) -> datetime:
    """The first instant after a Pacific day."""
    return pacific_midnight(day + timedelta(days=1))


def standing(day: date, issue: Issue | None, job: Job, *, now: datetime) -> Expectation:
    """Where a day stands. issue: its newest report, None when none was ever listed."""
    if issue is None:
        return _unlisted(day, job, now)
    if issue.state is State.LOADED:
        return Expectation(standing=Standing.LOADED)
    until = lost_at(day, issue, job)
    kept, failed = now < until, issue.state is State.FAILED
    if issue.load_id is not None and not (kept and failed):
        found = Standing.SUPERSEDED
    elif not kept:
        found = Standing.LOST
    else:
        found = Standing.FAILED if failed else Standing.LISTED
    return Expectation(standing=found, since=issue.create_time, lost_at=until, reason=issue.reason)


def lost_at(day: date, issue: Issue, job: Job) -> datetime:
    """When YouTube deletes a report."""
    made_by = next((span for span in job.spans if span.job_id == issue.job_id), None)
    return issue.create_time + (made_by.keeps(day) if made_by else HISTORY)


def _unlisted(day: date, job: Job, now: datetime) -> Expectation:
    if day < job.first or (job.retired_at is not None and end_of(day) > job.retired_at):
        return Expectation(standing=Standing.NOT_OFFERED)
    makers = [span for span in job.spans if span.makes(day)]
    due = min((max(end_of(day), span.created_at) for span in makers), default=end_of(day)) + LAG
    until = max(
        (max(end_of(day) + SOONEST, span.created_at) + span.keeps(day) for span in makers),
        # No job of ours makes it: a new one would, as long as its history reaches back so far.
        default=end_of(day + HISTORY),
    )
    if now >= until:
        # What YouTube had deleted before we came was never offered to us.
        offered = until > job.since
        return Expectation(standing=Standing.LOST if offered else Standing.NOT_OFFERED, since=until, lost_at=until)
    found = Standing.EXPECTED if now < due else Standing.LATE if now < due + LATE else Standing.NEVER_ISSUED
    return Expectation(standing=found, since=due, lost_at=until)


class Risk(NamedTuple):
    """Of how many days reports are missing that can still come, and when the first is lost; all of it in words."""

    days: int
    lost_at: datetime
    words: str


def on(instant: datetime) -> str:
    """A date for people."""
    return f"{instant.astimezone(UTC):%-d %b %Y}"


def risk(jobs: Iterable[Job], standings: Collection[Standing], *, now: datetime) -> Risk | None:
    """What is at risk of the days that stand so; None when nothing is."""
    found = [
        (each.lost_at, day, job.channel_id, job.report_type)
        for job in jobs
        for day, each in job.missing(now).items()
        if each.standing in standings and each.lost_at is not None
    ]
    if not found:
        return None
    lost_at, day, channel_id, report_type = min(found)
    days, channels = len(found), len({channel for _, _, channel, _ in found})
    of = f"{days} {'day' if days == 1 else 'days'} of {channels} {'channel' if channels == 1 else 'channels'}"
    first = f"{day} of {channel_id} ({report_type})"
    words = f"Reports are missing for {of}. The first, {first}, is lost on {on(lost_at)}."
    return Risk(days, lost_at, words)
