"""Holds the declared queries of the Analytics API to the API's own rules, before anything is sent."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from shared.collection.analytics.plan import REVENUE, Query, Window
from shared.youtube.analytics import MONETARY, VIDEO_ROWS_MAX

_RETENTION = frozenset({"audienceWatchRatio", "relativeRetentionPerformance"})
_TIMES = frozenset({"day", "month"})
_NOT_BY_VIDEO = frozenset({"adImpressions"})  # refused wherever anybody tried it

RULES: Mapping[str, Callable[[Query], bool]] = {
    "has at most one of day and month": lambda query: not set(query.dimensions) >= _TIMES,
    "has the dimension day exactly where its window is days": lambda query: (
        ("day" in query.dimensions) == (query.window is Window.DAYS)
    ),
    "asks for money apart from everything else": lambda query: (
        MONETARY.isdisjoint(query.metrics) or set(query.metrics) <= MONETARY
    ),
    "needs revenue exactly where it asks for money": lambda query: (
        (query.needs == REVENUE) == bool(MONETARY & set(query.metrics))
    ),
    "sorts a list of videos by a metric of its own and takes at most 200 rows": lambda query: (
        query.sort in query.metrics and 0 < (query.most or 0) <= VIDEO_ROWS_MAX
        if "video" in query.dimensions
        else query.sort is None and query.most is None
    ),
    "asks for nothing by video that YouTube refuses there": lambda query: (
        "video" not in query.dimensions or _NOT_BY_VIDEO.isdisjoint(query.metrics)
    ),
    "asks for viewers by age and gender alone": lambda query: (
        "viewerPercentage" not in query.metrics
        or (query.metrics == ("viewerPercentage",) and set(query.dimensions) <= {"ageGroup", "gender"})
    ),
    "asks for retention by the video's time alone, and by that for nothing else": lambda query: (
        len(
            {
                query.window is Window.VIDEO,
                query.dimensions == ("elapsedVideoTimeRatio",),
                not _RETENTION.isdisjoint(query.metrics),
                set(query.metrics) <= _RETENTION,
            }
        )
        == 1
    ),
    "reads a history by days alone": lambda query: not query.history or query.dimensions == ("day",),
}
"""What YouTube documents or was met with, in words that follow a query's name."""


def broken(query: Query) -> list[str]:
    """The rules that a query breaks."""
    return [words for words, holds in RULES.items() if not holds(query)]
