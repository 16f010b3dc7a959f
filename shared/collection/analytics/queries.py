"""The queries of the Analytics API that are asked, declared in `queries.toml` and held to the API's rules."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any

from shared.errors import Misconfigured
from shared.youtube.analytics import MONETARY, VIDEO_ROWS_MAX

ANALYTICS, REVENUE = "analytics", "revenue"
"""Features of a connection, as `shared.access.features` names them."""
RETENTION = frozenset({"audienceWatchRatio", "relativeRetentionPerformance"})
_TIMES = frozenset({"day", "month"})
_NOT_BY_VIDEO = frozenset({"adImpressions"})  # refused wherever anybody tried it


class Window(StrEnum):
    """Which days one query is about."""

    DAYS = "days"
    MONTH = "month"
    VIDEO = "video"


@dataclass(frozen=True, kw_only=True)
class Query:
    """One query, by YouTube's own names; what the other fields mean stands at the head of `queries.toml`.

    sort: the metric by which a list of videos descends. most: how many rows it may have.
    """

    name: str
    window: Window
    metrics: tuple[str, ...]
    dimensions: tuple[str, ...]
    restated: int
    every: int
    value: int
    needs: str = ANALYTICS
    sort: str | None = None
    most: int | None = None
    history: bool = False


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
                not RETENTION.isdisjoint(query.metrics),
                set(query.metrics) <= RETENTION,
            }
        )
        == 1
    ),
    "reads a history by days alone": lambda query: not query.history or query.dimensions == ("day",),
}
"""What YouTube documents or was met with, in words that follow a query's name."""


@cache
def queries() -> Mapping[str, Query]:
    """All queries by name, read once. Raises Misconfigured for one that breaks a rule."""
    declared = tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))
    return {name: checked(name, fields) for name, fields in declared.items()}


def checked(name: str, fields: Mapping[str, Any]) -> Query:
    """A query as it is declared. Raises Misconfigured naming the first rule that it breaks."""
    values: dict[str, Any] = {
        each: tuple(value) if isinstance(value, list) else value for each, value in fields.items()
    }
    query = Query(**{**values, "name": name, "window": Window(fields["window"])})
    for words, holds in RULES.items():
        if not holds(query):
            raise Misconfigured(
                f"The Analytics query {name} breaks a rule: a query {words}.", reason="analyticsQuery"
            )
    return query
