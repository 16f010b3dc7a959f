"""When YouTube issues which report: the life of a job's files, computed from the job and the clock alone.

A job brings the 30 Pacific days before its creation, in a few batches within two days, and from then on each day
48 to 72 hours after its end. Some days are issued as a draft and again some days later: the newer issue replaces
the older, which stays in the list for a week. Files of the days before the job end 30 days after their issue,
others 60. One file in 30 is listed some hours after its create time, behind newer ones: a cursor on create times
needs an overlap. A job that has expired makes no new files; those that it has made stay. Days can be made odd:
never issued, or listed long after their create time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from infra.local.simulator.world.growth import midnight, ordinal_at
from infra.local.simulator.world.hashing import between, key_of, mix, unit
from infra.local.simulator.world.model import Channel
from infra.local.simulator.world.rows import Draft, draft_of

HISTORY_DAYS = 30
HOUR, DAY = 3600.0, 86400.0
_BATCHES = 4
_SUPERSEDED_LISTED = 7 * DAY
_KEPT_HISTORY, _KEPT = 30 * DAY, 60 * DAY
_LATE_SHARE, _LATE_HOURS = 1 / 30, 5.0


@dataclass
class Job:
    """A reporting job. Instants are epoch seconds; `expires` is set when YouTube ends the job by itself.

    deleted: whether the job and its reports are gone then, or stay without new ones.
    """

    id: str
    channel_id: str
    report_type: str
    name: str
    created: float
    expires: float | None = None
    deleted: bool = False


Odd = Mapping[int, float | None]
"""Days by ordinal that YouTube issues oddly: so many hours late in the list, None for never."""


@dataclass(frozen=True)
class Issue:
    """One issued file.

    ordinal: its Pacific day. created, shown (from when it can be listed), replaced (only if it was) and ends are
    epoch seconds.
    """

    id: str
    ordinal: int
    draft: Draft | None
    created: float
    shown: float
    replaced: float | None
    ends: float

    @property
    def start(self) -> float:
        """First instant of its day."""
        return midnight(self.ordinal)

    @property
    def end(self) -> float:
        """First instant of the next day."""
        return midnight(self.ordinal + 1)

    def listed(self, now: float) -> bool:
        """Whether it can be listed and downloaded at an instant."""
        gone = self.ends if self.replaced is None else min(self.ends, self.replaced + _SUPERSEDED_LISTED)
        return self.shown <= now < gone


def available_at(channel: Channel, ordinal: int) -> float:
    """When YouTube has a channel's day counted: 48 to 72 hours after the day's end, as an epoch second."""
    return midnight(ordinal + 1) + between(channel.key, (ordinal << 8) + 109, 48.0, 71.9) * HOUR


def issues(job: Job, channel: Channel, now: float, odd: Odd | None = None) -> list[Issue]:
    """Everything issued for a job until an instant, also what has ended since; days in order, drafts first."""
    odd = odd or {}
    key = key_of(job.id)
    first = ordinal_at(job.created)
    batches = [job.created + between(key, 200 + number, 2.0, 46.0) * HOUR for number in range(_BATCHES)]
    found: list[Issue] = []
    for ordinal in range(first - HISTORY_DAYS, ordinal_at(now) - 1):
        late = odd.get(ordinal, 0.0)
        if late is None:
            continue
        day_key = mix(key, (ordinal << 8) + 108)
        created = available_at(channel, ordinal)
        historical = ordinal < first
        if historical:
            created = max(created, batches[day_key % _BATCHES] + between(day_key, 1, 0.0, 0.5) * HOUR)
        if job.expires is not None and created >= job.expires:
            continue
        draft = draft_of(channel, ordinal)
        again = created + between(day_key, 2, 6.0, 170.0) * HOUR if draft is not None else None
        if again is not None and job.expires is not None and again >= job.expires:
            again = None
        kept = _KEPT_HISTORY if historical else _KEPT
        replaced = again if again is not None and _shown(day_key, 1, again) <= now else None
        if (shown := _shown(day_key, 0, created) + late * HOUR) <= now:
            found.append(Issue(_id(day_key, 0), ordinal, draft, created, shown, replaced, created + kept))
        if replaced is not None:
            shown = _shown(day_key, 1, replaced)
            found.append(Issue(_id(day_key, 1), ordinal, None, replaced, shown, None, replaced + kept))
    return found


def _shown(key: int, version: int, created: float) -> float:
    """When a file can be listed: at once, or hours later."""
    late = unit(key, 310 + version) < _LATE_SHARE
    return created + (between(key, 320 + version, 0.5, _LATE_HOURS) * HOUR if late else 0.0)


def newest(found: list[Issue]) -> dict[int, Issue]:
    """The issue that counts for each day (by ordinal): the one created last, listed still or not."""
    return {issue.ordinal: issue for issue in sorted(found, key=lambda issue: issue.created)}


def _id(key: int, version: int) -> str:
    return str(10**9 + mix(key, 300 + version) % (9 * 10**10))
