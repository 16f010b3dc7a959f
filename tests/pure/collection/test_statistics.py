"""Whose counts are read next, and how a day's calls are spread."""

import json
import random
import zlib
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.clock import pacific_day_bounds
from shared.cloud.steps import Doc
from shared.collection.statistics import law
from shared.collection.statistics.collecting import merged
from shared.collection.statistics.law import CALLS_MAX, EVERY, Video, calls_now
from shared.collection.statistics.state import (
    FIFTIES_A_PACK,
    Counted,
    Entry,
    Outline,
    outline_in,
    outline_write,
    pack_in,
    pack_write,
)

NOW = 29_000_000
DAY = 24 * 60
OLD = NOW - 400 * DAY
HEARD = datetime(2026, 11, 1, tzinfo=UTC)


def read_before(minutes: int, rate: float, *, seen: float = 24, views: int = 1_000) -> Video:
    return Video(published=OLD, read=NOW - minutes, views=views, rate=rate, seen=seen)


def test_the_largest_rate_times_time_squared_goes_first():
    outlines = {
        "twice as long": [(1.0, NOW - 600)],
        "three times as fast": [(3.0, NOW - 300)],
        "slow": [(1.0, NOW - 300)],
    }
    assert list(law.choose(outlines.items(), 2, NOW)) == ["twice as long", "three times as fast"]


def test_what_was_not_read_for_twenty_minutes_goes_before_what_grows_faster_and_was():
    outlines = {"twice as fast": [(2_000.0, NOW - 19)], "unread": [(1_000.0, NOW - 20)]}
    assert list(law.choose(outlines.items(), 1, NOW)) == ["unread"]


def test_a_channel_is_called_as_often_as_its_fifties_are_worth_it():
    outlines = {"busy": [(900.0, NOW - 60), (800.0, NOW - 60)], "quiet": [(1.0, NOW - 90)]}
    assert law.choose(outlines.items(), 2, NOW) == {"busy": 2}
    assert law.choose(outlines.items(), 3, NOW) == {"busy": 2, "quiet": 1}


def test_what_cannot_have_grown_is_left_alone_for_a_day():
    dead = {"dead": [(0.01, NOW - DAY + 1)], "read again": [(0.01, NOW - DAY)]}
    assert law.choose(dead.items(), 5, NOW) == {"read again": 1}


def test_a_new_video_goes_before_those_that_were_never_read_and_these_before_all_others():
    known = {f"hot {number}": read_before(600, 1e6) for number in range(60)}
    known |= {f"import {number}": Video() for number in range(49)}
    known["new"] = Video(published=NOW - 1)
    first, *_ = law.to_read(known, 1, NOW)
    assert first[0] == "new"
    assert set(first[1:]) == {name for name in known if name.startswith("import")}
    (fastest, _), *_ = law.outline(known, NOW)
    assert fastest > 1e12


def test_the_first_count_and_the_age_say_how_fast_a_video_grows():
    young, old = (law.read(Video(published=NOW - hours * 60), 2_400, NOW) for hours in (24, 2_400))
    assert 40 < young.rate < 101
    assert 0.2 < old.rate < 1


def test_a_new_video_without_views_is_looked_at_again_before_an_old_one_without():
    new, old = (law.read(Video(published=NOW - minutes), 0, NOW) for minutes in (2, 100 * DAY))
    assert new.rate > 1_000 * old.rate


def test_what_is_seen_outweighs_what_the_lifetime_said():
    video = law.read(Video(published=OLD), 1_000_000, NOW)
    for hour in range(1, 49):
        video = law.read(video, 1_000_000 + 5 * hour, NOW + 60 * hour)
    assert video.rate == pytest.approx(5, rel=0.1)


def test_a_burst_is_believed_at_its_first_reading_and_so_is_its_end():
    burst = law.read(read_before(60, 100.0), 1_000 + 2_000, NOW)
    assert burst.rate > 1_500
    ended = law.read(burst._replace(seen=6.0), 3_000 + 100, NOW + 60)
    assert ended.rate < 600


def test_what_chance_explains_is_no_burst():
    assert law.read(read_before(60, 4.0), 1_000 + 9, NOW).rate < 4.5


def test_a_count_that_is_not_told_is_unknown_and_one_that_falls_is_kept_as_read():
    untold = law.read(read_before(60, 4.0), None, NOW)
    assert (untold.views, untold.read) == (None, NOW)
    fallen = law.read(read_before(60, 4.0), 900, NOW)
    assert fallen.views == 900
    assert 0 < fallen.rate < 4


def test_a_young_video_is_expected_to_slow_down_and_an_old_one_to_go_on():
    young = Video(published=NOW - 60, read=NOW, views=10, rate=10.0)
    assert law.rate_at(young, NOW + DAY) < 5
    assert law.rate_at(read_before(0, 10.0), NOW + DAY) == pytest.approx(10, rel=0.01)


def any_videos(count: int, seed: int) -> dict[str, Video]:
    """A channel's videos, as different as they can be."""
    rng = random.Random(seed)
    return {
        f"v{number}": Video(
            published=rng.randrange(NOW),
            read=rng.choice((0, rng.randrange(NOW - 90 * DAY, NOW))),
            views=rng.choice((None, 0, rng.randrange(10**12))),
            rate=rng.choice((0.0, 10 ** rng.uniform(-5, 9))),
            seen=rng.choice((0.0, rng.uniform(0, 1e4))),
            absent=rng.randrange(3),
        )
        for number in range(count)
    }


_VIDEOS = st.builds(any_videos, st.integers(0, 260), st.integers(0, 2**32))


@given(videos=_VIDEOS, calls=st.integers(1, 5))
def test_a_call_names_up_to_fifty_videos_and_none_twice(videos, calls):
    groups = law.to_read(videos, calls, NOW)
    named = [each for ids in groups for each in ids]
    assert len(named) == len(set(named)) == min(len(videos), 50 * calls)
    assert all(0 < len(ids) <= 50 for ids in groups)


@given(videos=_VIDEOS, views=st.one_of(st.none(), st.integers(0, 10**12)), minutes=st.integers(0, 90 * DAY))
def test_a_rate_stays_a_positive_number_whatever_is_counted(videos, views, minutes):
    for video in videos.values():
        after = law.read(video, views, NOW + minutes)
        assert after.views == views
        assert 0 <= after.rate < 1e13
        assert after.seen >= 0


@given(videos=_VIDEOS)
def test_what_is_packed_is_read_as_it_was(videos):
    pack = {"UC1": Counted("c" * 24, videos), "UC2": Counted("d" * 24, {})}
    assert pack_in(3, Doc(pack_write(3, pack).fields, None)) == pack
    outline = Outline(
        day=date(2026, 11, 1), spent=3, entries={"UC1": Entry(3, 7, tuple(law.outline(videos, NOW)))}
    )
    assert outline_in(Doc(outline_write(outline).fields, None)) == outline


@pytest.mark.parametrize(
    "packed",
    [b"cut off", zlib.compress(b"{"), zlib.compress(b"[1]"), zlib.compress(b'{"UC1": 7}'), "text", 3],
)
def test_what_cannot_be_read_is_logged_and_begins_anew(packed, capsys):
    heard = {"heard_at": HEARD, "looked_at": HEARD, "day": "2026-11-01", "spent": 3}
    found = outline_in(Doc({**heard, "entries": packed}, None))
    assert (found.entries, found.heard_at, found.looked_at) == ({}, None, None)
    assert pack_in(3, Doc({"packed": packed}, None)) == {}
    assert [json.loads(line)["severity"] for line in capsys.readouterr().out.splitlines()] == ["ERROR"] * 2


def test_an_outline_whose_channels_cannot_be_read_still_knows_what_the_day_has_cost():
    stored = outline_write(Outline(day=date(2026, 11, 1), spent=3, run="r", run_until=HEARD)).fields
    found = outline_in(Doc({**stored, "entries": b"cut off"}, None))
    assert (found.day, found.spent, found.run, found.run_until) == (date(2026, 11, 1), 3, "r", HEARD)


def test_a_channel_goes_where_there_is_room():
    full = {f"UC{number}": Entry(0, fifties=((1.0, 1),) * (FIFTIES_A_PACK // 4)) for number in range(4)}
    assert Outline(entries=full).roomy_pack(1) == 1
    assert Outline().roomy_pack(FIFTIES_A_PACK * 2) == 0


def test_a_listing_takes_out_what_is_gone_but_not_what_it_cannot_know_yet():
    known = {"old": Video(published=OLD), "gone": Video(published=OLD), "new": Video(published=NOW - DAY)}
    found = merged(known, {"newer": NOW - 1}, {"old", "found"}, NOW)
    assert found.keys() == {"old", "new", "newer", "found"}
    assert merged(known, {}, None, NOW) == known


@pytest.mark.parametrize("day", [date(2026, 3, 8), date(2026, 11, 1), date(2026, 11, 29)])
def test_a_day_of_23_24_or_25_hours_spends_all_its_calls_evenly_and_not_one_more(day):
    begin, end = pacific_day_bounds(day)
    now, spent, each = begin, 0, []
    while now < end:
        each.append(calls_now(9_000, spent, now))
        spent += each[-1]
        now += EVERY
    assert spent == 9_000
    assert max(each) - min(each) <= 1


@given(
    units=st.integers(1, 20_000),
    spent=st.integers(0, 20_000),
    minutes=st.integers(0, 400 * DAY),
)
def test_no_run_spends_more_than_the_day_has_or_a_run_may(units, spent, minutes):
    calls = calls_now(units, spent, datetime(2026, 1, 1, 8, tzinfo=UTC) + timedelta(minutes=minutes))
    assert 0 <= calls <= CALLS_MAX
    assert calls == 0 or spent + calls <= units
