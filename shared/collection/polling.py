"""Polling: what the hub would have told us, looked up while it tells us nothing. Pure.

`channels.list` says of 50 channels for one unit how many videos each has; the newest page of its uploads, another
unit, is read where that has grown. While push is silent everybody is counted every five minutes, or as often as
the day's units allow; while it speaks, whoever has been silent for longer than is his habit. What is new or
changed there goes the way of a notification. Deletions are left to the nightly reading, which looks twice.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, NamedTuple

from shared.clock import pacific_day
from shared.data_map import POLLING
from shared.push.feed import VideoNotice
from shared.push.renewal import ASK_AGAIN, Standing
from shared.records import Mapper, compact
from shared.youtube.data import IDS_MAX, PlaylistItem

POLL_EVERY = timedelta(minutes=5)
DAILY_UNITS = 1_500
"""A day's units for counting and looking; the quota profile keeps them from background work (`kept`)."""
LOOKS_MAX = 200  # of one run, which has minutes
_OVERLAP = timedelta(minutes=1)
"""How much earlier a first look begins than the last growth, because YouTube's counts lag."""
_DAY = timedelta(days=1)
_UNKNOWN = 7 * 86_400  # seconds between two videos of a channel of which nothing is known
_PATIENCE = timedelta(hours=1), _DAY
_TRIES = 2


class Watch(NamedTuple):
    """What is known of one channel's videos without push. Instants in seconds of the epoch, 0 for none.

    videos: how many it had when YouTube last told, None before; counted: when that was asked. grown: when it last
    grew; gap: the seconds between two of its videos, as they come. silent: since when push is; unheard: although
    the hub promises to speak. tries: looks in a row that found nothing for a count that had grown.
    """

    videos: int | None = None
    counted: int = 0
    grown: int = 0
    gap: float = _UNKNOWN
    silent: int = 0
    unheard: bool = False
    tries: int = 0

    def counted_as(self, count: int | None, now: int) -> Watch:
        """After a count whose growth, if any, has been looked into or was heard of; a missing one says nothing."""
        more = count - self.videos if count is not None and self.videos is not None else 0
        if more <= 0:
            videos = self.videos if count is None else count
            return self._replace(videos=videos, counted=now, grown=self.grown or now, tries=0)
        gap = 0.7 * self.gap + 0.3 * (now - self.grown) / more
        return self._replace(videos=count, counted=now, grown=now, gap=max(60.0, gap), tries=0)

    def looked_at(self, count: int | None, notices: int, now: int) -> Watch:
        """After a look. One that found nothing is repeated twice: then YouTube counts what nobody sees."""
        if notices or self.tries >= _TRIES:
            return self.counted_as(count, now)
        return self._replace(counted=now, tries=self.tries + 1)

    def unsettled(self, count: int | None) -> bool:
        """Whether a count says that something is new. The first one says nothing."""
        return count is not None and self.videos is not None and count > self.videos


_CHANNELS = compact(Watch, lambda each: [*each[:3], round(each.gap), *each[4:]])


@dataclass(frozen=True, kw_only=True)
class Watched:
    """All connected channels. refusing: since when the hub refuses whatever it is asked. units: of the day.

    checked: when it was last looked whether push speaks again. compare_at: from when on everything is compared.
    """

    channels: Annotated[Mapping[str, Watch], _CHANNELS] = field(default_factory=dict)
    refusing: datetime | None = None
    ask_at: datetime | None = None
    checked: datetime | None = None
    day: date | None = None
    units: int = 0
    compare_at: datetime | None = None
    name: str = "channels"

    def silent(self) -> list[str]:
        """The channels that push tells nothing of; all, while the hub refuses."""
        return [name for name, each in self.channels.items() if self.refusing or each.silent]

    def units_left(self, now: datetime) -> int:
        return DAILY_UNITS - (self.units if self.day == pacific_day(now) else 0)

    def spent(self, units: int, now: datetime) -> Watched:
        day = pacific_day(now)
        return replace(self, day=day, units=units + (self.units if self.day == day else 0))

    def marked(self, standings: Mapping[str, Standing], now: datetime) -> Watched:
        """With what subscriptions say: silent is whose lease ends before the hub is asked again.

        One that spoke again is silent no longer; one that was unheard has to be heard first.
        """
        changed = dict(self.channels)
        for name, standing in standings.items():
            each = changed.get(name, Watch(grown=_seconds(now)))
            heard = standing.last_notification is not None and _seconds(standing.last_notification) >= each.silent
            if not standing.alive(now + ASK_AGAIN):
                each = each._replace(silent=each.silent or _seconds(now), unheard=False)
            elif not each.unheard or heard:
                each = each._replace(silent=0, unheard=False)
            changed[name] = each
        return replace(self, channels=changed)


WATCHED = Mapper(Watched, POLLING.path, key="name")
"""One document, some 30 bytes a channel. What cannot be read is made anew by the daily comparison."""


def interval(watched: Watched, now: datetime) -> timedelta:
    """How often each silent channel is counted: every five minutes, or as often as the day's units allow.

    Each video that comes costs a look, as far as habits tell; half of the units are for counting in any case.
    """
    silent = watched.silent()
    calls = -(-len(silent) // IDS_MAX)
    known = (watched.channels[name] for name in silent)
    # Between two videos it is longer than the habit by now, if it has been longer.
    looks = sum(_DAY.total_seconds() / max(each.gap, _seconds(now) - each.grown) for each in known)
    return max(POLL_EVERY, _DAY * calls / max(DAILY_UNITS - looks, DAILY_UNITS / 2))


def patience(each: Watch) -> timedelta:
    """For how long a channel may be silent while push speaks: twice its habit, an hour at least, a day at most."""
    shortest, longest = _PATIENCE
    return min(max(timedelta(seconds=2 * each.gap), shortest), longest)


def to_count(watched: Watched, now: datetime) -> list[list[str]]:
    """Calls of up to 50 channels that are due, the longest uncounted first; the last is filled with the next.

    An interval of no multiple of five minutes is kept on average: of what falls due before the next run, a part
    is counted early.
    """
    silent, every = set(watched.silent()), interval(watched, now)
    waits, parts, due = dict[str, float](), 0.0, 0
    for name, each in watched.channels.items():
        whole = every if name in silent else patience(each)
        wait, step = (_seconds(now) - each.counted) / whole.total_seconds(), POLL_EVERY / whole
        if step == 1:
            wait += timedelta(minutes=1) / POLL_EVERY  # the run before may have come later than this one
        waits[name], due = wait, due + (wait >= 1)
        parts += 1 if wait >= 1 else max(0.0, (wait + step - 1) / step) if step < 1 else 0
    order = sorted(waits, key=lambda name: (-waits[name], name))
    calls = min(max(-(-due // IDS_MAX), int(parts / IDS_MAX)), max(0, watched.units_left(now)))
    return [order[start : start + IDS_MAX] for start in range(0, calls * IDS_MAX, IDS_MAX)]


class Heard(NamedTuple):
    """What a look brought: notices, oldest first, and what to remember for the next one (video to fingerprint)."""

    notices: tuple[VideoNotice, ...]
    seen: Mapping[str, str]


def listen(
    channel_id: str,
    items: Sequence[PlaylistItem],
    *,
    seen: Mapping[str, str] | None,
    since: datetime,
    now: datetime,
) -> Heard:
    """Compare the newest page of uploads with the last look; `since`: where the first look begins.

    A new video is dated by its publication, so that a notification that comes after all is the newer one; a change
    is dated now. Private videos, which have no such date, are not heard of yet.
    """
    prints = {item.video_id: fingerprint(item) for item in items if item.published_at is not None}
    notices = [
        VideoNotice(
            video_id=item.video_id,
            channel_id=channel_id,
            updated=now if seen and item.video_id in seen else at,
            title=item.title,
            published=at,
        )
        for item in items
        if (at := item.published_at) is not None
        and (at >= since if seen is None else seen.get(item.video_id) != prints[item.video_id])
    ]
    return Heard(tuple(sorted(notices, key=lambda notice: (notice.updated, notice.video_id))), prints)


def fingerprint(item: PlaylistItem) -> str:
    """The same for the same words; 50 of them fit a document easily."""
    return hashlib.sha256(f"{item.title}\0{item.description}".encode()).hexdigest()[:16]


def first_look(each: Watch) -> datetime:
    """From when on a channel's videos are new to a first look: since it last grew, for counts may be missing."""
    return datetime.fromtimestamp(each.grown, UTC) - _OVERLAP


def _seconds(instant: datetime) -> int:
    return int(instant.timestamp())


def of_exactly(watched: Watched, working: Iterable[str], now: datetime) -> Watched:
    known = {name: watched.channels.get(name, Watch(grown=_seconds(now))) for name in sorted(working)}
    return replace(watched, channels=known)
