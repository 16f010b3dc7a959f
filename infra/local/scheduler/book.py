"""When schedules run: cron in a time zone, on a clock that can jump.

A jump over many runs is caught up once per schedule, and a schedule that is still running is not started beside
itself: Cloud Scheduler promises neither a run per missed time nor two at once.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from cronsim import CronSim

from infra.deployment import Schedule


def next_run(schedule: Schedule, after: datetime) -> datetime:
    """The first run strictly after an instant, in UTC.

    Daylight saving as cron keeps it: a wall time that is skipped runs when the clock has jumped, one that comes
    twice runs once; schedules of every hour run by elapsed hours.
    """
    return next(CronSim(schedule.cron, after.astimezone(ZoneInfo(schedule.zone)))).astimezone(UTC)


@dataclass(frozen=True, kw_only=True)
class Result:
    """How one run ended. status: the HTTP status, 0 when nobody answered. body: its first part."""

    at: datetime
    manual: bool
    status: int
    seconds: float
    body: str

    def as_json(self) -> dict[str, object]:
        """For the control API."""
        return {
            "at": self.at.isoformat(timespec="seconds"),
            "manual": self.manual,
            "status": self.status,
            "seconds": round(self.seconds, 3),
            "body": self.body,
        }


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One schedule in the book."""

    schedule: Schedule
    next_run: datetime
    running: bool = False
    paused: bool = False
    last: Result | None = None

    def due(self, now: datetime) -> bool:
        """Whether it runs now."""
        return not self.paused and not self.running and self.next_run <= now

    def started(self, now: datetime) -> Entry:
        """Running; whatever was missed until now is caught up by this run."""
        return replace(self, running=True, next_run=next_run(self.schedule, now))

    def finished(self, result: Result) -> Entry:
        """Not running any more."""
        return replace(self, running=False, last=result)

    def resumed(self, now: datetime) -> Entry:
        """As Cloud Scheduler resumes: from the next time on, without what the pause swallowed."""
        return replace(self, paused=False, next_run=next_run(self.schedule, now))

    def as_json(self) -> dict[str, object]:
        """For the control API."""
        return {
            "name": self.schedule.name,
            "function": self.schedule.function,
            "cron": self.schedule.cron,
            "zone": self.schedule.zone,
            "next_run": None if self.paused else self.next_run.isoformat(timespec="seconds"),
            "paused": self.paused,
            "running": self.running,
            "last": self.last.as_json() if self.last else None,
        }


def opened(schedules: Iterable[Schedule], now: datetime, *, paused: bool) -> dict[str, Entry]:
    """A book of schedules, as of now."""
    return {s.name: Entry(schedule=s, next_run=next_run(s, now), paused=paused) for s in schedules}
