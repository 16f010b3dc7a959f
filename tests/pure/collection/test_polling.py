"""What is polled while the hub is silent, how often, and what of it is news."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.collection.polling import DAILY_UNITS, POLL_EVERY, interval, listen, silent, to_poll
from shared.push.renewal import Standing
from shared.push.verification import State
from shared.youtube.data import PlaylistItem

NOW = datetime(2026, 11, 22, 14, tzinfo=UTC)
HOUR = timedelta(hours=1)


def standing(channel: str, **known: object) -> Standing:
    fields = {"state": State.PENDING, "lease_until": None, "next_ask": NOW, **known}
    return Standing(channel_id=channel, **fields)  # type: ignore[arg-type]


def item(video: str, *, title: str = "t", ago: timedelta | None = HOUR, description: str = "") -> PlaylistItem:
    return PlaylistItem(
        id=f"i-{video}", video_id=video, title=title, added_at=NOW, description=description,
        published_at=None if ago is None else NOW - ago,
    )  # fmt: skip


@pytest.mark.fault(43)
def test_silent_is_what_was_never_verified_or_whose_lease_has_ended():
    known = {
        "never": standing("never"),
        "ended": standing("ended", state=State.ACTIVE, lease_until=NOW),
        "denied": standing("denied", state=State.DENIED),
        "alive": standing("alive", state=State.ACTIVE, lease_until=NOW + HOUR),
    }
    assert set(silent([*known, "unknown"], known, NOW)) == {"never", "ended", "denied"}


@pytest.mark.fault(43)
def test_each_silent_channel_is_polled_once_an_hour_the_longest_unheard_first():
    quiet = {
        "just": standing("just", polled_at=NOW - HOUR / 2),
        "hour": standing("hour", polled_at=NOW - HOUR),
        "day": standing("day", polled_at=NOW - 24 * HOUR),
        "never": standing("never"),
    }
    assert to_poll(quiet, NOW) == ["never", "day", "hour"]


@given(st.integers(1, 100_000))
def test_a_day_of_polling_stays_within_its_units_however_many_channels_are_silent(channels):
    looks = timedelta(days=1) / interval(channels)
    assert interval(channels) >= POLL_EVERY
    assert channels * looks <= max(DAILY_UNITS, 24 * channels if channels * 24 <= DAILY_UNITS else 0) + 1e-3


def test_the_first_look_tells_what_was_published_since_push_fell_silent():
    heard = listen(
        "UC1", [item("new", ago=HOUR), item("old", ago=9 * HOUR)], seen=None, since=NOW - 2 * HOUR, now=NOW
    )
    assert [notice.video_id for notice in heard.notices] == ["new"]
    assert set(heard.seen) == {"new", "old"}


@pytest.mark.parametrize("change", [{"title": "other"}, {"description": "other"}])
def test_a_later_look_tells_what_is_new_and_what_changed(change):
    seen = listen("UC1", [item("a"), item("b")], seen=None, since=NOW, now=NOW).seen
    heard = listen("UC1", [item("c"), item("a", **change), item("b")], seen=seen, since=NOW, now=NOW)
    assert {notice.video_id: notice.updated for notice in heard.notices} == {"c": NOW - HOUR, "a": NOW}


def test_looking_twice_tells_nothing_twice():
    items = [item("a"), item("b")]
    seen = listen("UC1", items, seen={}, since=NOW, now=NOW).seen
    assert listen("UC1", items, seen=seen, since=NOW, now=NOW + HOUR).notices == ()


def test_a_private_video_is_not_heard_of_until_it_is_published():
    heard = listen("UC1", [item("p", ago=None)], seen={}, since=NOW, now=NOW)
    assert heard.notices == ()
    assert [n.video_id for n in listen("UC1", [item("p")], seen=heard.seen, since=NOW, now=NOW).notices] == ["p"]
