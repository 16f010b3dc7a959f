"""Counters: they only grow, they are the sum of the days, and they obey what happens to a video."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infra.local.simulator.world import World, growth
from infra.local.simulator.world.tally import video_day
from shared.clock import pacific_day_bounds, pacific_midnight

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
WORLD = World.generate(3, 6, 4, NOW)
CHANNELS = WORLD.channels()
VIDEOS = [video for channel in CHANNELS for video in WORLD.videos_of(channel.id, NOW)]

videos = st.sampled_from(VIDEOS)
instants = st.integers(0, 800 * 86400).map(
    lambda seconds: datetime(2025, 10, 1, tzinfo=UTC) + timedelta(seconds=seconds)
)


@given(videos, instants, instants)
def test_counters_never_go_down(video, one, other):
    before, after = sorted((one, other))
    early, late = WORLD.counters(video, before), WORLD.counters(video, after)
    assert early.views <= late.views
    assert early.likes <= late.likes
    assert early.dislikes <= late.dislikes
    assert early.comments <= late.comments


@given(videos, st.integers(1, 40), st.dates(date(2025, 10, 20), date(2027, 12, 1)))
def test_the_days_add_up_to_the_counters_at_midnight(video, length, first):
    last = first + timedelta(days=length)
    days = [video_day(video, first.toordinal() + number).whole() for number in range(length)]
    before, after = (WORLD.counters(video, pacific_midnight(day)) for day in (first, last))
    assert sum(day.views for day in days) == after.views - before.views
    assert sum(day.likes for day in days) == after.likes - before.likes
    assert sum(day.comments for day in days) == after.comments - before.comments


@given(videos, st.dates(date(2025, 10, 20), date(2027, 12, 1)), st.floats(0, 1))
def test_in_the_middle_of_a_day_a_counter_stands_between_its_midnights(video, day, part):
    start, end = pacific_day_bounds(day)
    views = WORLD.counters(video, start + (end - start) * part).views
    whole = video_day(video, day.toordinal())
    assert whole.first <= views <= whole.last


@pytest.mark.parametrize(
    ("day", "hours"), [(date(2027, 3, 14), 23), (date(2026, 11, 1), 25), (date(2026, 11, 2), 24)]
)
def test_a_pacific_day_has_the_hours_that_daylight_saving_leaves_it(day, hours):
    ordinal = day.toordinal()
    assert growth.midnight(ordinal + 1) - growth.midnight(ordinal) == hours * 3600
    assert growth.ordinal_at(growth.midnight(ordinal)) == ordinal
    assert growth.ordinal_at(growth.midnight(ordinal + 1) - 1) == ordinal


@given(videos, st.integers(0, 400))
@settings(max_examples=50)
def test_engaged_views_are_views(video, days):
    whole = video_day(video, date(2026, 6, 1).toordinal() + days).whole()
    assert 0 <= whole.engaged_views <= whole.views
    assert 0 <= whole.red_watch <= whole.watch
    assert whole.impression_clicks <= whole.impressions or whole.views == 0
    assert whole.watch <= whole.length * 10_000 // 60 + 1


def test_before_the_change_of_2026_a_long_video_s_views_were_all_engaged():
    long = next(video for video in VIDEOS if not video.is_short and WORLD.counters(video, NOW).views > 1000)
    before = video_day(long, date(2026, 8, 23).toordinal())
    assert before.whole().engaged_views == before.views
    after = [video_day(long, date(2026, 8, 24).toordinal() + day).whole() for day in range(60)]
    assert sum(day.engaged_views for day in after) < sum(day.views for day in after)


def test_most_videos_are_small_and_a_few_are_hits():
    sizes = sorted(WORLD.counters(video, NOW).views for video in VIDEOS)
    assert sizes[-1] > 50 * max(1, sizes[len(sizes) // 2])


def test_a_channel_s_views_are_those_of_its_videos():
    channel = CHANNELS[0]
    counters = WORLD.channel_counters(channel.id, NOW)
    mine = WORLD.videos_of(channel.id, NOW)
    assert counters.views == sum(WORLD.counters(video, NOW).views for video in mine)
    assert counters.videos == len(mine)


def test_a_video_from_the_api_earns_views_from_the_moment_it_is_public():
    world = World.generate(3, 1, 1, NOW)
    video = world.insert_video(world.channels()[0].id, title="New", now=NOW, privacy="private")
    week = NOW + timedelta(days=7)
    assert world.counters(video, week).views == 0
    world.set_privacy(video, "public", week)
    assert video.published_at == week
    assert world.counters(video, week + timedelta(days=7)).views > 0
    assert world.video(video.id, week) is video


def test_a_scheduled_video_becomes_public_by_itself():
    world = World.generate(3, 1, 1, NOW)
    at = NOW + timedelta(days=2)
    video = world.insert_video(world.channels()[0].id, title="Later", now=NOW, privacy="private", publish_at=at)
    assert world.settle(video, NOW).privacy == "private"
    assert world.counters(video, at).views == 0
    assert world.counters(video, at + timedelta(days=5)).views > 0
    assert world.settle(video, at).privacy == "public"
    assert video.publish_at is None


def test_views_stop_while_a_video_is_private_and_go_on_from_where_they_were():
    world = World.generate(3, 2, 2, NOW)
    video = max(world.videos_of(world.channels()[0].id, NOW), key=lambda one: world.counters(one, NOW).views)
    there = world.counters(video, NOW).views
    world.set_privacy(video, "private", NOW)
    hidden = NOW + timedelta(days=200)
    assert world.counters(video, NOW).views == there
    assert world.counters(video, hidden).views == there
    world.set_privacy(video, "unlisted", hidden)
    assert world.counters(video, hidden + timedelta(days=400)).views > there


def test_a_deleted_video_is_gone_and_earns_nothing_more():
    world = World.generate(3, 1, 1, NOW)
    channel = world.channels()[0].id
    video = world.videos_of(channel, NOW)[0]
    before = world.channel_counters(channel, NOW)
    world.delete_video(video, NOW)
    assert world.video(video.id, NOW) is None
    assert video not in world.videos_of(channel, NOW)
    after = world.channel_counters(channel, NOW)
    assert (after.videos, after.views) == (before.videos - 1, before.views)
    assert growth.views_at(video, (NOW + timedelta(days=99)).timestamp()) == growth.views_at(
        video, NOW.timestamp()
    )
