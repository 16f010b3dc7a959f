"""Reporting jobs at YouTube: found, made, and replaced when YouTube ended them.

A job that has expired goes on answering with its old reports and makes no new ones: nothing else tells that it has
ended. A new one begins with 30 days of history.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from shared.clock import Clock
from shared.cloud.firestore import Client, Store, update
from shared.cloud.steps import Change, Docs, Write, reading
from shared.collection.jobs import COLLECTION, JOBS, Job, name_of, some_fields
from shared.errors import Conflict, InvalidRequest
from shared.monitoring.log import log
from shared.youtube import reporting
from shared.youtube.client import Caller

Result = TypeVar("Result")

_LISTED = ("cursor", "whole_at", "seen_at", "absent", "at_risk", "ends_at", "retired_at")


@dataclass(frozen=True)
class ReportingJobs:
    """Reporting jobs, as stored and at YouTube."""

    client: Client
    clock: Clock

    def ensured(self, caller: Caller, channel_id: str, report_type: str) -> tuple[Job, Docs | None]:
        """The channel's job for a report type: remembered, with its document, or found, or created."""
        name = name_of(channel_id, report_type)
        docs = Store(self.client).run(reading([f"{COLLECTION}/{name}"]))
        [stored] = docs.values()
        if stored is None:
            return self.started(caller, channel_id, report_type), None
        return JOBS.read(name, stored.data), docs

    def started(self, caller: Caller, channel_id: str, report_type: str) -> Job:
        """A living job that YouTube has, or a new one, to be listed from its beginning.

        Two who start one at once end with the same one.
        """
        living = (
            job
            for job in reporting.list_jobs(caller)
            if job.report_type == report_type and (job.expires_at is None or job.expires_at > self.clock())
        )
        made = min(living, key=lambda job: job.created_at, default=None)
        return self._adopted(made or reporting.create_job(caller, report_type), channel_id)

    def renewed(self, caller: Caller, job: Job) -> Job:
        """The job in place of one that has expired; of a report type that is retired, the same, with the time.

        One that cannot be replaced stays, and goes on being listed.
        """
        offered = {each.id: each.deprecated_at for each in reporting.report_types(caller)}
        retired_at = offered.get(job.report_type, self.clock())
        if retired_at is not None and retired_at <= self.clock():
            log("ERROR", "a report type is retired", channel=job.channel_id, report=job.report_type)
            return replace(job, retired_at=retired_at)
        try:
            started = self.started(caller, job.channel_id, job.report_type)
        except (Conflict, InvalidRequest) as error:
            started, why = job, error.reason
        else:
            why = "YouTube answers the expired job"
        if started.job_id == job.job_id:
            log("ERROR", "an expired reporting job cannot be replaced", channel=job.channel_id,
                report=job.report_type, reason=why)  # fmt: skip
            return job
        log("WARNING", "a reporting job expired and is replaced", channel=job.channel_id, report=job.report_type)
        return started

    def note(self, job: Job, *, seen: Docs | None = None) -> None:
        """Remember how far a job was listed. One that is gone stays so; one that was replaced keeps its own.

        seen: its document, with this job in it, if it was read a moment ago.
        """

        def decide(stored: Job | None) -> tuple[Job | None, dict[str, Any]]:
            return stored, {} if stored is None else listed(job, stored, "dispatched_at")

        self._change(job.name, decide, seen=seen)

    def _adopted(self, made: reporting.Job, channel_id: str) -> Job:
        """The stored record of a job at YouTube, in place of one before it."""
        now = self.clock()
        new = Job(
            name=name_of(channel_id, made.report_type),
            channel_id=channel_id,
            report_type=made.report_type,
            job_id=made.id,
            created_at=made.created_at,
            ends_at=made.expires_at,
            since=now,
        )

        def decide(stored: Job | None) -> tuple[Job, dict[str, Any]]:
            if stored is None:
                return new, JOBS.fields(new)
            if stored.job_id == new.job_id:
                return stored, {}
            before = replace(stored.span, ends_at=stored.ends_at or now)
            job = replace(
                stored,
                job_id=new.job_id,
                created_at=new.created_at,
                ends_at=new.ends_at,
                earlier=(*stored.earlier, before),
                cursor=None,
                whole_at=None,
            )
            return job, JOBS.fields(job)

        return self._change(new.name, decide)

    def _change(
        self, name: str, decide: Callable[[Job | None], tuple[Result, dict[str, Any]]], *, seen: Docs | None = None
    ) -> Result:
        path = f"{COLLECTION}/{name}"

        def decided(docs: Docs) -> Change[Result]:
            doc = docs[path]
            result, fields = decide(None if doc is None else JOBS.read(name, doc.data))
            return Change(result, [Write(path, fields)] if fields else [])

        return update(self.client, [path], decided, seen=seen)


def listed(job: Job, stored: Job, *also: str) -> dict[str, Any]:
    """What is stored of how far a job was listed; nothing, if another has taken its place."""
    return some_fields(job, *_LISTED, *also) if stored.job_id == job.job_id else {}
