"""What is remembered of a channel's videos: what is read next, what is listed, what is gone; packed, unpacked."""

from __future__ import annotations

import random
import string
import zlib
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.collection import readings
from shared.collection.readings import AGAIN, ROW_EVERY, VIDEOS_MAX, WHOLE_EVERY, Reading, Readings, needs_row
from shared.errors import CorruptData

NOW = datetime(2026, 11, 22, 10, tzinfo=UTC)
HOUR = timedelta(hours=1)
IDS = st.text(alphabet="abcdefgh-_", min_size=11, max_size=11)
TIMES = st.none() | st.integers(1, 10**6).map(lambda ago: NOW - timedelta(seconds=ago))
VIDEOS = st.dictionaries(
    IDS, st.builds(Reading, st.text("ab", max_size=2), TIMES, TIMES, st.booleans(), st.booleans())
)
CHANNEL = "UC1"


def of(videos: dict[str, Reading], **known) -> Readings:
    return Readings(channel_id=CHANNEL, videos=videos, **known)


def read(hours: float, **more) -> Reading:
    return Reading("e", NOW - hours * HOUR, **more)


def test_videos_that_were_never_read_come_first_and_then_the_oldest():
    videos = {"fresh": read(1), "b": read(30), "new": Reading(), "a": read(40), "due": read(AGAIN / HOUR)}
    assert of(videos).due(NOW) == ["new", "a", "b", "due"]


@given(VIDEOS)
def test_whatever_was_read_within_the_night_is_not_due(videos):
    due = set(of(videos).due(NOW))
    for video_id, each in videos.items():
        assert (video_id in due) == (each.read_at is None or NOW - each.read_at >= AGAIN)


@given(VIDEOS, TIMES, TIMES)
def test_a_channel_is_read_since_its_oldest_time_and_never_while_something_is_missing(videos, looked, whole):
    found = of(videos, looked_at=looked, whole_at=whole).read_at
    times = [looked, *(each.read_at for each in videos.values())]
    assert found == (None if whole is None or None in times else min(times))


def test_a_video_that_stands_on_two_pages_is_one_and_keeps_what_was_read_of_it():
    newest = of({"b": read(1)}).looked_at_newest(["a", "b"], "2", 4, NOW)
    listed = newest.listed(["b", "c"], "3", NOW).listed(["c", "a", "d"], None, NOW)
    assert listed.videos == {"b": read(1), "a": Reading(), "c": Reading(), "d": Reading()}


def test_an_absent_video_is_gone_at_the_second_look():
    once, gone = of({"v": read(30), "w": read(30)}).answered({"w": read(0)}, ["v"], NOW)
    assert (once.videos["v"].missing, gone) == (True, [])
    assert once.due(NOW + HOUR) == []
    twice, gone = once.answered({}, ["v"], NOW + AGAIN)
    assert (list(twice.videos), gone) == (["w"], ["v"])


def test_a_video_that_is_there_again_has_to_be_absent_twice_once_more():
    once, _ = of({"v": read(30)}).answered({}, ["v"], NOW)
    there, _ = once.answered({"v": Reading("e", NOW)}, [], NOW)
    assert there.answered({}, ["v"], NOW + AGAIN)[1] == []


@given(VIDEOS, st.data())
def test_an_answer_changes_no_video_that_was_not_asked_about(videos, data):
    asked = data.draw(st.lists(st.sampled_from(sorted(videos)), unique=True)) if videos else []
    found = {video_id: Reading("new", NOW) for video_id in asked[::2]}
    after, gone = of(videos).answered(found, asked[1::2], NOW)
    assert after.videos.keys() | set(gone) == videos.keys()
    assert not set(gone) & after.videos.keys()
    assert all(after.videos[each] == videos[each] for each in videos if each not in asked)
    assert not set(asked) - set(gone) & set(after.due(NOW))


@pytest.mark.parametrize(
    ("reading", "etag", "expected"),
    [
        (Reading(), "a", True),
        (Reading("a", NOW, NOW), "b", True),
        (Reading("a", NOW, NOW - ROW_EVERY + HOUR), "a", False),
        (Reading("a", NOW, NOW - ROW_EVERY), "a", True),
        (Reading("a", NOW, None), "a", True),
    ],
)
def test_a_row_is_made_of_what_is_new_or_changed_or_a_day_old(reading, etag, expected):
    assert needs_row(reading, etag, NOW) is expected


PAGE = ["c", "b", "a"]
KNOWN = {video_id: read(30, public=True) for video_id in PAGE}


@pytest.mark.parametrize(
    ("videos", "known", "count", "expected"),
    [
        ({}, {}, 3, True),  # never listed whole
        (KNOWN, {"whole_at": NOW - WHOLE_EVERY}, 3, True),  # not lately
        (KNOWN, {"whole_at": NOW - HOUR}, 3, False),
        ({"b": read(1), "a": read(1)}, {"whole_at": NOW - HOUR}, 1, False),  # one is new, what follows is known
        ({"c": read(1), "b": read(1)}, {"whole_at": NOW - HOUR}, 3, True),  # what follows may be new
        (KNOWN, {"whole_at": NOW - HOUR, "counted": 3}, 4, True),  # one is missing
        (KNOWN, {"whole_at": NOW - HOUR, "counted": 4}, 4, False),  # and was looked for in vain
        (KNOWN, {"whole_at": NOW - HOUR}, None, False),
        (KNOWN, {"whole_at": NOW - HOUR}, 2, False),  # a deletion is no reason
    ],
)
def test_uploads_are_listed_beyond_their_newest_page_where_that_can_bring_something(
    videos, known, count, expected
):
    assert of(videos, **known).to_list(PAGE, count, NOW) is expected


def test_a_listing_goes_on_where_it_stopped_and_is_whole_at_its_end():
    begun = of({}).looked_at_newest(["a"], "2", 3, NOW)
    assert (begun.page, begun.whole_at, begun.looked(NOW + HOUR)) == ("2", None, True)
    later = begun.listed(["b"], "3", NOW).looked_at_newest(["a"], "2", 3, NOW + AGAIN)
    assert later.page == "3"
    done = later.listed(["c"], None, NOW + AGAIN)
    assert (done.page, done.whole_at, sorted(done.videos)) == ("", NOW + AGAIN, ["a", "b", "c"])
    assert done.looked_at_newest(["a"], "2", 3, NOW + 2 * AGAIN).page == ""


def test_one_page_is_a_whole_listing_and_so_is_no_page_at_all():
    for ids in (["a"], []):
        found = of({}, page="2").looked_at_newest(ids, None, len(ids), NOW)
        assert (found.page, found.whole_at) == ("", NOW)


def test_an_id_that_stands_on_two_pages_is_one_video():
    known = (
        of({}).looked_at_newest(["a", "b"], "2", 9, NOW).listed(["b", "c"], "3", NOW).listed(["c", "d"], None, NOW)
    )
    assert list(known.videos) == ["a", "b", "c", "d"]


@given(VIDEOS, TIMES, TIMES)
def test_what_is_packed_is_read_back(videos, looked, whole):
    known = of(videos, looked_at=looked, page="p", whole_at=whole, counted=3)
    written = readings.write(known)
    assert written.path == readings.path(CHANNEL)
    assert readings.stored(CHANNEL, written.fields) == known


def test_as_many_videos_as_are_remembered_fit_one_document_and_the_longest_unread_go_first():
    letters, rng = string.ascii_letters + string.digits + "-_", random.Random(1)

    def word(length: int) -> str:
        return "".join(rng.choices(letters, k=length))

    times = [NOW - timedelta(seconds=rng.randrange(10**6)) for _ in range(400)]  # each of a call for fifty videos
    videos = {word(11): Reading(word(27), rng.choice(times), rng.choice(times), True) for _ in range(VIDEOS_MAX)}
    assert len(readings.write(of(videos)).fields["videos"]) < 1_000_000
    more = of(videos).listed(["new"], "2", NOW).videos
    assert len(more) == VIDEOS_MAX
    [left] = videos.keys() - more.keys()
    assert videos[left].read_at == min(each.read_at for each in videos.values())


@pytest.mark.parametrize(
    "packed",
    [
        "",
        b"",
        b"no",
        *map(zlib.compress, (b"no JSON", b"[]", b'{"v": 1}', b'{"v": ["e", "x", 0, 0, 0]}', b"\xff")),
    ],
)
def test_what_was_not_written_here_is_refused(packed):
    with pytest.raises(CorruptData):
        readings.stored(CHANNEL, {"videos": packed})


def test_nothing_stored_is_nothing_read():
    assert readings.stored(CHANNEL, None) == of({})
