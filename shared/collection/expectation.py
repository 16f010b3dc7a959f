"""Which days of reports must come for a channel and report type, and where each of them stands.

A reporting job makes a report for each of the 30 Pacific days before it, and for every day from then on until it
expires or its report type is retired; each at most 72 hours after the day's end. So what must come follows from
the jobs alone, and a day that YouTube never issued is known to be missing, with the date on which it is lost.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from functools import cached_property

from shared.clock import days, last_full_day, pacific_day, pacific_midnight

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


class Settled(StrEnum):
    """How much of what was listed of a channel and report type has been settled."""

    WAITING = "waiting"  # something is on its way
    UNREADABLE = "unreadable"  # nothing is on its way, and something cannot be read
    SYNCED = "synced"  # everything is loaded


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
class Jobs:
    """The reporting jobs that a channel has had for a report type. since: when we began to list the first one.

    retired_at: when YouTube retired the report type.
    """

    spans: tuple[Span, ...]
    since: datetime
    retired_at: datetime | None = None

    @property
    def first(self) -> date:
        """The first day of which we can have had a report."""
        made = min(pacific_day(span.created_at) for span in self.spans) - HISTORY
        return max(made, pacific_day(self.since) - KEPT)


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


def end_of(day: date) -> datetime:
    """The first instant after a Pacific day."""
    return pacific_midnight(day + timedelta(days=1))


def standing(day: date, issue: Issue | None, jobs: Jobs, *, now: datetime) -> Expectation:
    """Where a day stands. issue: its newest report, None when none was ever listed."""
    return _unlisted(day, jobs, now) if issue is None else _listed(day, issue, jobs, now)


def _listed(day: date, issue: Issue, jobs: Jobs, now: datetime) -> Expectation:
    if issue.state is State.LOADED:
        return Expectation(standing=Standing.LOADED)
    until = lost_at(day, issue, jobs)
    kept, failed = now < until, issue.state is State.FAILED
    if issue.load_id is not None and not (kept and failed):
        found = Standing.SUPERSEDED
    elif not kept:
        found = Standing.LOST
    else:
        found = Standing.FAILED if failed else Standing.LISTED
    return Expectation(standing=found, since=issue.create_time, lost_at=until, reason=issue.reason)


def lost_at(day: date, issue: Issue, jobs: Jobs) -> datetime:
    """When YouTube deletes a report."""
    made_by = next((span for span in jobs.spans if span.job_id == issue.job_id), None)
    return issue.create_time + (made_by.keeps(day) if made_by else HISTORY)


def _unlisted(day: date, jobs: Jobs, now: datetime) -> Expectation:
    if day < jobs.first or (jobs.retired_at is not None and end_of(day) > jobs.retired_at):
        return Expectation(standing=Standing.NOT_OFFERED)
    makers = [span for span in jobs.spans if span.makes(day)]
    due = min((max(end_of(day), span.created_at) for span in makers), default=end_of(day)) + LAG
    until = max(
        (max(end_of(day) + SOONEST, span.created_at) + span.keeps(day) for span in makers),
        # No job of ours makes it: a new one would, as long as its history reaches back so far.
        default=end_of(day + HISTORY),
    )
    if now >= until:
        # What YouTube had deleted before we came was never offered to us.
        offered = until > jobs.since
        return Expectation(standing=Standing.LOST if offered else Standing.NOT_OFFERED, since=until, lost_at=until)
    found = Standing.EXPECTED if now < due else Standing.LATE if now < due + LATE else Standing.NEVER_ISSUED
    return Expectation(standing=found, since=due, lost_at=until)


@dataclass(frozen=True, kw_only=True)
class Known:
    """The coverage of a channel and report type in short: what is not loaded; all other days are.

    open: days with a report that is not loaded. absent: days that had none when reports were last listed, at
    `seen_at`.
    """

    jobs: Jobs
    seen_at: datetime | None = None
    open: Mapping[str, Issue] = field(default_factory=dict)
    absent: tuple[str, ...] = ()

    @cached_property
    def _seen(self) -> date | None:
        """The newest day that had ended when reports were last listed."""
        return None if self.seen_at is None else last_full_day(self.seen_at)

    def days(self, now: datetime, *, since: date = date.min) -> Iterator[date]:
        """Every day since the first job's history, or since another, that has ended."""
        return days(max(self.jobs.first, since), last_full_day(now))

    def loaded(self, day: date) -> bool:
        """Whether a day that has ended is loaded, if only in an older issue."""
        if self._seen is None or day > self._seen or day.isoformat() in self.absent:
            return False
        issue = self.open.get(day.isoformat())
        return issue is None or issue.load_id is not None

    def unloaded(self, now: datetime) -> dict[date, Expectation]:
        """Where each day stands that has ended and whose newest report is not loaded, in order."""
        first = self.jobs.first
        unseen = first if self._seen is None else max(first, self._seen + timedelta(days=1))
        found = {date.fromisoformat(day) for day in (*self.open, *self.absent)}
        found |= set(days(unseen, last_full_day(now)))
        return {day: standing(day, self.open.get(day.isoformat()), self.jobs, now=now) for day in sorted(found)}

    def missing(self, now: datetime) -> dict[date, Expectation]:
        """Of those, the days that are missing."""
        return {day: each for day, each in self.unloaded(now).items() if each.standing in MISSING}

    def at_risk(self, now: datetime) -> bool:
        """Whether a day is missing that can still come."""
        return any(each.standing in AT_RISK for each in self.unloaded(now).values())

    def settled(self, now: datetime) -> Settled:
        """How much of what was listed is settled. Nobody waits for what YouTube has deleted."""
        there = [
            issue for day, issue in self.open.items() if now < lost_at(date.fromisoformat(day), issue, self.jobs)
        ]
        if any(issue.state is State.LISTED for issue in there):
            return Settled.WAITING
        return Settled.UNREADABLE if there else Settled.SYNCED
