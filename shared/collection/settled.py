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

Times = tuple[datetime | None, datetime | None]
"""Since when something is listed, and loaded; None while it never was."""


def note(
    client: Client, pack: int, report_type: str, moved: Mapping[str, Moved], report_types: Iterable[str]
) -> None:
    """Note the times of a pack's channels whose oldest changes with the job of one report type.

    The other types are read after that job was written, so of two that are the last at once, one sees both.
    """
    kinds, waiting = tuple(report_types), dict[str, tuple[Times, Times]]()
    for channel_id, each in moved.items():
        before, after = _times(each.before), _times(each.after)
        if _noted_as(before) != _noted_as(after):
            waiting[channel_id] = before, after
    for kind in reversed(kinds):  # the last ones are listed last
        if kind == report_type or not waiting:
            continue
        other, _ = packs.read(client, kind, pack)
        for channel_id, pair in list(waiting.items()):
            try:
                times = _times(other.job(channel_id))
            except CorruptData:
                times = None, None
            before, after = (oldest(each, times) for each in pair)
            waiting[channel_id] = before, after
            if _noted_as(before) == _noted_as(after):
                del waiting[channel_id]  # the others' stays the oldest
    for channel_id, (_, (listed_at, synced_at)) in waiting.items():
        if listed_at is not None:
            channels.record_listed(
                client, channel_id, listed_at=listed_at, synced_at=synced_at, collect_at=listed_at + STALE
            )


def oldest(one: Times, other: Times) -> Times:
    """The older of two, for each; None where one never was."""
    return _older(one[0], other[0]), _older(one[1], other[1])


def _older(one: datetime | None, other: datetime | None) -> datetime | None:
    return min(one, other) if one and other else None


def _noted_as(times: Times) -> list[str]:
    """As exactly as it is noted: types that are listed one after another move the oldest time by minutes each."""
    return [f"{at:%Y-%m-%dT%H}" if at else "" for at in times]


def _times(job: Job | None) -> Times:
    return (None, None) if job is None else (job.listed_at, job.synced_at)
