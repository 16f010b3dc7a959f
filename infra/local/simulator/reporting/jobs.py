"""The reporting room's memory: jobs, the dialect of the files, and the totals of files that were rendered.

Reports themselves are not kept: which exist, and what stands in them, follows from the job and the clock.
"""

from __future__ import annotations

import uuid
from collections import Counter, OrderedDict
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

from infra.local.simulator.world import issues
from infra.local.simulator.world.files import PLAIN, Dialect, column_sums, csv_text, summed
from infra.local.simulator.world.hashing import key_of
from infra.local.simulator.world.issues import Issue, Job
from infra.local.simulator.world.model import Channel
from infra.local.simulator.world.report_types import REPORT_TYPES, ReportType
from infra.local.simulator.world.rows import Row, rows

if TYPE_CHECKING:
    from infra.local.simulator.state import Simulator

_SUMMARIES = 50_000


@dataclass(frozen=True)
class Summary:
    """What a file adds up to: its rows, the true total of each metric, and the column sums that are no total."""

    rows: int
    totals: dict[str, float]
    column_sums: dict[str, float]


class Jobs:
    """Reporting jobs of all channels."""

    def __init__(self, simulator: Simulator) -> None:
        self._world = simulator.world
        self._clock = simulator.clock
        self._jobs: dict[str, Job] = {}
        self._created: Counter[tuple[str, str]] = Counter()
        self._summaries: OrderedDict[tuple[str, str], Summary] = OrderedDict()
        self.dialect: Dialect = PLAIN
        self.held_at: float | None = None
        self.kinds: dict[str, ReportType] = dict(REPORT_TYPES)
        self.retired = {kind.id: kind.retired.timestamp() for kind in REPORT_TYPES.values() if kind.retired}
        self._odd: dict[tuple[str, str], dict[int, float | None]] = {}

    @property
    def now(self) -> float:
        """The present instant as an epoch second."""
        return self._clock().timestamp()

    @property
    def issuing(self) -> float:
        """The instant whose files are shown: the present, or the one at which issuing is held."""
        return self.now if self.held_at is None else min(self.now, self.held_at)

    def create(self, channel_id: str, report_type: str, name: str) -> Job | None:
        """A new job, or None when the channel has one of that type.

        Its id says when each of its files is issued, so it must not depend on which channel asked first.
        """
        if self.find(channel_id, report_type) is not None:
            return None
        self._created[channel_id, report_type] += 1
        named = (self._world.seed, "job", channel_id, report_type, self._created[channel_id, report_type])
        job_id = str(uuid.UUID(int=key_of(*named) << 64 | key_of(*named, "more"), version=4))
        job = Job(job_id, channel_id, report_type, name, round(self.now, 6))
        self._jobs[job_id] = job
        return job

    def of(self, channel_id: str) -> list[Job]:
        """A channel's jobs, the oldest first."""
        return [job for job in self._jobs.values() if job.channel_id == channel_id and self._lives(job)]

    def find(self, channel_id: str, report_type: str) -> Job | None:
        """A channel's job of a report type that makes new reports."""
        return next((job for job in self.of_type(channel_id, report_type) if not self._expired(job)), None)

    def of_type(self, channel_id: str, report_type: str) -> list[Job]:
        """A channel's jobs of a report type, also expired ones, the oldest first."""
        return [job for job in self.of(channel_id) if job.report_type == report_type]

    def get(self, channel_id: str, job_id: str) -> Job | None:
        """A channel's job by its id."""
        job = self._jobs.get(job_id)
        return job if job is not None and job.channel_id == channel_id and self._lives(job) else None

    def with_type(self, report_type: str) -> list[Job]:
        """Every channel's jobs of a report type, also expired ones."""
        return [job for job in self._jobs.values() if job.report_type == report_type and self._lives(job)]

    def all(self) -> list[Job]:
        """Every job that is there, also expired ones."""
        return [job for job in self._jobs.values() if self._lives(job)]

    def delete(self, job: Job) -> None:
        """End a job; its reports go with it."""
        self._jobs.pop(job.id, None)

    def make_odd(self, channel_id: str, report_type: str, ordinal: int, hours: float | None) -> None:
        """Let YouTube list a day's report so many hours late, or (None) never issue it."""
        self._odd.setdefault((channel_id, report_type), {})[ordinal] = hours

    def retire(self, report_type: str, at: float) -> None:
        """Let YouTube retire a report type: its jobs make nothing from then on, and there are no new ones."""
        self.retired[report_type] = at
        for job in self.with_type(report_type):
            job.expires = at if job.expires is None else min(job.expires, at)

    def offer(self, report_type: str, like: str) -> None:
        """Let YouTube offer one more report type, with the columns and rows of another."""
        self.kinds[report_type] = replace(self.kinds[like], id=report_type)

    def offered(self, report_type: str) -> bool:
        """Whether a job can be made for a report type now."""
        return report_type in self.kinds and self.retired.get(report_type, self.now + 1) > self.now

    def issued(self, job: Job) -> list[Issue]:
        """Everything issued for a job by now, ended or not."""
        odd = self._odd.get((job.channel_id, job.report_type))
        return issues.issues(job, self._channel(job), self.issuing, odd)

    def listed(self, job: Job) -> list[Issue]:
        """What can be listed and downloaded now, the newest issue first."""
        now = self.issuing
        found = [issue for issue in self.issued(job) if issue.listed(now)]
        return sorted(found, key=lambda issue: (issue.created, issue.id), reverse=True)

    def text(self, job: Job, issue: Issue) -> str:
        """The CSV text of a file, in the dialect of the moment."""
        found = self._rows(job, issue)
        self._remember(job, issue, found)
        return csv_text(self._channel(job), issue.ordinal, self.kinds[job.report_type], found, self.dialect)

    def summary(self, job: Job, issue: Issue) -> Summary:
        """What a file adds up to."""
        return self._summaries.get((job.id, issue.id)) or self._remember(job, issue, self._rows(job, issue))

    def _rows(self, job: Job, issue: Issue) -> list[Row]:
        channel = self._channel(job)
        videos = self._world.all_videos_of(channel.id, date.fromordinal(issue.ordinal))
        kind = self.kinds[job.report_type]
        return rows(channel, videos, issue.ordinal, kind, draft=issue.draft, as_of=issue.created)

    def _remember(self, job: Job, issue: Issue, found: list[Row]) -> Summary:
        kind = self.kinds[job.report_type]
        summary = Summary(len(found), summed(kind, found), column_sums(kind, found))
        self._summaries[job.id, issue.id] = summary
        if len(self._summaries) > _SUMMARIES:
            self._summaries.popitem(last=False)
        return summary

    def _channel(self, job: Job) -> Channel:
        channel = self._world.channel(job.channel_id)
        assert channel is not None
        return channel

    def _lives(self, job: Job) -> bool:
        return not (job.deleted and self._expired(job))

    def _expired(self, job: Job) -> bool:
        return job.expires is not None and job.expires <= self.now


def instant(epoch: float, *, fraction: bool = False) -> str:
    """RFC 3339 in UTC as the Reporting API writes it; create times have microseconds, days do not."""
    moment = datetime.fromtimestamp(epoch, UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ" if fraction else "%Y-%m-%dT%H:%M:%SZ")
