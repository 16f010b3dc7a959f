"""What is at risk: missing days that can still come, over all channels, and which of them is lost first."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime

from shared.collection.expectation import Standing
from shared.collection.jobs import Job


@dataclass(frozen=True, kw_only=True)
class Risk:
    """How many days of how many channels; of the one that is lost first, which it is and when that is."""

    days: int
    channels: int
    lost_at: datetime
    day: date
    channel_id: str
    report_type: str

    def __str__(self) -> str:
        return (
            f"Reports are missing for {self.days} {'day' if self.days == 1 else 'days'} of {self.channels} "
            f"{'channel' if self.channels == 1 else 'channels'}. The first, {self.day} of {self.channel_id} "
            f"({self.report_type}), is lost on {on(self.lost_at)}."
        )


def on(instant: datetime) -> str:
    """A date for people."""
    return f"{instant.astimezone(UTC):%-d %b %Y}"


def risk(jobs: Iterable[Job], standings: Collection[Standing], *, now: datetime) -> Risk | None:
    """What is at risk of the days that stand so; None when nothing is."""
    found = [
        (each.lost_at, day, job.channel_id, job.report_type)
        for job in jobs
        for day, each in job.known.missing(now).items()
        if each.standing in standings and each.lost_at is not None
    ]
    if not found:
        return None
    lost_at, day, channel_id, report_type = min(found)
    return Risk(
        days=len(found),
        channels=len({channel for _, _, channel, _ in found}),
        lost_at=lost_at,
        day=day,
        channel_id=channel_id,
        report_type=report_type,
    )
