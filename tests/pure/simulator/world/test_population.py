"""Who is in the world, and that the same seed gives the same world."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest

from infra.local.simulator.data.rules import snippet_problem
from infra.local.simulator.world import World

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def world() -> World:
    return World.generate(7, 12, 5, NOW)


def test_the_same_seed_gives_the_same_world(world: World):
    again = World.generate(7, 12, 5, NOW)
    later = NOW + timedelta(days=40)
    assert again.accounts == world.accounts
    for channel in world.channels():
        assert again.videos_of(channel.id, later) == world.videos_of(channel.id, later)


def test_another_seed_gives_another_world(world: World):
    assert World.generate(8, 12, 5, NOW).channels()[0].id != world.channels()[0].id


def test_what_is_uploaded_by_a_day_does_not_depend_on_who_looked_before(world: World):
    patient, hasty = World.generate(7, 3, 2, NOW), World.generate(7, 3, 2, NOW)
    channel = patient.channels()[0].id
    for days in range(0, 90, 7):
        patient.videos_of(channel, NOW + timedelta(days=days))
    day = NOW + timedelta(days=90)
    assert patient.videos_of(channel, day) == hasty.videos_of(channel, day)


def test_regular_users_come_first_and_have_their_channels(world: World):
    regular = world.accounts[:12]
    assert [account.email for account in regular[:2]] == ["user-001@example.test", "user-002@example.test"]
    assert all(len(account.channels) == 5 and account.state == "ok" for account in regular)
    assert world.account("USER-003@example.test") is regular[2]
    assert world.account_called(regular[4].id) is world.account_called(regular[4].email) is regular[4]
    assert world.owner(regular[4].channels[1].id) is regular[4]


def test_beyond_them_stand_accounts_that_are_there_to_be_refused(world: World):
    extra = {account.email.split("@")[0]: account for account in world.accounts[12:]}
    assert extra["no-channel"].channels == []
    assert extra["suspended"].state == "suspended"
    assert extra["closed"].state == "closed"
    assert extra["suspended-channel"].channels[0].state == "suspended"
    assert extra["closed-channel"].channels[0].state == "closed"


def test_ids_have_youtube_s_shape_and_are_unique(world: World):
    channels = world.channels()
    assert all(re.fullmatch(r"UC[\w-]{22}", channel.id) for channel in channels)
    assert channels[0].uploads_playlist == "UU" + channels[0].id[2:]
    videos = [video for channel in channels for video in world.videos_of(channel.id, NOW)]
    assert all(re.fullmatch(r"[\w-]{11}", video.id) for video in videos)
    for ids in ([c.id for c in channels], [v.id for v in videos], [a.id for a in world.accounts]):
        assert len(set(ids)) == len(ids)


def test_some_titles_are_awkward_and_some_channels_earn_nothing():
    channels = World.generate(1, 50, 5, NOW).channels()
    titles = " ".join(channel.title for channel in channels)
    assert all(mark in titles for mark in ("<script>", '"', "🎬", "日本語"))
    assert 0.5 < sum(channel.monetised for channel in channels) / len(channels) < 0.9


def test_youtube_takes_back_every_title_description_and_tag_that_the_world_has():
    world = World.generate(1, 50, 5, NOW)
    videos = [video for channel in world.channels() for video in world.videos_of(channel.id, NOW)]
    for video in videos:
        snippet = {
            "title": video.title,
            "description": video.description,
            "tags": video.tags,
            "categoryId": video.category_id,
        }
        assert snippet_problem(snippet) is None, snippet
    titles = " ".join(video.title for video in videos)
    awkward = ('"', "'", "&lt;", "&#60;script", "=SUM(", "🎬", "日本語", "שלום", "\u202e", "\\")
    assert all(mark in titles for mark in awkward)


def test_channels_keep_uploading_as_time_goes_on(world: World):
    def count(instant: datetime) -> int:
        return sum(len(world.videos_of(channel.id, instant)) for channel in world.channels())

    assert 5 * 60 <= count(NOW) <= 16 * 65
    assert count(NOW) < count(NOW + timedelta(days=30)) < count(NOW + timedelta(days=365))


def test_a_video_that_is_not_uploaded_yet_is_unknown(world: World):
    channel = world.channels()[0].id
    coming = next(
        video
        for video in world.videos_of(channel, NOW + timedelta(days=365))
        if video.uploaded_at is not None and video.uploaded_at > NOW
    )
    assert world.video(coming.id, NOW) is None
    assert world.video(coming.id, coming.uploaded_at) is coming
