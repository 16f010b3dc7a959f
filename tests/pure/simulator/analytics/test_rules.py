"""What the simulated Analytics API reads in a query, and what it refuses beyond wrong company of names."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from infra.local.simulator.analytics import rules
from infra.local.simulator.errors import GoogleError

TOP = {"dimensions": "video", "metrics": "views,likes,estimatedRevenue", "sort": "-views", "maxResults": 200}


def parsed(**asked: Any) -> rules.Query:
    return rules.parse({"startDate": "2026-10-01", "endDate": "2026-11-01", "metrics": "views", **asked})


def refusal(**asked: Any) -> tuple[int, str]:
    with pytest.raises(GoogleError) as refused:
        parsed(**asked)
    return refused.value.status, refused.value.message


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"metrics": "views,subscribers"}, "Unknown identifier (subscribers) given in field parameters.metrics."),
        ({"dimensions": "hour"}, "Unknown identifier (hour) given in field parameters.dimensions."),
        ({"filters": "weather==rain"}, "Unknown identifier (weather) given in field parameters.filters."),
        ({"metrics": "videoThumbnailImpressions"}, "The query is not supported"),
        ({"filters": "country==us"}, "Invalid value us"),
        ({"filters": "country==US,CA"}, "Invalid value US,CA"),
        ({"filters": "province==CA"}, "Invalid value CA"),
        ({"filters": "subscribedStatus==subscribed"}, "Invalid value subscribed"),
        ({"filters": "video==" + ",".join(["a"] * 501)}, "Invalid value a,"),
        ({"currency": "XXX"}, "Currency XXX is not recognized."),
        ({"currency": "usd"}, "Currency usd is not recognized."),
        ({"dimensions": "day,month"}, "The query is not supported"),
        ({"dimensions": "province"}, "The query is not supported"),
        ({"dimensions": "province", "filters": "country==CA"}, "The query is not supported"),
        ({"dimensions": "subscribedStatus", "metrics": "estimatedRevenue"}, "The query is not supported"),
        ({"metrics": "estimatedRevenue", "filters": "subscribedStatus==SUBSCRIBED"}, "The query is not supported"),
        ({"dimensions": "ageGroup,day", "metrics": "viewerPercentage"}, "The query is not supported"),
        ({"dimensions": "month", "startDate": "2026-10-02"}, "start-date does not align"),
        ({"dimensions": "month", "endDate": "2026-10-31"}, "end-date does not align"),
        (
            {"dimensions": "elapsedVideoTimeRatio", "metrics": "audienceWatchRatio", "filters": "video==a,b"},
            "The query is not supported",
        ),
    ],
)
def test_a_query_that_google_refuses(asked: dict[str, Any], said: str):
    status, message = refusal(**asked)
    assert (status, message[: len(said)]) == (400, said)


@pytest.mark.parametrize(
    "different",
    [
        {"sort": "-likes"},
        {"sort": "views"},
        {"sort": ""},
        {"sort": "-video"},
        {"sort": "-views,video"},
        {"maxResults": 201},
        {"maxResults": None},
        {"startIndex": 2},
        {"metrics": "views,adImpressions"},
    ],
    ids=str,
)
def test_a_ranking_of_videos_is_refused(different: dict[str, Any]):
    assert parsed(**TOP).most == 200
    assert refusal(**TOP | different)[0] == 400


@pytest.mark.parametrize("sort", ["-views", "-estimatedRevenue", "-estimatedRevenue,-views"])
def test_a_ranking_of_videos_sorts_by_what_is_documented(sort: str):
    assert parsed(**TOP | {"sort": sort, "maxResults": 199, "startIndex": 2}).first == 2


def test_a_query_by_month_ends_with_its_last_month():
    assert parsed(dimensions="month").end == date(2026, 11, 30)
    assert parsed(dimensions="day").end == date(2026, 11, 1)


@pytest.mark.parametrize("currency", ["ZAR", "CNY", "RUB", "NZD"])
def test_money_comes_in_many_currencies(currency: str):
    assert parsed(metrics="estimatedRevenue", currency=currency).currency == currency


def test_a_currency_without_a_rate_is_not_simulated_and_does_not_matter_without_money():
    assert refusal(metrics="estimatedRevenue", currency="XAF")[0] == 501
    assert parsed(metrics="views", currency="XAF").currency == "XAF"


def test_engaged_views_are_there_wherever_views_are():
    for asked in ({"dimensions": "day"}, {"dimensions": "deviceType"}, {"dimensions": "video", **TOP}):
        assert parsed(**asked | {"metrics": "views,engagedViews"})
    assert parsed(dimensions="insightTrafficSourceType", metrics="engagedViews")
