"""What YouTube leaves out in the demo, and whether all of that, and nothing else, is named as missing."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from infra.local.demo import control
from infra.local.stack import Stack
from shared.clock import pacific_day
from shared.collection import packs
from shared.collection.jobs import Job, Standing, name_of

if TYPE_CHECKING:
    from google.cloud.firestore import Client

Day = tuple[str, str, str]
"""A channel, a report type and a Pacific day."""
_DAYS_AGO = timedelta(days=10)
_EXPIRES_IN = timedelta(hours=1)


@dataclass
class Gaps:
    """Days that YouTube never issues and jobs that expire, as the simulator was told and as we name them."""

    never_issued: frozenset[Day] = frozenset()
    expired: frozenset[str] = frozenset()
    named: frozenset[Day] = frozenset()
    replaced: frozenset[str] = frozenset()

    def problems(self) -> list[str]:
        """What was not noticed, and what was named although it is not so."""
        return [
            *(f"{_words(day)} was never issued, and is not named" for day in self.never_issued - self.named),
            *(f"{_words(day)} is named as never issued" for day in self.named - self.never_issued),
            *(
                f"the reporting job of {each} expired, and is not replaced"
                for each in self.expired - self.replaced
            ),
        ]


def leave_out(stack: Stack, gaps: Gaps, channel: str, report_type: str) -> None:
    """Let YouTube never issue a day of a channel's history."""
    day = (pacific_day(stack.now()) - _DAYS_AGO).isoformat()
    control.tell(stack, "reporting/days", channel_id=channel, report_type=report_type, day=day)
    gaps.never_issued |= {(channel, report_type, day)}


def expire(stack: Stack, gaps: Gaps, channel: str, report_type: str) -> None:
    """Let a channel's reporting job expire soon."""
    at = stack.now() + _EXPIRES_IN
    control.tell(stack, "reporting/jobs/expire", channel_id=channel, report_type=report_type, at=at.isoformat())
    gaps.expired |= {name_of(channel, report_type)}


def look(client: Client, gaps: Gaps, now: datetime) -> None:
    """Read from the coverage which days are named as never issued, and which jobs were replaced."""
    every, _ = packs.every(client)
    gaps.named = named(every, now)
    gaps.replaced = frozenset(job.name for job in every if job.earlier)


def named(every: Iterable[Job], now: datetime) -> frozenset[Day]:
    """The days that are named as never issued, or as lost."""
    return frozenset(
        (job.channel_id, job.report_type, day.isoformat())
        for job in every
        for day, found in job.missing(now).items()
        if found.standing in {Standing.NEVER_ISSUED, Standing.LOST}
    )


def _words(day: Day) -> str:
    return " ".join(day)
