"""What one row of a report counts, and how a stretch of a video's view counter turns into it.

A day of a video is the stretch of its view counter between two midnights. Any split of the day (by country,
device, traffic source...) cuts that stretch into pieces, and every metric of a piece is the difference of a
monotone function at its ends. So all splits of a day add up to the same totals, to the last unit.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from operator import add
from typing import NamedTuple

from infra.local.simulator.world import growth
from infra.local.simulator.world.growth import MILLION, offsets
from infra.local.simulator.world.hashing import between
from infra.local.simulator.world.model import Video

EVERY_START_COUNTS = date(2026, 8, 24).toordinal()
"""From this day `views` counts every start in all formats."""
SHORTS_STARTS_COUNT = date(2025, 3, 26).toordinal()
"""From this day it does so for Shorts."""
WATCH_UNITS = 10_000
"""Watch time is counted in ten-thousandths of a minute, the precision that reports print."""


class Tally(NamedTuple):
    """Counts of one row, or sums of many.

    watch and red_watch: ten-thousandths of a minute. length: seconds of video that engaged viewers could have
    watched (engaged views times the video's length).
    """

    views: int = 0
    engaged_views: int = 0
    likes: int = 0
    dislikes: int = 0
    comments: int = 0
    shares: int = 0
    playlist_adds: int = 0
    playlist_removes: int = 0
    subscribers_gained: int = 0
    subscribers_lost: int = 0
    card_impressions: int = 0
    card_clicks: int = 0
    red_views: int = 0
    watch: int = 0
    red_watch: int = 0
    impressions: int = 0
    impression_clicks: int = 0
    length: int = 0

    def plus(self, other: Tally) -> Tally:
        """Both together."""
        return Tally(*map(add, self, other))

    @property
    def watch_minutes(self) -> float:
        """Watch time in minutes."""
        return self.watch / WATCH_UNITS

    @property
    def average_seconds(self) -> float:
        """Average view duration: over engaged views, also since `views` counts every start."""
        return self.watch * 60 / WATCH_UNITS / self.engaged_views if self.engaged_views else 0.0

    @property
    def average_percentage(self) -> float:
        """Average share of the video that was watched, in percent."""
        return self.watch * 6000 / WATCH_UNITS / self.length if self.length else 0.0


def total(tallies: Iterable[Tally]) -> Tally:
    """The sum of many; nothing for none."""
    columns = list(zip(*tallies, strict=True))
    return Tally(*map(sum, columns)) if columns else Tally()


@dataclass(frozen=True, slots=True)
class VideoDay:
    """A video's Pacific day: the stretch [first, last) of its view counter."""

    video: Video
    ordinal: int
    first: int
    last: int
    engaged_rate: int
    watch: int
    """The day's watch time, ten-thousandths of a minute."""

    @property
    def views(self) -> int:
        """Views of the day."""
        return self.last - self.first

    def tally(self, start: int, end: int) -> Tally:
        """What the piece [start, end) of the day's stretch counts."""
        video, due = self.video, offsets(self.video.key)
        rates = video.rates

        def grown(rate: int, offset: int) -> int:
            return (end * rate + offset) // MILLION - (start * rate + offset) // MILLION

        early, late = self._watch_until(start), self._watch_until(end)
        red_offset = due[growth.RED_VIEWS]
        engaged = grown(self.engaged_rate, due[growth.ENGAGED])
        impressions, clicks = self._reach(start, end)
        return Tally(
            views=end - start,
            engaged_views=engaged,
            likes=grown(rates.likes, due[growth.LIKES]),
            dislikes=grown(rates.dislikes, due[growth.DISLIKES]),
            comments=grown(rates.comments, due[growth.COMMENTS]),
            shares=grown(rates.shares, due[growth.SHARES]),
            playlist_adds=grown(rates.playlist_adds, due[growth.PLAYLIST_ADDS]),
            playlist_removes=grown(rates.playlist_removes, due[growth.PLAYLIST_REMOVES]),
            subscribers_gained=grown(rates.subscribers_gained, due[growth.SUBSCRIBERS_GAINED]),
            subscribers_lost=grown(rates.subscribers_lost, due[growth.SUBSCRIBERS_LOST]),
            card_impressions=grown(rates.card_impressions, due[growth.CARD_IMPRESSIONS]),
            card_clicks=grown(rates.card_clicks, due[growth.CARD_CLICKS]),
            red_views=grown(rates.red_views, red_offset),
            watch=late - early,
            red_watch=late * rates.red_views // MILLION - early * rates.red_views // MILLION,
            impressions=impressions,
            impression_clicks=clicks,
            length=engaged * video.duration_seconds,
        )

    def whole(self) -> Tally:
        """What the whole day counts."""
        return self.tally(self.first, self.last)

    def _reach(self, start: int, end: int) -> tuple[int, int]:
        """Thumbnail impressions and the clicks on them; a click is a view, so there are at most as many."""
        rate, offset = self.video.rates.impressions, offsets(self.video.key)[growth.IMPRESSIONS]
        clicked = offsets(self.video.key)[growth.IMPRESSION_CLICKS]
        impressions = (end * rate + offset) // MILLION - (start * rate + offset) // MILLION
        clicks = (end * _CLICK_RATE + clicked) // MILLION - (start * _CLICK_RATE + clicked) // MILLION
        return impressions, clicks

    def _watch_until(self, position: int) -> int:
        offset = offsets(self.video.key)[growth.ENGAGED]
        until = (position * self.engaged_rate + offset) // MILLION
        before = (self.first * self.engaged_rate + offset) // MILLION
        after = (self.last * self.engaged_rate + offset) // MILLION
        return self.watch * (until - before) // (after - before) if after > before else 0


_CLICK_RATE = 550_000


def video_day(video: Video, ordinal: int) -> VideoDay:
    """A video's Pacific day (proleptic ordinal)."""
    first = growth.views_until(video, ordinal)
    last = growth.views_until(video, ordinal + 1)
    rate = video.rates.engaged
    if ordinal < (SHORTS_STARTS_COUNT if video.is_short else EVERY_START_COUNTS):
        rate = MILLION
    offset = offsets(video.key)[growth.ENGAGED]
    engaged = (last * rate + offset) // MILLION - (first * rate + offset) // MILLION
    mood = between(video.key, (ordinal << 8) + 102, 0.85, 1.15) if engaged else 1.0
    seconds = engaged * video.duration_seconds * min(1.0, video.rates.viewed_share * mood)
    return VideoDay(video, ordinal, first, last, rate, int(seconds * WATCH_UNITS / 60))
