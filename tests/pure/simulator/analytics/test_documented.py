"""The queries that the simulated Analytics API takes, against a table that others wrote: the package `analytix`.

It knows the documented report types of channels and playlists: which dimensions, filters, metrics and sorts each
has. What one of them has is answered here, or 501 as long as it is not simulated; what none has is refused.
"""

from __future__ import annotations

import warnings
from collections.abc import Collection, Iterator, Mapping
from copy import copy
from dataclasses import dataclass, replace
from itertools import combinations, product
from typing import Any

import pytest
from analytix.errors import InvalidRequest
from analytix.reports import data, types

from infra.local.simulator.analytics import rules
from infra.local.simulator.analytics.reports import keeps, table
from infra.local.simulator.errors import GoogleError

REPLACED = {"CUC", "HRK", "MRO", "SLL", "STD", "VEF", "ZWL"}
"""Currencies of ISO 4217 that are no longer; those with an X are metals and units of account, or shared."""
TYPES = {name: getattr(types, name)() for name in types.__all__}


@dataclass(frozen=True)
class Asked:
    """A query as a client puts it together."""

    dimensions: frozenset[str]
    filters: Mapping[str, str]
    metrics: frozenset[str]
    sort: tuple[str, ...] = ()
    most: int = 0
    first: int = 1

    def answered(self) -> int:
        """What the simulator says to it: 200, 501 or 400."""
        try:
            rules.parse(
                {
                    "startDate": "2026-10-01",
                    "endDate": "2026-11-01",
                    "dimensions": ",".join(sorted(self.dimensions)),
                    "filters": ";".join(f"{name}=={value}" for name, value in self.filters.items()),
                    "metrics": ",".join(sorted(self.metrics)),
                    "sort": ",".join(self.sort),
                    "maxResults": self.most or None,
                    "startIndex": self.first,
                }
            )
        except GoogleError as error:
            return error.status
        return 200

    def documented(self) -> bool:
        """Whether any of the report types has it."""
        sorted_by_columns = {name.removeprefix("-") for name in self.sort} <= self.metrics
        candidates = [report for report in TYPES.values() if self.metrics <= report.metrics.values]
        return sorted_by_columns and self == self.less_refused() and any(map(self.fits, candidates))

    def fits(self, report: Any) -> bool:
        """Whether a report type has it."""
        report = copy(report)  # one of them changes itself while it looks
        try:
            report.validate(self.dimensions, self.filters, self.metrics, self.sort, self.most, self.first)
        except InvalidRequest:
            return False
        return True

    def less_refused(self) -> Asked:
        """Without the metrics that the package allows there and YouTube refuses."""
        refused = set()
        if "video" in self.dimensions:
            refused.add("adImpressions")
        if "liveOrOnDemand" in {*self.dimensions, *self.filters}:
            refused.add("averageViewPercentage")
        return replace(self, metrics=self.metrics - refused)


def choices(kind: Any) -> list[frozenset[str]]:
    """What of a group of names may be there: every way for dimensions and filters alike."""
    names = sorted(kind.values)
    sizes = {
        "Required": [len(names)],
        "ExactlyOne": [1],
        "OneOrMore": range(1, len(names) + 1),
        "Optional": [0, 1],
        "ZeroOrOne": [0, 1],
        "ZeroOrMore": range(len(names) + 1),
    }[type(kind).__name__]
    return [frozenset(chosen) for size in sizes for chosen in combinations(names, size)]


def every_way(segments: Collection[Any]) -> list[frozenset[str]]:
    """Every set of names that the groups of a report type allow together."""
    groups = [choices(kind) for kind in sorted(segments, key=lambda kind: sorted(kind.values))]
    return [frozenset().union(*chosen) for chosen in product(*groups)]


def filter_sets(report: Any) -> Iterator[dict[str, str]]:
    """The filters that a report type must have, these with each other one, and as many as may be."""
    ways = sorted(every_way(report.filters.values), key=len)
    for names in [way for way in ways if len(way) <= len(ways[0]) + 1] + ways[-1:]:
        yield dict(filter_for(name) for name in names)


def filter_for(name: str) -> tuple[str, str]:
    """A filter with a value that is documented for it."""
    name, _, value = name.partition("==")
    detailed = {"insightTrafficSourceType": "YT_SEARCH", "insightPlaybackLocationType": "EMBEDDED"}
    return name, value or detailed.get(name) or min(data.VALID_FILTER_OPTIONS[name] or ["abcdefghijk"])


def queries(report: Any) -> Iterator[Asked]:
    """Queries that a report type has: every set of dimensions, with its filters one after the other."""
    top = getattr(report, "max_results", 0)
    sort = (f"-{min(report.sort_options.values & report.metrics.values)}",) if top else ()
    for dimensions in every_way(report.dimensions.values):
        for filters in filter_sets(report):
            in_a_state = "city" in dimensions and "province" in {*dimensions, *filters}
            asked = Asked(
                dimensions, {"country": "US"} if in_a_state else filters, frozenset(report.metrics.values)
            )
            yield replace(asked, sort=sort, most=top).less_refused()


@pytest.fixture(autouse=True)
def quiet():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@pytest.mark.parametrize("name", TYPES)
def test_what_is_documented_is_answered_or_not_simulated(name: str):
    asked = list(queries(TYPES[name]))
    assert all(one.fits(TYPES[name]) for one in asked)
    assert [one for one in asked if one.answered() == 400] == []


def neighbours(asked: Asked) -> Iterator[Asked]:
    """Queries that differ in one name."""
    for dimension in sorted(data.ALL_DIMENSIONS):
        yield replace(asked, dimensions=asked.dimensions ^ {dimension})
    for name in sorted(data.ALL_FILTERS):
        others = {known: value for known, value in asked.filters.items() if known != name}
        yield replace(asked, filters=others if name in asked.filters else {**others, **dict([filter_for(name)])})
    for metric in sorted(data.ALL_METRICS):
        yield replace(asked, metrics=asked.metrics ^ {metric})
    yield replace(asked, sort=("-likes",))
    yield replace(asked, sort=tuple(name.removeprefix("-") for name in asked.sort))
    yield replace(asked, most=0)
    yield replace(asked, most=asked.most + 1)
    yield replace(asked, first=2)


@pytest.mark.parametrize("name", TYPES)
def test_what_differs_in_one_name_is_refused_exactly_if_no_report_type_has_it(name: str):
    different = [
        asked
        for asked in neighbours(next(queries(TYPES[name])))
        if asked.metrics and asked.documented() != (asked.answered() != 400)
    ]
    assert not different


@pytest.mark.parametrize("name", table().values)
def test_a_filter_takes_the_documented_values_and_no_other_spelling(name: str):
    pattern, documented = table().values[name], data.VALID_FILTER_OPTIONS[name]
    assert [value for value in documented if not keeps(pattern, [value])] == []
    assert [value for value in documented if value != value.lower() and keeps(pattern, [value.lower()])] == []


def test_every_currency_that_people_pay_with_is_known():
    known = table().currencies.keys() | table().other_currencies
    assert {code for code in data.CURRENCIES - known if not code.startswith("X")} == REPLACED
