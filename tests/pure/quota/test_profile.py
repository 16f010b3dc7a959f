"""Profiles are data: the guide's figures exactly, YouTube's of today, and all within their bounds."""

from __future__ import annotations

import fnmatch
import json
import re
from datetime import timedelta
from pathlib import Path

import pytest

from shared.errors import InvalidRequest, Misconfigured
from shared.quota.profile import LONGEST_WINDOW, MOST_UNITS, Priority, adjusted, load
from shared.rate_limits.limiter import LASTS
from shared.rate_limits.limits import MAX_CALLS

GUIDE_COSTS = [  # guide 1.3 OPERATION_COSTS, and 2.2
    ("youtube.videos.insert", 1600),
    ("youtube.thumbnails.set", 50),
    ("youtube.videos.update", 50),
    ("youtube.channels.list", 1),
    ("youtubeAnalytics.reports.query", 1),
    ("youtube.playlists.insert", 50),
    ("youtube.videos.list", 1),
    ("youtubereporting.media.download", 0),
]
GUIDE_RATES = [  # guide 1.4 RATE_LIMITS
    ("youtube.videos.insert", 100, 3600),
    ("youtube.videos.update", 500, 3600),
    ("youtube.thumbnails.set", 200, 3600),
    ("youtubeAnalytics.reports.query", 1000, 60),
]
TODAY = [
    ("uploads", "youtube.videos.insert", 1, 100),
    ("search", "youtube.search.list", 1, 100),
    ("batchGetStats", "youtube.videos.batchGetStats", 1, 10_000),
    ("default", "youtube.videos.list", 1, 10_000),
    ("default", "youtube.channels.list", 1, 10_000),
    ("default", "youtube.channels.update", 50, 10_000),
    ("default", "youtube.videos.update", 50, 10_000),
    ("default", "youtube.videos.delete", 50, 10_000),
    ("default", "youtube.videos.rate", 50, 10_000),
    ("default", "youtube.videos.reportAbuse", 50, 10_000),
    ("default", "youtube.videos.getRating", 1, 10_000),
    ("default", "youtube.thumbnails.set", 50, 10_000),
    ("default", "youtube.watermarks.set", 50, 10_000),
    ("default", "youtube.subscriptions.list", 1, 10_000),
    ("default", "youtube.comments.list", 1, 10_000),
    ("default", "youtube.playlists.list", 1, 10_000),
    ("default", "youtube.playlists.insert", 50, 10_000),
    ("default", "youtube.playlistItems.list", 1, 10_000),
    ("default", "youtube.playlistItems.insert", 50, 10_000),
    ("default", "youtube.captions.list", 50, 10_000),
    ("default", "youtube.captions.insert", 400, 10_000),
    ("default", "youtube.captions.update", 450, 10_000),
    ("default", "youtube.captions.delete", 50, 10_000),
    ("default", "youtube.captions.download", 200, 10_000),
    ("reporting", "youtubereporting.media.download", 1, 20_000),
    ("analytics", "youtubeAnalytics.reports.query", 1, 10_000),
]


@pytest.mark.parametrize(("method", "cost"), GUIDE_COSTS)
def test_the_guides_costs(method, cost):
    assert load("guide").method(method).cost == cost


def test_the_guides_day():
    bucket = load("guide").bucket("default")
    assert (bucket.limit, bucket.reserve, bucket.alert) == (10_000, 1_000, 8_000)


def test_publishing_by_todays_figures_takes_only_what_its_lender_will_hardly_need():
    assert {method.priority for method in load("current").methods.values()} == {Priority.NORMAL}


def test_the_guides_high_priority_operations():
    high = {m.id for m in load("guide").methods.values() if m.priority >= Priority.HIGH}
    assert high == {"youtube.videos.insert", "youtube.thumbnails.set"}


PROFILES_RATES = [*(("guide", *rate) for rate in GUIDE_RATES), *(("current", *rate) for rate in GUIDE_RATES[:3])]
"""Analytics has figures of its own today."""


@pytest.mark.parametrize(("profile", "method", "calls", "window"), PROFILES_RATES)
def test_the_guides_rate_limits_for_each_user_and_for_the_project(profile, method, calls, window):
    (limit,) = (limit for limit in load(profile).rate_limits if limit.covers(method))
    assert (limit.calls, limit.window, limit.per) == (calls, window, ("user", "project"))


def test_analytics_takes_720_queries_a_minute_and_60_of_a_person_however_late_a_burst_is_made():
    limits = [limit for limit in load("current").rate_limits if limit.covers("youtubeAnalytics.reports.query")]
    assert {(limit.per, limit.calls) for limit in limits} == {(("project",), 720), (("user",), 60)}
    assert all(limit.length >= timedelta(minutes=1) + LASTS for limit in limits)


@pytest.mark.parametrize(("bucket", "method", "cost", "limit"), TODAY)
def test_youtubes_buckets_and_costs_of_today(bucket, method, cost, limit):
    profile = load("current")
    assert (profile.method(method).bucket, profile.method(method).cost) == (bucket, cost)
    assert profile.bucket(bucket).limit == limit


@pytest.mark.parametrize("profile", ["guide", "current"])
def test_every_price_is_for_a_method_that_youtube_has(profile):
    import googleapiclient

    folder = Path(googleapiclient.__file__).parent / "discovery_cache" / "documents"
    known: set[str] = set()
    for name in ("youtube.v3", "youtubeAnalytics.v2", "youtubereporting.v1"):
        known |= set(
            re.findall(r'"id": "([\w.]+\.[\w.]+)"', json.dumps(json.loads((folder / f"{name}.json").read_text())))
        )
    assert set(load(profile).methods) <= known


@pytest.mark.parametrize("profile", ["guide", "current"])
def test_a_method_without_a_price_is_an_error_and_never_costs_one(profile):
    with pytest.raises(InvalidRequest) as error:
        load(profile).method("youtube.liveBroadcasts.insert")
    assert error.value.reason == "unknownMethod"


@pytest.mark.parametrize("profile", ["guide", "current"])
def test_every_figure_of_our_profiles_is_within_its_bounds(profile):
    figures = load(profile)
    for bucket in figures.buckets.values():
        assert 1 <= bucket.limit <= MOST_UNITS
        assert 0 <= bucket.alert <= bucket.limit
        assert 0 <= bucket.kept <= bucket.system <= bucket.limit - bucket.reserve <= bucket.limit
        assert (bucket.shares in {"users", "pool"}, bucket.unreachable in {"refuse", "allow"}) == (True, True)
    for method in figures.methods.values():
        assert type(method.cost) is int
        assert 0 <= method.cost <= figures.bucket(method.bucket).limit
        assert type(method.cached) is bool
    for limit in figures.rate_limits:
        assert 1 <= limit.calls <= MAX_CALLS
        assert 1 <= limit.window <= LONGEST_WINDOW
        assert set(limit.per) <= {"user", "project"}
        assert all(fnmatch.filter(figures.methods, pattern) for pattern in limit.methods)


@pytest.mark.parametrize("profile", ["guide", "current"])
def test_our_profiles_say_what_their_tables_say(profile):
    figures = load(profile)
    assert figures.name == profile
    assert figures.buckets.keys() >= {method.bucket for method in figures.methods.values()}


@pytest.mark.parametrize("profile", ["guide", "current"])
def test_every_read_of_youtubes_data_can_be_put_off_and_nothing_else(profile):
    figures = load(profile)
    reads = re.compile(r"youtube\.\w+\.(list|get\w*|batchGet\w*|download)|youtubeAnalytics\.reports\.query")
    assert {m.id for m in figures.methods.values() if m.cached} == {
        m for m in figures.methods if reads.fullmatch(m)
    }


def test_an_absurd_setting_is_named():
    with pytest.raises(Misconfigured, match="default=99000000000"):
        adjusted(load("guide"), limits=("default=99000000000",))
    with pytest.raises(Misconfigured, match="uploads=5/90000"):
        adjusted(load("guide"), rates=("uploads=5/90000",))


def test_an_operator_can_set_limits_and_the_rest_keeps_its_proportion():
    bucket = adjusted(load("guide"), limits=("default=500",)).bucket("default")
    assert (bucket.limit, bucket.reserve, bucket.alert, bucket.system) == (500, 50, 400, 100)


@pytest.mark.parametrize("item", ["default", "default=", "default=-1", "nothing=5", "default=0"])
def test_a_wrong_limit_setting_is_named(item):
    with pytest.raises(Misconfigured, match=re.escape(repr(item))):
        adjusted(load("guide"), limits=(item,))


@pytest.mark.fault(48)
def test_every_limit_and_rate_that_the_profile_does_not_have_is_named_at_once():
    with pytest.raises(Misconfigured) as refusal:
        adjusted(load("guide"), limits=("nothing=5",), rates=("nobody=off", "reporting=1/0"))
    for text in ("YT_QUOTA_LIMITS: 'nothing=5'", "YT_RATE_LIMITS: 'nobody=off'", "'reporting=1/0'"):
        assert text in refusal.value.message


def test_an_operator_can_set_rates_or_lift_them():
    profile = adjusted(load("current"), rates=("reporting=300/60", "uploads=off"))
    by_name = {limit.name: limit for limit in profile.rate_limits}
    assert (by_name["reporting"].calls, by_name["reporting"].window) == (300, 60)
    assert "uploads" not in by_name
    with pytest.raises(Misconfigured):
        adjusted(load("current"), rates=("reporting=0/60",))
