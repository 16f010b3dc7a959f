"""The Atom documents, read back with a parser that refuses what is not well-formed."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from defusedxml.ElementTree import fromstring
from hypothesis import given
from hypothesis import strategies as st

from infra.local.simulator.hub.feeds import Deletion, Entry, notification, public_feed, tombstone, topic_channel

ATOM, YT, AT = (
    "{http://www.w3.org/2005/Atom}",
    "{http://www.youtube.com/xml/schemas/2015}",
    "{http://purl.org/atompub/tombstones/1.0}",
)
CHANNEL = "UC" + "a" * 22
NOW = datetime(2026, 11, 22, 10, 0, 0, 123456, tzinfo=UTC)


def entry(title: str = "A title") -> Entry:
    return Entry("abcdefghijk", CHANNEL, "The & channel", title, NOW, NOW)


def test_a_notification_names_video_and_channel():
    feed = fromstring(notification(entry()))
    one = feed.find(f"{ATOM}entry")
    assert one.findtext(f"{YT}videoId") == "abcdefghijk"
    assert one.findtext(f"{YT}channelId") == CHANNEL
    assert one.findtext(f"{ATOM}id") == "yt:video:abcdefghijk"
    links = {link.get("rel"): link.get("href") for link in feed.findall(f"{ATOM}link")}
    assert links == {
        "hub": "https://pubsubhubbub.appspot.com",
        "self": f"https://www.youtube.com/xml/feeds/videos.xml?channel_id={CHANNEL}",
    }


def test_updates_carry_nanoseconds():
    feed = fromstring(notification(entry()))
    assert feed.findtext(f"{ATOM}entry/{ATOM}updated") == "2026-11-22T10:00:00.123456000+00:00"
    assert feed.findtext(f"{ATOM}entry/{ATOM}published") == "2026-11-22T10:00:00+00:00"


def test_a_tombstone_has_no_channel_id_of_its_own():
    feed = fromstring(tombstone(Deletion("abcdefghijk", CHANNEL, "The & channel", NOW)))
    gone = feed.find(f"{AT}deleted-entry")
    assert gone.get("ref") == "yt:video:abcdefghijk"
    assert gone.findtext(f"{AT}by/{ATOM}uri") == f"https://www.youtube.com/channel/{CHANNEL}"
    assert feed.find(f".//{YT}channelId") is None


@given(
    title=st.text(st.characters(exclude_categories=["Cc", "Cs"], exclude_characters="\ufffe\uffff"), min_size=1)
)
def test_any_title_survives_the_feed(title: str):
    feed = fromstring(public_feed(CHANNEL, title, [entry(title)], NOW))
    assert feed.findtext(f"{ATOM}entry/{ATOM}title") == title


@pytest.mark.parametrize(
    ("topic", "channel"),
    [
        (f"https://www.youtube.com/xml/feeds/videos.xml?channel_id={CHANNEL}", CHANNEL),
        (f"https://www.youtube.com/feeds/videos.xml?channel_id={CHANNEL}", CHANNEL),
        (f"http://127.0.0.1:8080/xml/feeds/videos.xml?channel_id={CHANNEL}", CHANNEL),
        ("https://www.youtube.com/xml/feeds/videos.xml", None),
        ("https://www.youtube.com/xml/feeds/videos.xml?user=somebody", None),
        (f"https://www.youtube.com/xml/feeds/playlists.xml?channel_id={CHANNEL}", None),
        (f"https://example.com/xml/feeds/videos.xml?channel_id={CHANNEL}", None),
        (f"ftp://www.youtube.com/xml/feeds/videos.xml?channel_id={CHANNEL}", None),
        ("", None),
    ],
)
def test_both_documented_topics_count_and_no_others(topic: str, channel: str | None):
    assert topic_channel(topic) == channel
