"""Which queries the Analytics API answers: a table of reports, and the refusals for everything else.

Source: the channel reports of the YouTube Analytics API. What no row of the table allows is refused with "The
query is not supported.", as Google does, and an unknown name with the place where it stands.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from infra.local.simulator.errors import GoogleError

COUNTS = frozenset(
    {
        *("views", "engagedViews", "likes", "dislikes", "comments", "shares", "estimatedMinutesWatched"),
        *("averageViewDuration", "averageViewPercentage", "subscribersGained", "subscribersLost"),
        *("videosAddedToPlaylists", "videosRemovedFromPlaylists", "redViews", "estimatedRedMinutesWatched"),
        *("cardImpressions", "cardClicks", "cardClickRate"),
        *("cardTeaserImpressions", "cardTeaserClicks", "cardTeaserClickRate"),
    }
)
MONEY = frozenset(
    {
        *("estimatedRevenue", "estimatedAdRevenue", "grossRevenue", "estimatedRedPartnerRevenue"),
        *("cpm", "playbackBasedCpm", "monetizedPlaybacks", "adImpressions"),
    }
)
RETENTION = frozenset(
    {
        *("audienceWatchRatio", "relativeRetentionPerformance"),
        *("startedWatching", "stoppedWatching", "totalSegmentImpressions"),
    }
)
WATCHING = frozenset(
    {
        *("views", "engagedViews", "redViews", "estimatedMinutesWatched", "estimatedRedMinutesWatched"),
        *("averageViewDuration", "averageViewPercentage"),
    }
)
VIEWERS = frozenset({"viewerPercentage"})
METRICS = COUNTS | MONEY | RETENTION | VIEWERS
FLOATS = MONEY - {"monetizedPlaybacks", "adImpressions"} | {
    *("averageViewPercentage", "cardClickRate", "cardTeaserClickRate", "viewerPercentage"),
    *("audienceWatchRatio", "relativeRetentionPerformance", "startedWatching", "stoppedWatching"),
}
SPLITS = frozenset(
    {
        *("insightTrafficSourceType", "insightPlaybackLocationType", "deviceType", "operatingSystem"),
        *("subscribedStatus", "liveOrOnDemand"),
    }
)
DIMENSIONS = SPLITS | {"day", "month", "video", "country", "elapsedVideoTimeRatio", "ageGroup", "gender"}
FILTERS = frozenset({"video", "country", "subscribedStatus", "liveOrOnDemand"})
CURRENCIES: Mapping[str, float] = {
    "USD": 1.0, "EUR": 0.92, "GBP": 0.79, "JPY": 152.0, "INR": 84.0, "BRL": 5.6, "CAD": 1.38, "AUD": 1.53,
    "MXN": 19.8, "CHF": 0.88, "SEK": 10.6, "PLN": 4.0, "KRW": 1380.0, "TRY": 34.0,
}  # fmt: skip
TOP_VIDEOS = 200
_VIDEOS_MOST = 500


@dataclass(frozen=True)
class Report:
    """One row of the table: every dimension of `needs`, any of `may`; any of the metrics and filters.

    top: a ranking, which needs a descending sort and at most 200 rows asked for. one_video: exactly one as filter.
    """

    needs: frozenset[str]
    metrics: frozenset[str]
    filters: frozenset[str] = FILTERS
    may: frozenset[str] = frozenset()
    top: bool = False
    one_video: bool = False

    def fits(self, query: Query) -> bool:
        """Whether this report answers a query."""
        asked = frozenset(query.dimensions)
        return (
            self.needs <= asked <= self.needs | self.may
            and frozenset(query.metrics) <= self.metrics
            and frozenset(query.filters) <= self.filters
            and (not self.top or self._ranks(query))
            and (not self.one_video or len(query.filters.get("video", ())) == 1)
        )

    @staticmethod
    def _ranks(query: Query) -> bool:
        return query.most is not None and query.most <= TOP_VIDEOS and bool(query.sort) and query.sort[0][1]


def _needs(*names: str) -> frozenset[str]:
    return frozenset(names)


REPORTS: tuple[Report, ...] = (
    Report(_needs(), COUNTS | MONEY),
    Report(_needs("day"), COUNTS | MONEY),
    Report(_needs("month"), COUNTS | MONEY),
    Report(_needs("country"), COUNTS | MONEY, filters=FILTERS - {"country"}),
    Report(_needs("video"), COUNTS | MONEY, top=True),
    Report(_needs("elapsedVideoTimeRatio"), RETENTION, filters=_needs("video"), one_video=True),
    Report(_needs("ageGroup"), VIEWERS, may=_needs("gender")),
    Report(_needs("gender"), VIEWERS),
    *(Report(_needs(split), WATCHING, may=_needs("day"), filters=FILTERS - {split}) for split in sorted(SPLITS)),
    Report(_needs("deviceType", "operatingSystem"), WATCHING, may=_needs("day")),
)


@dataclass(frozen=True, kw_only=True)
class Query:
    """A query that parses. sort: name and whether it descends. most and first: rows, `first` counted from 1."""

    start: date
    end: date
    metrics: tuple[str, ...]
    dimensions: tuple[str, ...]
    filters: Mapping[str, tuple[str, ...]]
    sort: tuple[tuple[str, bool], ...]
    most: int | None
    first: int
    currency: str

    @property
    def monetary(self) -> bool:
        """Whether it asks for money."""
        return not MONEY.isdisjoint(self.metrics)


def parse(params: Mapping[str, Any]) -> Query:
    """The query of a request. Raises 400 for names, dates and combinations that Google does not know."""
    start, end = _day(params, "startDate"), _day(params, "endDate")
    if start > end:
        raise _bad("The start date must not be later than the end date.", "parameters.startDate")
    currency = params.get("currency") or "USD"
    if currency not in CURRENCIES:
        raise _bad(f"Currency {currency} is not recognized.", "parameters.currency")
    query = Query(
        start=start,
        end=end,
        metrics=_names(params.get("metrics", ""), "metrics", METRICS),
        dimensions=_names(params.get("dimensions", ""), "dimensions", DIMENSIONS),
        filters=_filters(params.get("filters", "")),
        sort=tuple((name.lstrip("-"), name.startswith("-")) for name in _listed(params.get("sort", ""))),
        most=params.get("maxResults"),
        first=params.get("startIndex") or 1,
        currency=currency,
    )
    if any(name not in query.metrics + query.dimensions for name, _ in query.sort):
        raise unsupported()
    if not any(report.fits(query) for report in REPORTS):
        raise unsupported()
    return query


def unsupported() -> GoogleError:
    """400 for a mix of metrics, dimensions and filters that no report has."""
    return _bad("The query is not supported. Check the documentation for supported queries.", None)


def _day(params: Mapping[str, Any], name: str) -> date:
    text = params[name]
    try:
        return date.fromisoformat(text if re.fullmatch(r"\d{4}-\d\d-\d\d", text) else "")
    except ValueError:
        raise _bad(f"Invalid value '{text}': it is no date.", f"parameters.{name}") from None


def _listed(text: str) -> list[str]:
    return [name for name in text.split(",") if name]


def _names(text: str, place: str, known: frozenset[str]) -> tuple[str, ...]:
    names = _listed(text)
    for name in names:
        if name not in known:
            message = f"Unknown identifier ({name}) given in field parameters.{place}."
            raise _bad(message, f"parameters.{place}")
    if len(set(names)) != len(names):
        raise unsupported()
    return tuple(names)


def _filters(text: str) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for item in filter(None, text.split(";")):
        name, equals, values = item.partition("==")
        if not equals or not values or name in found:
            raise _bad(f"Invalid filter '{item}'.", "parameters.filters")
        if name not in FILTERS:
            message = f"Unknown identifier ({name}) given in field parameters.filters."
            raise _bad(message, "parameters.filters")
        found[name] = tuple(values.split(","))
    if len(found.get("video", ())) > _VIDEOS_MOST:
        raise _bad("Too many videos in a filter.", "parameters.filters")
    return found


def _bad(message: str, location: str | None) -> GoogleError:
    return GoogleError(400, "badRequest", message, location=location)


def columns(query: Query) -> Sequence[Mapping[str, str]]:
    """The answer's `columnHeaders`: dimensions, then metrics, in the order asked for."""
    ratio = "elapsedVideoTimeRatio"
    return [
        {"name": name, "columnType": "DIMENSION", "dataType": "FLOAT" if name == ratio else "STRING"}
        for name in query.dimensions
    ] + [
        {"name": name, "columnType": "METRIC", "dataType": "FLOAT" if name in FLOATS else "INTEGER"}
        for name in query.metrics
    ]
