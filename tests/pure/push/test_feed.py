"""What a push notification says, and what is refused as no notification at all."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import pytest

from shared.errors import InvalidRequest
from shared.push.feed import VideoNotice, parse

ENTRY = """<feed xmlns:yt="http://www.youtube.com/xml/schemas/2015" xmlns="http://www.w3.org/2005/Atom">
 <title>YouTube video feed</title><updated>2026-11-22T10:00:00.552394234+00:00</updated>
 <entry><id>yt:video:abcdefghijk</id><yt:videoId>abcdefghijk</yt:videoId><yt:channelId>UC1</yt:channelId>
  <title>{title}</title><published>2026-11-22T09:59:00+00:00</published>
  <updated>2026-11-22T10:00:00.552394234+00:00</updated></entry></feed>"""
DELETED = """<feed xmlns:at="http://purl.org/atompub/tombstones/1.0" xmlns="http://www.w3.org/2005/Atom">
 <at:deleted-entry ref="yt:video:abcdefghijk" when="2026-11-22T10:00:00+00:00">
  <link href="https://www.youtube.com/watch?v=abcdefghijk"/>
  <at:by><name>A channel</name><uri>https://www.youtube.com/channel/UC1</uri></at:by></at:deleted-entry></feed>"""


def test_an_entry_names_video_channel_and_times():
    assert parse(ENTRY.format(title="A title").encode()) == [
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
    assert parse(DELETED.encode()) == [
        VideoNotice(
            video_id="abcdefghijk",
            channel_id="UC1",
            updated=datetime(2026, 11, 22, 10, tzinfo=UTC),
            deleted=True,
        )
    ]


@pytest.mark.fault(50)
def test_html_in_a_title_stays_text():
    assert parse(ENTRY.format(title="&lt;script&gt;").encode())[0].title == "<script>"


BOMB = (
    '<!DOCTYPE lolz [<!ENTITY a "ha">'
    + "".join(f'<!ENTITY {chr(98 + n)} "{("&" + chr(97 + n) + ";") * 10}">' for n in range(9))
    + "]><feed>&j;</feed>"
)
DOCTYPE = '<!DOCTYPE feed><feed xmlns="http://www.w3.org/2005/Atom"/>'
EXTERNAL = '<!DOCTYPE feed [<!ENTITY x SYSTEM "file:///etc/passwd">]><feed>&x;</feed>'


@pytest.mark.fault(39)
@pytest.mark.parametrize("body", [BOMB, EXTERNAL, DOCTYPE, "", "not xml", "<feed", "<feed><!-- \x00 --></feed>"])
def test_what_is_no_feed_is_refused_at_once(body):
    began = time.monotonic()
    with pytest.raises(InvalidRequest) as refusal:
        parse(body.encode())
    assert refusal.value.reason == "feedUnreadable"
    assert time.monotonic() - began < 5
    assert "passwd" not in refusal.value.message


@pytest.mark.parametrize("missing", ["yt:videoId", "yt:channelId", "updated"])
def test_an_entry_without_what_it_needs_is_refused(missing):
    body = ENTRY.format(title="t").replace(f"<{missing}>", "<other>").replace(f"</{missing}>", "</other>")
    with pytest.raises(InvalidRequest):
        parse(body.encode())


def test_a_feed_without_entries_says_nothing():
    assert parse(b'<feed xmlns="http://www.w3.org/2005/Atom"/>') == []
