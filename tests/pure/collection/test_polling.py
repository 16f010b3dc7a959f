"""What is polled while the hub is silent, how often, and what of it is news."""

from __future__ import annotations

import zlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.collection.polling import (
    DAILY_UNITS,
    POLL_EVERY,
    WATCHED,
    Watch,
    Watched,
    first_look,
    interval,
    listen,
    to_count,
)
from shared.errors import CorruptData
from shared.push.renewal import Standing
from shared.push.verification import State
from shared.youtube.data import PlaylistItem

NOW = datetime(2026, 11, 22, 14, tzinfo=UTC)
HOUR = timedelta(hours=1)


SECONDS = int(NOW.timestamp())


def watch(*, counted: timedelta = HOUR, silent: bool = False, **known: object) -> Watch:
    fields = {"videos": 5, "counted": SECONDS - int(counted.total_seconds()), "grown": SECONDS, **known}
    return Watch(**fields, silent=SECONDS if silent else 0)  # type: ignore[arg-type]


def network(channels: int, *, silent: bool, **known: object) -> Watched:
    return Watched(channels={f"UC{n:05}": watch(silent=silent, **known) for n in range(channels)})


def standing(**known: object) -> Standing:
    fields = {"state": State.ACTIVE, "lease_until": NOW + 100 * HOUR, "next_ask": NOW, **known}
    return Standing(channel_id="c", **fields)  # type: ignore[arg-type]


def item(video: str, *, title: str = "t", ago: timedelta | None = HOUR, description: str = "") -> PlaylistItem:
    return PlaylistItem(
        id=f"i-{video}", video_id=video, title=title, added_at=NOW, description=description,
        published_at=None if ago is None else NOW - ago,
    )  # fmt: skip


@pytest.mark.fault(43)
@pytest.mark.parametrize(
    ("known", "silent"),
    [
        ({}, False),
        ({"state": State.PENDING, "lease_until": None}, True),
        ({"state": State.DENIED}, True),
        ({"lease_until": NOW}, True),
        ({"lease_until": NOW + HOUR / 2}, True),  # ends before the hub is asked again
    ],
)
def test_silent_is_what_was_never_verified_or_whose_lease_ends(known, silent):
    for before in (Watch(), watch(silent=True)):
        after = Watched(channels={"c": before}).marked({"c": standing(**known)}, NOW)
        assert after.silent() == (["c"] if silent else [])


def test_a_channel_that_grew_unheard_is_silent_until_it_is_heard_although_the_hub_promises():
    unheard = Watched(channels={"c": watch(silent=True, unheard=True)})
    assert unheard.marked({"c": standing()}, NOW).silent() == ["c"]
    assert unheard.marked({"c": standing(last_notification=NOW - HOUR)}, NOW).silent() == ["c"]
    assert unheard.marked({"c": standing(last_notification=NOW)}, NOW).silent() == []


@pytest.mark.fault(43)
def test_while_the_hub_refuses_everything_everybody_is_silent():
    assert len(replace(network(7, silent=False), refusing=NOW).silent()) == 7


@pytest.mark.fault(43)
def test_250_silent_channels_are_counted_every_five_minutes_in_five_calls():
    quiet = network(250, silent=True, counted=POLL_EVERY)
    assert interval(quiet, NOW) == POLL_EVERY
    assert [len(call) for call in to_count(quiet, NOW)] == [50] * 5
    assert to_count(network(250, silent=True, counted=timedelta(minutes=3)), NOW) == []


@given(st.integers(1, 30_000), st.floats(60, 10**8))
@settings(max_examples=20)
def test_a_day_of_counting_and_looking_stays_within_its_units_as_far_as_half_of_them_reach(channels, gap):
    every = interval(Watched(channels=dict.fromkeys(map(str, range(channels)), watch(silent=True, gap=gap))), NOW)
    counts = timedelta(days=1) / every * -(-channels // 50)
    looks = channels * 86_400 / gap
    assert every >= POLL_EVERY
    assert counts <= DAILY_UNITS
    assert counts + looks <= DAILY_UNITS + 1e-3 or looks > DAILY_UNITS / 2 - 1e-3


def test_when_the_day_s_units_are_spent_nothing_is_counted_before_the_reset():
    spent = network(250, silent=True, counted=HOUR).spent(DAILY_UNITS - 2, NOW)
    assert len(to_count(spent, NOW)) == 2
    assert len(to_count(spent, NOW + 24 * HOUR)) == 5


@pytest.mark.parametrize(("gap", "hours"), [(60, 1), (7_200, 4), (10**7, 24)])
def test_a_channel_that_is_silent_for_longer_than_its_habit_is_counted_although_push_speaks(gap, hours):
    def due(counted):
        return to_count(Watched(channels={"c": watch(gap=gap, counted=counted)}), NOW)

    assert due(hours * HOUR) == [["c"]]
    assert due(hours * HOUR - timedelta(seconds=1)) == []


def test_who_is_counted_next_fills_the_call_of_who_is_due():
    known = {"due": watch(counted=25 * HOUR), **{f"c{n:02}": watch(counted=n * HOUR / 9) for n in range(60)}}
    [call] = to_count(Watched(channels=known), NOW)
    assert (len(call), call[:2]) == (50, ["due", "c59"])


@pytest.mark.parametrize(
    ("before", "count", "grown"), [(5, 6, True), (5, 5, False), (5, 4, False), (5, None, False), (None, 6, False)]
)
def test_only_a_count_that_has_grown_is_looked_into_and_a_missing_one_says_nothing(before, count, grown):
    assert watch(videos=before).unsettled(count) is grown


def test_the_habit_follows_what_comes_and_a_count_that_falls_is_the_new_one():
    each = watch(videos=5, gap=86_400.0, grown=SECONDS - 7_200)
    grown = each.counted_as(7, SECONDS)
    assert (grown.videos, grown.counted, grown.grown) == (7, SECONDS, SECONDS)
    assert grown.gap == pytest.approx(0.7 * 86_400 + 0.3 * 3_600)
    assert each.counted_as(4, SECONDS) == each._replace(videos=4, counted=SECONDS)


def test_what_was_published_while_youtube_told_no_count_is_looked_into_at_the_next_one():
    grown = watch(videos=5, grown=SECONDS - 9_000)
    untold = grown.counted_as(None, SECONDS - 300)
    assert untold.unsettled(6)
    assert not untold.unsettled(5)
    heard = listen("UC1", [item("meanwhile", ago=2 * HOUR)], seen=None, since=first_look(untold), now=NOW)
    assert [notice.video_id for notice in heard.notices] == ["meanwhile"]


def test_a_count_that_runs_ahead_of_the_playlist_is_looked_into_twice_more():
    each = watch(videos=5)
    for _ in range(2):
        each = each.looked_at(6, 0, SECONDS)
        assert each.unsettled(6)
    assert not each.looked_at(6, 0, SECONDS).unsettled(6)
    assert not watch(videos=5).looked_at(6, 1, SECONDS).unsettled(6)


counts = st.integers(0, 2**40)
watches = st.builds(Watch, st.none() | counts, counts, counts, counts, counts, st.booleans(), st.integers(0, 2))
times = st.none() | st.datetimes(timezones=st.just(UTC))


@given(st.builds(Watched, channels=st.dictionaries(st.text(max_size=24), watches, max_size=9), refusing=times,
                 ask_at=times, checked=times, day=st.none() | st.dates(), units=counts))  # fmt: skip
def test_what_is_stored_is_read_back(watched):
    assert WATCHED.read("channels", WATCHED.fields(watched)) == watched


@pytest.mark.parametrize("packed", [b"x", zlib.compress(b"[1]"), 1])
def test_what_cannot_be_read_is_said_to_be_so(packed):
    with pytest.raises(CorruptData):
        WATCHED.read("channels", {"channels": packed})


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
