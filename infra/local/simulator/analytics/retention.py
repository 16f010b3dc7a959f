"""How an audience leaves a video: 100 points of the curve that belongs to its average share watched."""

from __future__ import annotations

import math
from collections.abc import Mapping

from infra.local.simulator.world.hashing import between
from infra.local.simulator.world.model import Video

POINTS = 100
ENOUGH_VIEWS = 100
"""Below so many views in the time asked for, YouTube shows no curve."""


def curve(video: Video, views: int) -> list[Mapping[str, float]]:
    """The points by metric, `elapsedVideoTimeRatio` from 0.01 to 1.0; empty for low traffic."""
    if views < ENOUGH_VIEWS:
        return []
    share = video.rates.viewed_share
    opening = between(video.key, 120, 0.98, 1.35)
    points: list[Mapping[str, float]] = []
    previous = opening
    for number in range(1, POINTS + 1):
        at = number / POINTS
        # People jump back to some scenes, so the curve has bumps and may pass 1 at the start.
        bump = 0.05 * math.sin(at * between(video.key, 121, 8.0, 30.0)) * (1 - at)
        fall = math.exp(-at * (1.2 - share) * 2.2)
        ratio = max(0.005, round(opening * fall * (1 + bump), 4))
        points.append(
            {
                "elapsedVideoTimeRatio": round(at, 2),
                "audienceWatchRatio": ratio,
                "relativeRetentionPerformance": round(between(video.key, 300 + number // 10, 0.2, 0.8), 4),
                "startedWatching": round(max(0.0, ratio - previous) + (opening if number == 1 else 0.0), 4),
                "stoppedWatching": round(max(0.0, previous - ratio), 4),
                "totalSegmentImpressions": int(views * ratio),
            }
        )
        previous = ratio
    return points
