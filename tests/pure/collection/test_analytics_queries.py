"""Every declared query keeps the Analytics API's rules, by our own table, by analytix', and by the simulator."""

from __future__ import annotations

from copy import copy
from dataclasses import replace

import pytest
from analytix.errors import InvalidRequest
from analytix.reports import types

from infra.judges.analytics_queries import RULES, broken
from infra.local.simulator.analytics import rules
from shared.access.features import FEATURES
from shared.collection.analytics.plan import Window, queries

every = pytest.mark.parametrize("query", queries().values(), ids=lambda query: query.name)
TYPES = [getattr(types, name)() for name in types.__all__]
NEWER = {"engagedViews"}
"""Metrics that YouTube has had for too short a time for the package to know; the simulator's table has them."""
FILTERS = {Window.VIDEO: {"video": "dQw4w9WgXcQ"}}


@every
def test_a_declared_query_keeps_every_rule(query):
    assert broken(query) == []
    assert query.needs in FEATURES


@every
def test_a_declared_query_is_documented_by_others(query):
    sort = (f"-{query.sort}",) if query.sort else ()
    metrics = {*query.metrics} - NEWER
    taken = []
    for kind in TYPES:
        report = copy(kind)  # one of them changes itself while it looks
        try:
            report.validate(
                set(query.dimensions), FILTERS.get(query.window, {}), metrics, sort, query.most or 0, 1
            )
        except InvalidRequest:
            continue
        taken.append(kind)
    assert taken


@every
def test_the_simulator_takes_a_declared_query(query):
    filters = ";".join(f"{name}=={value}" for name, value in FILTERS.get(query.window, {}).items())
    asked = {
        "startDate": "2026-10-01",
        "endDate": "2026-10-31",
        "dimensions": ",".join(query.dimensions),
        "metrics": ",".join(query.metrics),
        "filters": filters,
        "sort": f"-{query.sort}" if query.sort else "",
        "maxResults": query.most,
    }
    assert rules.parse(asked).metrics == query.metrics


BROKEN = [
    ("channel_daily", {"dimensions": ("day", "month")}, "has at most one of day and month"),
    ("channel_daily", {"dimensions": ()}, "has the dimension day exactly"),
    ("country_monthly", {"dimensions": ("country", "day")}, "has the dimension day exactly"),
    ("channel_daily", {"metrics": ("views", "estimatedRevenue")}, "asks for money apart"),
    ("revenue_daily", {"needs": "analytics"}, "needs revenue exactly"),
    ("top_videos_monthly", {"most": 201}, "sorts a list of videos"),
    ("top_videos_monthly", {"sort": None}, "sorts a list of videos"),
    ("top_videos_monthly", {"sort": "dislikes"}, "sorts a list of videos"),
    ("country_monthly", {"sort": "views"}, "sorts a list of videos"),
    ("video_revenue_monthly", {"metrics": ("estimatedRevenue", "adImpressions")}, "asks for nothing by video"),
    ("demographics_monthly", {"dimensions": ("ageGroup", "gender", "day")}, "asks for viewers"),
    ("retention", {"metrics": ("audienceWatchRatio", "views")}, "asks for retention"),
    ("retention", {"window": Window.MONTH}, "asks for retention"),
    ("traffic_daily", {"history": True}, "reads a history"),
]


@pytest.mark.parametrize(("name", "changed", "words"), BROKEN)
def test_a_declaration_that_breaks_a_rule_is_refused_and_the_rule_named(name, changed, words):
    found = broken(replace(queries()[name], **changed))
    assert any(each.startswith(words) for each in found)


def test_every_rule_is_broken_by_some_example():
    named = {rule for rule in RULES for _, _, words in BROKEN if rule.startswith(words)}
    assert named == RULES.keys()
