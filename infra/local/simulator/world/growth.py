"""How views grow: one closed formula for the counter at an instant; a day's views are a difference of two.

Time is bent a little, per video and day, before it enters the curve, which gives busy and quiet days. The bent
clock is continuous and only runs forward, so a counter is monotone, costs the same at any age, and the views of
all days add up to it exactly. Likes, comments and the rest are fixed shares of the view counter, rounded down:
they add up the same way over any split of a day's views.
"""

from __future__ import annotations

import math
from datetime import date, datetime
from functools import lru_cache

from infra.local.simulator.world.hashing import between, mix, normal, pareto, unit
from infra.local.simulator.world.model import Channel, Curve, Rates, Video
from shared.clock import PACIFIC, pacific_midnight

MILLION = 1_000_000
_UNEVENNESS = 0.6
_JITTER = 101

# What a view can bring; each has its own offset.
(
    ENGAGED,
    LIKES,
    DISLIKES,
    COMMENTS,
    SHARES,
    PLAYLIST_ADDS,
    PLAYLIST_REMOVES,
    SUBSCRIBERS_GAINED,
    SUBSCRIBERS_LOST,
    CARD_IMPRESSIONS,
    CARD_CLICKS,
    RED_VIEWS,
    IMPRESSIONS,
    IMPRESSION_CLICKS,
) = range(14)


@lru_cache(maxsize=4096)
def midnight(ordinal: int) -> float:
    """The epoch second at which a Pacific day (proleptic ordinal) begins."""
    return pacific_midnight(date.fromordinal(ordinal)).timestamp()


@lru_cache(maxsize=65536)
def _day_of_hour(hour: int) -> int:
    return datetime.fromtimestamp(hour * 3600, PACIFIC).toordinal()


def ordinal_at(epoch: float) -> int:
    """The Pacific day (proleptic ordinal) of an instant; Pacific days begin on full hours of UTC."""
    return _day_of_hour(int(epoch // 3600))


def bent_midnight(key: int, ordinal: int) -> float:
    """The bent clock, in days, at the beginning of a Pacific day."""
    return ordinal + _UNEVENNESS * unit(key, (ordinal << 8) + _JITTER)


def bent_time(key: int, epoch: float) -> float:
    """The bent clock, in days, at an instant: continuous, and never backwards."""
    ordinal = ordinal_at(epoch)
    start, end = midnight(ordinal), midnight(ordinal + 1)
    low, high = bent_midnight(key, ordinal), bent_midnight(key, ordinal + 1)
    return low + (high - low) * (epoch - start) / (end - start)


def watched_age(video: Video, epoch: float) -> float:
    """For how long (bent days) the public could watch the video until an instant."""
    age = 0.0
    for start, end in video.visible:
        if epoch > start:
            age += bent_time(video.key, epoch if end is None else min(end, epoch)) - bent_time(video.key, start)
    return age


def views_at(video: Video, epoch: float) -> int:
    """The view counter at an instant."""
    age = watched_age(video, epoch)
    if age <= 0.0:
        return 0
    curve = video.curve
    burst = curve.burst * -math.expm1(-age / curve.burst_days)
    return int(burst + curve.tail * math.log1p(age / curve.tail_days))


def views_until(video: Video, ordinal: int) -> int:
    """The view counter at the beginning of a Pacific day."""
    return views_at(video, midnight(ordinal))


@lru_cache(maxsize=16384)
def offsets(key: int) -> tuple[int, ...]:
    """When the first of each thing that views bring is due: a video's part of a million, one for each purpose."""
    return tuple(mix(key, 60 + purpose) % MILLION for purpose in range(16))


def share_of(key: int, purpose: int, rate: int, views: int) -> int:
    """How many of something that `rate` per million of views brings have come with the first `views` views."""
    return (views * rate + offsets(key)[purpose]) // MILLION


def curve_for(channel: Channel, key: int, is_short: bool) -> Curve:
    """A new video's curve: most videos are small, a few are hits."""
    size = channel.popularity * pareto(key, 1, 1.25, 300.0) * (1.6 if is_short else 1.0)
    return Curve(
        burst=size * between(key, 2, 0.4, 0.9),
        burst_days=between(key, 3, 0.8, 2.5) if is_short else between(key, 3, 1.5, 6.0),
        tail=size * between(key, 4, 0.08, 0.35),
        tail_days=between(key, 5, 4.0, 20.0),
    )


def rates_for(key: int, is_short: bool, monetised: bool) -> Rates:
    """What views of one video bring."""

    def ppm(salt: int, low: float, high: float) -> int:
        return int(between(key, salt, low, high) * MILLION)

    shown = between(key, 24, 4.0, 14.0)
    return Rates(
        engaged=ppm(10, 0.50, 0.80) if is_short else ppm(10, 0.72, 0.97),
        likes=ppm(11, 0.02, 0.065),
        dislikes=ppm(12, 0.0008, 0.004),
        comments=ppm(13, 0.002, 0.009),
        shares=ppm(14, 0.003, 0.012),
        playlist_adds=ppm(15, 0.003, 0.010),
        playlist_removes=ppm(16, 0.0005, 0.002),
        subscribers_gained=ppm(17, 0.002, 0.012),
        subscribers_lost=ppm(18, 0.0003, 0.0015),
        card_impressions=0 if is_short else ppm(19, 0.0, 0.12),
        card_clicks=0 if is_short else ppm(20, 0.0, 0.004),
        red_views=ppm(21, 0.03, 0.12) if monetised else ppm(21, 0.0, 0.03),
        impressions=int(shown * MILLION),
        viewed_share=min(0.98, max(0.12, 0.42 + 0.12 * normal(key, 22) + (0.25 if is_short else 0.0))),
    )


def losses_until(channel: Channel, epoch: float) -> int:
    """Subscribers that the channel has lost by no video's doing, since it was founded."""
    rate = channel.subscriber_base * 0.00025
    return int(rate * (bent_time(channel.key, epoch) - founded(channel)))


def gains_until(channel: Channel, epoch: float) -> int:
    """Subscribers that found the channel by no video's doing (its page, a search), since it was founded."""
    rate = channel.subscriber_base * 0.0004
    return int(rate * (bent_time(channel.key, epoch) - founded(channel)) + 0.5)


def founded(channel: Channel) -> float:
    """The bent clock at the channel's foundation."""
    return bent_time(channel.key, channel.published_at.timestamp())
