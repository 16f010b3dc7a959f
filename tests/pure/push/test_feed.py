"""What a push notification says, and what is refused as no notification at all."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.collection.videos import Change, change
from shared.errors import InvalidRequest
from shared.push.feed import MAX_BYTES, Feed, VideoNotice, parse
from shared.push.receiving import message

CHANNEL = "UC1"

ENTRY = """<feed xmlns:yt="http://www.youtube.com/xml/schemas/2015" xmlns="http://www.w3.org/2005/Atom">
 <title>YouTube video feed</title><updated>2026-11-22T10:00:00.552394234+00:00</updated>
 <entry><id>yt:video:abcdefghijk</id><yt:videoId>abcdefghijk</yt:videoId><yt:channelId>UC1</yt:channelId>
  <title>{title}</title><published>2026-11-22T09:59:00+00:00</published>
  <updated>2026-11-22T10:00:00.552394234+00:00</updated></entry></feed>"""
DELETED = """<feed xmlns:at="http://purl.org/atompub/tombstones/1.0" xmlns="http://www.w3.org/2005/Atom">
 <at:deleted-entry ref="yt:video:abcdefghijk" when="2026-11-22T10:00:00+00:00">
  <link href="https://www.youtube.com/watch?v=abcdefghijk"/>
  <at:by><name>A channel</name><uri>https://www.youtube.com/channel/UC1</uri></at:by></at:deleted-entry></feed>"""


def notices(body: str) -> list[VideoNotice]:
    return list(parse(body.encode(), CHANNEL).notices)


def test_an_entry_names_video_channel_and_times():
    assert notices(ENTRY.format(title="A title")) == [
        VideoNotice(
            video_id="abcdefghijk",
            channel_id="UC1",
            updated=datetime(2026, 11, 22, 10, 0, 0, 552394, tzinfo=UTC),
            title="A title",
            published=datetime(2026, 11, 22, 9, 59, tzinfo=UTC),
        )
    ]


@pytest.mark.fault(42)
def test_a_deleted_entry_is_a_deletion_and_no_new_video():
    assert notices(DELETED) == [
        VideoNotice(
            video_id="abcdefghijk",
            channel_id="UC1",
            updated=datetime(2026, 11, 22, 10, tzinfo=UTC),
            deleted=True,
        )
    ]


@pytest.mark.fault(50)
def test_html_in_a_title_stays_text():
    assert notices(ENTRY.format(title="&lt;script&gt;"))[0].title == "<script>"


NESTED = "<a>" * 9000
BOMB = (
    '<!DOCTYPE lolz [<!ENTITY a "ha">'
    + "".join(f'<!ENTITY {chr(98 + n)} "{("&" + chr(97 + n) + ";") * 10}">' for n in range(9))
    + "]><feed>&j;</feed>"
)
DOCTYPE = '<!DOCTYPE feed><feed xmlns="http://www.w3.org/2005/Atom"/>'
EXTERNAL = '<!DOCTYPE feed [<!ENTITY x SYSTEM "file:///etc/passwd">]><feed>&x;</feed>'


@pytest.mark.fault(39)
@pytest.mark.parametrize(
    "body",
    [
        *(BOMB, EXTERNAL, DOCTYPE, "", "not xml", "[" * 60_000, NESTED, "<feed", "<feed><!-- \x00 --></feed>"),
        *(f'<?xml version="1.0" encoding="{odd}"?><feed/>' for odd in ("none-such", "rot13", "utf-7", "cp037")),
        *(f"<feed>{odd}</feed>" for odd in ("\ud800", "&#xD800;", "&#0;", "&nbsp;")),
    ],
)
def test_what_is_no_feed_is_refused(body):
    with pytest.raises(InvalidRequest) as refusal:
        parse(body.encode(errors="surrogatepass"), CHANNEL)
    assert refusal.value.reason == "feedUnreadable"
    assert "passwd" not in refusal.value.message


@pytest.mark.case("A9")
def test_a_feed_nested_to_its_last_byte_says_nothing():
    assert parse((NESTED + "</a>" * 9000).encode(), CHANNEL) == Feed(())


GOOD = """<entry><yt:videoId>goodVideo-1</yt:videoId><yt:channelId>UC1</yt:channelId>
  <updated>2026-11-22T10:00:00+00:00</updated></entry>"""
GONE = '<at:deleted-entry ref="yt:video:goneVideo-1" when="2026-11-22T10:00:00+00:00"/>'


def feed(*entries: str) -> str:
    spaces = 'xmlns:yt="http://www.youtube.com/xml/schemas/2015" xmlns:at="http://purl.org/atompub/tombstones/1.0"'
    return f'<feed {spaces} xmlns="http://www.w3.org/2005/Atom">{"".join(entries)}</feed>'


UNREADABLE = [
    GOOD.replace("videoId>", "other>"),
    GOOD.replace("updated>", "other>"),
    *(GOOD.replace("goodVideo-1", odd) for odd in ("a/b", "..", "__video__", "", "x" * 1500, "goodVideo-é")),
    *(
        GOOD.replace("2026-11-22T10:00:00+00:00", odd)
        for odd in (
            "",
            "yesterday",
            "2026-11-22T10:00:00",
            "0001-01-01T00:00:00+23:59",
            "9999-12-31T23:59:59-23:59",
        )
    ),
    GOOD.replace("</entry>", "<published>0001-01-01T00:00:00+23:59</published></entry>"),
    GONE.replace(' ref="yt:video:goneVideo-1"', ""),
    GONE.replace("goneVideo-1", "a/b"),
    GONE.replace(' when="2026-11-22T10:00:00+00:00"', ""),
    GONE.replace("2026-11-22T10:00:00+00:00", "0001-01-01T00:00:00+23:59"),
]


@pytest.mark.case("A1", "A13")
@pytest.mark.fault(71)
@pytest.mark.parametrize("odd", UNREADABLE)
def test_an_entry_that_cannot_be_read_is_left_out_and_the_others_count_wherever_they_stand(odd):
    for body in (feed(odd, GOOD, GONE), feed(GOOD, odd, GONE), feed(GOOD, GONE, odd)):
        found = parse(body.encode(), CHANNEL)
        assert [notice.video_id for notice in found.notices] == ["goodVideo-1", "goneVideo-1"]
        assert found.unreadable == 1


@pytest.mark.case("A13")
@pytest.mark.fault(71)
@pytest.mark.parametrize("odd", UNREADABLE)
def test_a_feed_of_which_no_entry_can_be_read_is_refused(odd):
    with pytest.raises(InvalidRequest) as refusal:
        parse(feed(odd).encode(), CHANNEL)
    assert refusal.value.reason == "feedUnreadable"


@pytest.mark.case("A1")
def test_an_entry_that_names_no_channel_is_about_the_subscription_s():
    unnamed = GOOD.replace("<yt:channelId>UC1</yt:channelId>", "")
    assert [notice.channel_id for notice in notices(feed(unnamed, GONE))] == [CHANNEL, CHANNEL]


@pytest.mark.case("A1")
def test_spaces_around_what_an_entry_says_mean_nothing():
    at = "2026-11-22T10:00:00+00:00"
    published = f"<published>\n {at} </published></entry>"
    spacious = GOOD.replace(">goodVideo-1<", "> goodVideo-1\n<").replace("</entry>", published)
    [notice] = notices(feed(spacious.replace(f"<updated>{at}", f"<updated>\t{at} ")))
    assert (notice.video_id, notice.published) == ("goodVideo-1", notice.updated)


def test_a_feed_without_entries_says_nothing():
    assert parse(b'<feed xmlns="http://www.w3.org/2005/Atom"/>', CHANNEL) == Feed(())


@pytest.mark.fault(40)
@given(st.lists(st.integers(0, 59), min_size=1, max_size=9))
def test_of_a_video_that_stands_more_than_once_in_a_feed_the_latest_entry_counts_in_any_order(minutes):
    twice = feed(*(GOOD.replace("10:00:00", f"10:{minute:02}:00") for minute in minutes))
    known: datetime | None = None
    for notice in notices(twice):
        if change(notice, known) is not Change.NOTHING:
            known = notice.updated
    assert known == datetime(2026, 11, 22, 10, max(minutes), tzinfo=UTC)


def test_as_many_entries_as_a_body_can_hold_fit_into_one_message():
    least = "<entry><yt:videoId>{:011}</yt:videoId><updated>2026-11-22T10:00:00Z</updated></entry>"
    most = (MAX_BYTES - len(feed())) // len(least.format(0))
    found = notices(feed(*map(least.format, range(most))))
    assert len({notice.video_id for notice in found}) == most
    assert len(json.dumps(message(found))) < 10_000_000  # the largest that Pub/Sub takes
