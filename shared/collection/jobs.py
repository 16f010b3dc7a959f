"""The reporting job of a channel and report type: how far it was listed, and which of its days are not loaded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from shared.collection.expectation import Issue, Jobs, Known, Settled, Span
from shared.data_map import REPORTS
from shared.records import Mapper


@dataclass(frozen=True, kw_only=True)
class Job:
    """A channel's reporting job for one report type.

    since: when we first had one. ends_at: YouTube's `expireTime`. earlier: those before it.
    retired_at: when YouTube retired the report type. cursor: the newest creation time that was listed.
    whole_at: when everything was listed, without a cursor. dispatched_at: what was noted by then went to `ingest`.
    seen_at, open, absent: see `Known`. at_risk: whether a day is missing that can still come.
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

    @property
    def span(self) -> Span:
        """Its life, as far as YouTube has told."""
        return Span(job_id=self.job_id, created_at=self.created_at, ends_at=self.ends_at)

    @property
    def jobs(self) -> Jobs:
        """It and those before it."""
        return Jobs(spans=(*self.earlier, self.span), since=self.since, retired_at=self.retired_at)

    @property
    def known(self) -> Known:
        """Which of its days are loaded."""
        return Known(jobs=self.jobs, seen_at=self.seen_at, open=self.open, absent=self.absent)

    def settled(self, now: datetime) -> Job:
        """The same, with when nothing of it was on its way and when all was loaded, if that is now."""
        found = self.known.settled(now)
        return replace(
            self,
            listed_at=self.listed_at if found is Settled.WAITING else now,
            synced_at=now if found is Settled.SYNCED else self.synced_at,
        )

    def in_place_of(self, stored: Job | None, now: datetime) -> Job:
        """This job of YouTube's, which has just been found or made, with what is known of the one before it."""
        if stored is None or stored.job_id == self.job_id:
            return stored or self
        before = replace(stored.span, ends_at=stored.ends_at or now)
        new = replace(stored, job_id=self.job_id, created_at=self.created_at, ends_at=self.ends_at)
        return replace(new, earlier=(*stored.earlier, before), cursor=None, whole_at=None)

    def ended(self, now: datetime) -> bool:
        """Whether it makes no more reports."""
        return self.ends_at is not None and self.ends_at <= now


JOBS = Mapper(Job, REPORTS.path, key="name")


def name_of(channel_id: str, report_type: str) -> str:
    """A job's name."""
    return f"{channel_id}:{report_type}"
