"""Notes since when all report types of a channel are listed, and loaded: mostly once a day, with the last of them.

Each report type has these times with its job. A channel's own are the oldest of them: by these the hourly run
finds who is overdue, and people see how fresh its reports are.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from shared import channels
from shared.cloud.firestore import Client
from shared.collection import packs
from shared.collection.jobs import Job
from shared.collection.packs import Moved
from shared.collection.planner import STALE
from shared.errors import CorruptData

Jobs = Mapping[str, Job | None]
"""A channel's, by report type."""


def note(
    client: Client, pack: int, report_type: str, moved: Mapping[str, Moved], report_types: Iterable[str]
) -> None:
    """Note the times of a pack's channels whose oldest changes with the job of one report type.

    The other types are read after that job was written, so of two that are the last at once, one sees both.
    """
    kinds = tuple(report_types)
    if not any(_times(each.before) != _times(each.after) for each in moved.values()):
        return
    others = {kind: packs.read(client, kind, pack)[0] for kind in kinds if kind != report_type}
    for channel_id, each in moved.items():
        try:
            known: dict[str, Job | None] = {kind: stored.job(channel_id) for kind, stored in others.items()}
        except CorruptData:
            continue
        before, after = (oldest({**known, report_type: job}, kinds) for job in each)
        if after[0] is not None and list(map(_hour, before)) != list(map(_hour, after)):
            channels.record_listed(
                client, channel_id, listed_at=after[0], synced_at=after[1], collect_at=after[0] + STALE
            )


def oldest(jobs: Jobs, kinds: Iterable[str]) -> tuple[datetime | None, datetime | None]:
    """Since when all report types are listed, and since when they are loaded; None while one never was."""
    every = [_times(jobs.get(kind)) for kind in kinds]
    listed, synced = ([times[place] for times in every] for place in (0, 1))
    return _least(listed), _least(synced)


def _hour(at: datetime | None) -> str:
    """As exactly as it is noted: types that are listed one after another move the oldest time by minutes each."""
    return f"{at:%Y-%m-%dT%H}" if at else ""


def _times(job: Job | None) -> tuple[datetime | None, datetime | None]:
    return (None, None) if job is None else (job.listed_at, job.synced_at)


def _least(times: list[datetime | None]) -> datetime | None:
    found = [at for at in times if at is not None]
    return min(found) if found and len(found) == len(times) else None
