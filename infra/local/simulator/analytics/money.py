"""What a monetised channel earns, per video and day, and how the figures are restated.

Ads earn by engaged views, Premium by the minutes its members watch. For some days after they appear the figures
are estimates: those of one video and day are off by one factor, until they become final on a day of their own.
"""

from __future__ import annotations

from dataclasses import dataclass

from infra.local.simulator.world.growth import midnight
from infra.local.simulator.world.hashing import between, mix
from infra.local.simulator.world.tally import WATCH_UNITS, Tally, VideoDay

CREATORS_SHARE = 0.55
_PREMIUM_PER_MINUTE = 0.0045
_DAY = 86400.0


@dataclass(frozen=True)
class Money:
    """US dollars and counts; all of it adds up over videos, days and countries but for rounding."""

    gross: float = 0.0
    premium: float = 0.0
    playbacks: float = 0.0
    impressions: float = 0.0

    def plus(self, other: Money) -> Money:
        """Both together."""
        return Money(
            self.gross + other.gross,
            self.premium + other.premium,
            self.playbacks + other.playbacks,
            self.impressions + other.impressions,
        )


def earned(day: VideoDay, tally: Tally, now: float) -> Money:
    """What a piece of a video's day has earned, as YouTube tells it at an instant."""
    key = mix(day.video.key, (day.ordinal << 8) + 110)
    factor = 1.0 if now >= final_at(day) else between(key, 1, 0.86, 1.06)
    playbacks = tally.engaged_views * (0.0 if day.video.made_for_kids else between(day.video.key, 111, 0.35, 0.8))
    dollars_per_thousand = between(day.video.key, 112, 1.5, 14.0) * between(key, 2, 0.8, 1.2)
    return Money(
        gross=playbacks * dollars_per_thousand / 1000 * factor,
        premium=tally.red_watch / WATCH_UNITS * _PREMIUM_PER_MINUTE * factor,
        playbacks=playbacks,
        impressions=playbacks * between(day.video.key, 113, 1.0, 1.7),
    )


def final_at(day: VideoDay) -> float:
    """When a day's figures of a video stop moving: 6 to 16 days after its end, as an epoch second."""
    return midnight(day.ordinal + 1) + between(day.video.key, (day.ordinal << 8) + 114, 6.0, 16.0) * _DAY
