"""Which queries the Analytics API answers, and the refusals for everything else.

What no documented report has is refused with "The query is not supported.", as Google does, and an unknown name or
value with the place where it stands. What is documented and not simulated is 501.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from infra.local.simulator.analytics.reports import Report, keeps, table
from infra.local.simulator.errors import GoogleError, not_simulated

FLOATS = frozenset(
    {
        *("estimatedRevenue", "estimatedAdRevenue", "grossRevenue", "estimatedRedPartnerRevenue"),
        *("playbackBasedCpm", "cpm", "averageViewPercentage", "viewerPercentage", "elapsedVideoTimeRatio"),
        *("cardClickRate", "cardTeaserClickRate", "annotationClickThroughRate", "annotationCloseRate"),
        *("audienceWatchRatio", "relativeRetentionPerformance", "startedWatching", "stoppedWatching"),
    }
)
"""Columns of fractions; all other metrics are whole numbers."""


@dataclass(frozen=True, kw_only=True)
class Query:
    """A documented query. sort: name and whether it descends. most and first: rows, `first` counted from 1."""

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
        return not table().money.isdisjoint(self.metrics)


def parse(params: Mapping[str, Any]) -> Query:
    """The query of a request. Raises 400 for what Google does not answer, 501 for what is not simulated."""
    metrics = _names(params["metrics"], "metrics", table().metrics)
    dimensions = _names(params.get("dimensions", ""), "dimensions", table().dimensions)
    filters = _filters(params.get("filters", ""))
    sort = tuple((name.removeprefix("-"), name.startswith("-")) for name in _listed(params.get("sort", "")))
    if any(name not in metrics + dimensions for name, _ in sort):
        raise unsupported()
    most, first = params.get("maxResults"), params.get("startIndex") or 1
    reports = [
        report
        for report in table().reports
        if report.has(dimensions, filters, metrics) and report.ranks(sort, first, most)
    ]
    if not reports:
        raise unsupported()
    start, end = _span(params, whole_months="month" in dimensions)
    query = Query(
        start=start,
        end=end,
        metrics=metrics,
        dimensions=dimensions,
        filters=filters,
        sort=sort,
        most=most,
        first=first,
        currency=_currency(params.get("currency") or "USD"),
    )
    _check_simulated(query, reports)
    return query


def unsupported() -> GoogleError:
    """400 for a mix of metrics, dimensions and filters that no report has."""
    return _bad("The query is not supported. Check the documentation for supported queries.", None)


def _check_simulated(query: Query, reports: Sequence[Report]) -> None:
    """Raises 501 if every report that has the query wants something that is not simulated."""
    asked = {*query.dimensions, *query.filters}
    missing = [asked & (table().not_simulated | report.not_simulated) for report in reports]
    if all(missing):
        raise not_simulated(f"{', '.join(sorted(missing[0]))} in {reports[0].name!r}")
    if query.monetary and query.currency not in table().currencies:
        raise not_simulated(f"the currency {query.currency}")


def _span(params: Mapping[str, Any], *, whole_months: bool) -> tuple[date, date]:
    """The first and the last day. A query by month names first days of months, and means the last one whole."""
    start, end = _day(params, "startDate"), _day(params, "endDate")
    if start > end:
        raise _bad("The start date must not be later than the end date.", "parameters.startDate")
    if not whole_months:
        return start, end
    for name, day in (("start-date", start), ("end-date", end)):
        if day.day != 1:
            raise _bad(f"{name} does not align to chosen date dimension", None)
    return start, (end + timedelta(days=31)).replace(day=1) - timedelta(days=1)


def _day(params: Mapping[str, Any], name: str) -> date:
    text = params[name]
    try:
        return date.fromisoformat(text if re.fullmatch(r"\d{4}-\d\d-\d\d", text) else "")
    except ValueError:
        raise _bad(f"Invalid value '{text}': it is no date.", f"parameters.{name}") from None


def _currency(code: str) -> str:
    if code not in table().currencies and code not in table().other_currencies:
        raise _bad(f"Currency {code} is not recognized.", "parameters.currency")
    return code


def _listed(text: str) -> list[str]:
    return [name for name in text.split(",") if name]


def _names(text: str, place: str, known: frozenset[str]) -> tuple[str, ...]:
    names = _listed(text)
    for name in names:
        if name not in known:
            raise _unknown(name, place)
    if len(set(names)) != len(names):
        raise unsupported()
    return tuple(names)


def _filters(text: str) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for item in filter(None, text.split(";")):
        name, equals, values = item.partition("==")
        if not equals or not values or name in found:
            raise _bad(f"Invalid filter '{item}'.", "parameters.filters")
        if name not in table().filters:
            raise _unknown(name, "filters")
        found[name] = tuple(values.split(","))
        if not keeps(table().values.get(name, ".+"), found[name]):
            raise _bad(f"Invalid value {values} given in field parameters.filters.", "parameters.filters")
    return found


def _unknown(name: str, place: str) -> GoogleError:
    return _bad(f"Unknown identifier ({name}) given in field parameters.{place}.", f"parameters.{place}")


def _bad(message: str, location: str | None) -> GoogleError:
    return GoogleError(400, "badRequest", message, location=location)


def columns(query: Query) -> Sequence[Mapping[str, str]]:
    """The answer's `columnHeaders`: dimensions, then metrics, in the order asked for."""
    kinds = dict.fromkeys(query.dimensions, ("DIMENSION", "STRING")) | dict.fromkeys(
        query.metrics, ("METRIC", "INTEGER")
    )
    return [
        {"name": name, "columnType": kind, "dataType": "FLOAT" if name in FLOATS else plain}
        for name, (kind, plain) in kinds.items()
    ]
