"""Reporting jobs at YouTube: found, made, and replaced when YouTube ended them.

A job that has expired goes on answering with its old reports and makes no new ones: nothing else tells that it has
ended. A new one begins with 30 days of history.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from shared.collection.jobs import Job, name_of
from shared.errors import Conflict, InvalidRequest
from shared.monitoring.log import log
from shared.youtube import reporting
from shared.youtube.client import Caller


def started(caller: Caller, channel_id: str, report_type: str, now: datetime) -> Job:
    """A living job that YouTube has, or a new one, to be listed from its beginning.

    Two who start one at once end with the same one.
    """
    living = (
        job
        for job in reporting.list_jobs(caller)
        if job.report_type == report_type and (job.expires_at is None or job.expires_at > now)
    )
    made = min(living, key=lambda job: job.created_at, default=None) or reporting.create_job(caller, report_type)
    return Job(
        name=name_of(channel_id, report_type),
        channel_id=channel_id,
        report_type=report_type,
        job_id=made.id,
        created_at=made.created_at,
        ends_at=made.expires_at,
        since=now,
    )


def renewed(caller: Caller, job: Job, now: datetime) -> Job:
    """The job in place of one that has expired; of a report type that is retired, the same, with the time.

    One that cannot be replaced stays, and goes on being listed.
    """
    offered = {each.id: each.deprecated_at for each in reporting.report_types(caller)}
    retired_at = offered.get(job.report_type, now)
    if retired_at is not None and retired_at <= now:
        log("ERROR", "a report type is retired", channel=job.channel_id, report=job.report_type)
        return replace(job, retired_at=retired_at)
    try:
        new = started(caller, job.channel_id, job.report_type, now)
    except (Conflict, InvalidRequest) as error:
        new, why = job, error.reason
    else:
        why = "YouTube answers the expired job"
    if new.job_id == job.job_id:
        log("ERROR", "an expired reporting job cannot be replaced", channel=job.channel_id,
            report=job.report_type, reason=why)  # fmt: skip
        return job
    log("WARNING", "a reporting job expired and is replaced", channel=job.channel_id, report=job.report_type)
    return new.in_place_of(job, now)
