"""The reporting job of a channel and report type, as it is stored.

reports/<channel>:<report type>    the job, how far it was listed, and which of its days are not loaded
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from shared.cloud.calls import call_options
from shared.cloud.firestore import Client, documents, listing, where
from shared.collection.expectation import Issue, Jobs, Known, Span
from shared.data_map import REPORTS
from shared.monitoring.readable import readable
from shared.records import Mapper

COLLECTION = REPORTS.path
AT_RISK_MAX = 2_000
"""Jobs with missing days that are read at once; whoever has more of them has one trouble, and not so many."""


@dataclass(frozen=True, kw_only=True)
class Job:
    """A channel's reporting job for one report type.

    since: when we first had one. ends_at: YouTube's `expireTime`. earlier: those before it.
    retired_at: when YouTube retired the report type. cursor: the newest creation time that was listed.
    whole_at: when everything was listed, without a cursor. dispatched_at: what was noted by then went to `ingest`.
    seen_at, open, absent: see `Known`. at_risk: whether a day is missing that can still come.
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

    def ended(self, now: datetime) -> bool:
        """Whether it makes no more reports."""
        return self.ends_at is not None and self.ends_at <= now


JOBS = Mapper(Job, COLLECTION, key="name")


def name_of(channel_id: str, report_type: str) -> str:
    """The id of a job's document."""
    return f"{channel_id}:{report_type}"


def some_fields(job: Job, *names: str) -> dict[str, Any]:
    """Some fields of a job as they are stored."""
    fields = JOBS.fields(job)
    return {name: fields[name] for name in names}


def of_channels(client: Client, channel_ids: Iterable[str], report_types: Iterable[str]) -> list[Job]:
    """The jobs of some channels, as far as there are any. One read each."""
    kinds = tuple(report_types)
    names = (name_of(channel_id, kind) for channel_id in channel_ids for kind in kinds)
    return list(readable(JOBS, documents(client, COLLECTION, names)))


def at_risk(client: Client) -> list[Job]:
    """Jobs of which a day was missing, and could still come, when they were last listed, or failed since."""
    query = where(client.collection(COLLECTION), ("at_risk", "==", True))
    return list(readable(JOBS, query.limit(AT_RISK_MAX).stream(**call_options())))


def every(client: Client) -> Iterator[Job]:
    """All jobs; the documents of months beside them have no job of their own."""
    return readable(JOBS, listing(client.collection(COLLECTION).order_by("job_id")))
