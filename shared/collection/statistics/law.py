"""Decides whose counts are read next. Pure.

A count that grows by r an hour and was read τ hours ago is wrong by r·τ. Of all ways to spend a number of calls,
the mean error is smallest where the one with the largest Σ r·τ² goes first (infra/decisions/statistics.md). A call
reads up to 50 videos of one channel. An outline of each channel, its videos by fifties, the fastest together, is
all that a choice among 10,000 channels looks at. Where people watch a burst may begin at any minute: what was not
read for twenty is worth more than its error, so that of bursts, too, half are noticed soon.

Rates are estimates (Gamma-Poisson, with a memory), and only order the reading: a count is stored as it was read.
"""

from __future__ import annotations

import heapq
import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple, TypeVar

from shared.clock import pacific_day
from shared.quota.calendar import day_left
from shared.youtube.data import IDS_MAX

Id = TypeVar("Id")
Fifty = tuple[float, int]
"""Of videos that are read together: the sum of their rates, and the minute of their reading, weighted by these."""

EVERY = timedelta(minutes=5)
"""How often the schedule runs."""
CALLS_MAX = 60
"""Of one run. What an outage has left over is spent over the rest of the day, not at once."""

_MEMORY = 24.0  # hours after which what was seen counts a third
_DECAY, _SHOULDER = 0.7, 12.0  # a rate falls with (age + shoulder) to the power of minus this
_NOW = 0.35  # a video's rate beside that of its whole life, but for young ones
_FIRST_VIEWS = 20.0  # as many a new video is given credit for in its first hour
_PRIOR = 1.0  # views that the lifetime's rate is worth
_LEAST = 1e-4  # views an hour: of the quietest
_UNREAD, _NEW = 1e9, 1e12  # as rates: before all that were read; before those, too
_SOON, _UNNOTICED = 20, 45  # minutes from which on, and as how many more, a burst's beginning counts
_IN_VAIN = 24 * 60  # minutes after which also what hardly grows is read again


class Video(NamedTuple):
    """What is known of a video. Minutes since 1970; 0 for never, or unknown.

    rate: views an hour, as expected when it was read. seen: hours that the rate rests on, fewer as they lie back.
    absent: how often in a row it was missing from an answer.
    """

    published: int = 0
    read: int = 0
    views: int | None = None
    rate: float = 0.0
    seen: float = 0.0
    absent: int = 0


def read(video: Video, views: int | None, now: int) -> Video:
    """A video after an answer. views: None where YouTube does not tell them; then it is asked about once a day."""
    if views is None:
        return video._replace(read=now, views=None, rate=_LEAST, seen=0.0, absent=0)
    if video.views is None:
        rate = _lifetime_rate(views, now - video.published)
        return video._replace(read=now, views=views, rate=rate, seen=_short(_PRIOR / rate), absent=0)
    hours = (now - video.read) / 60
    if hours <= 0:
        return video._replace(views=views, absent=0)
    rate, seen = max(_LEAST, rate_at(video, now)), video.seen * math.exp(-hours / _MEMORY)
    gained = max(0, views - video.views)
    if _surprising(gained, rate * hours):
        seen = min(seen, _PRIOR / rate, hours / 4)
    rate = max(_LEAST, (rate * seen + gained) / (seen + hours))
    return video._replace(read=now, views=views, rate=_short(rate), seen=_short(seen + hours), absent=0)


def missed(video: Video) -> Video:
    """A video that was absent from an answer: it is asked about again, and later each time."""
    return video._replace(absent=video.absent + 1, rate=video.rate / 2)


def rate_at(video: Video, now: int) -> float:
    """Views an hour that are expected at a minute."""
    if not video.published or not video.read or (now - video.read) * 50 < now - video.published:
        return video.rate  # within 1.4 %
    then, age = (max(0, minute - video.published) / 60 + _SHOULDER for minute in (video.read, now))
    return video.rate * math.pow(then / age, _DECAY)


def _lifetime_rate(views: int, minutes: int) -> float:
    """What a first count and a video's age say of its rate."""
    hours = max(0, minutes) / 60
    share = _NOW + (1 - _NOW) * math.exp(-hours / 24)
    return max(_LEAST, _short(share * (views + _FIRST_VIEWS) / (hours + 1)))


def _surprising(gained: int, expected: float) -> bool:
    """Whether a video has grown as its rate does not explain: a burst has begun, or ended."""
    spread = 4 * math.sqrt(expected + 1)
    return gained > 2 * expected + spread or gained < expected / 2 - spread


def _short(number: float) -> float:
    """Three digits of a number, which is all that an estimate is worth keeping."""
    return float(f"{number:.3g}")


def _weight(video: Video, now: int) -> float:
    if video.read:
        return rate_at(video, now)
    return _NEW if video.published else _UNREAD


def outline(videos: Mapping[Id, Video], now: int) -> list[Fifty]:
    """What a choice has to know of a channel: never read, then the fastest growing first, by fifties."""
    weighed = sorted(((_weight(each, now), _since(each, now)) for each in videos.values()), reverse=True)
    found = list[Fifty]()
    for start in range(0, len(weighed), IDS_MAX):
        fifty = weighed[start : start + IDS_MAX]
        total = sum(weight for weight, _ in fifty) or _LEAST
        found.append((_short(total), round(sum(weight * at for weight, at in fifty) / total)))
    return found


def choose(outlines: Iterable[tuple[str, Sequence[Fifty]]], calls: int, now: int) -> dict[str, int]:
    """The channels to read now, each with a number of calls: what lowers the error most, if it can have grown."""
    worth = (
        (_gain(rate, now - at), channel_id)
        for channel_id, outlined in outlines
        for rate, at in outlined
        if rate * (now - at) >= 60 or now - at >= _IN_VAIN
    )
    return Counter(channel_id for _, channel_id in heapq.nlargest(calls, worth))


def _gain(rate: float, minutes: int) -> float:
    """What a reading is worth after so many minutes."""
    return rate * (max(1, minutes) ** 2 + (_UNNOTICED**2 if minutes >= _SOON else 0))


def to_read(videos: Mapping[Id, Video], calls: int, now: int) -> list[list[Id]]:
    """A channel's videos for a number of calls: those that lower the error most."""

    def urgency(each: Id) -> float:
        return _gain(_weight(videos[each], now), now - _since(videos[each], now))

    best = sorted(videos, key=urgency, reverse=True)[: calls * IDS_MAX]
    return [best[start : start + IDS_MAX] for start in range(0, len(best), IDS_MAX)]


def _since(video: Video, now: int) -> int:
    """Since when a count is unknown; of a video that was never read, for a day."""
    return video.read or now - _IN_VAIN


def calls_now(units: int, spent: int, now: datetime) -> int:
    """How many calls a run may make, so that by the next no more are spent than that part of the day."""
    part = 1 - day_left(pacific_day(now), now + EVERY)
    return max(0, min(int(units * part + 1e-6) - spent, CALLS_MAX))
