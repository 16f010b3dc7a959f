"""`search.list`, as far as a channel looks for its own videos: by channel, words, type and time."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from infra.local.simulator.caller import own_channel, reader
from infra.local.simulator.data import render
from infra.local.simulator.data.library import Library
from infra.local.simulator.data.lists import listing, paged
from infra.local.simulator.data.refusals import refuse_unknown
from infra.local.simulator.errors import GoogleError, not_simulated
from infra.local.simulator.paging import etag
from infra.local.simulator.timepiece import sent_instant
from infra.local.simulator.world import Video

if TYPE_CHECKING:
    from infra.local.simulator.dispatch import Answer, Call
    from infra.local.simulator.state import Simulator

MOST_RESULTS = 500
KNOWN = frozenset(
    {
        "part",
        "forMine",
        "channelId",
        "q",
        "type",
        "order",
        "publishedAfter",
        "publishedBefore",
        "maxResults",
        "pageToken",
    }
)


def search(simulator: Simulator, call: Call) -> Answer:
    """Videos of one's own (`forMine`) or of a channel, newest first unless asked otherwise."""
    params, library = call.params, simulator.room(Library)
    refuse_unknown(call, KNOWN)
    mine = bool(params.get("forMine"))
    if mine and params.get("type") != ["video"]:
        raise GoogleError(
            400, "incompatibleParameters", "forMine needs type=video.", domain="youtube.parameter", location="type"
        )
    channel_id = own_channel(simulator, call).id if mine else params.get("channelId")
    if not channel_id:
        raise not_simulated("a search beyond one channel (forMine or channelId)")
    me = reader(call)
    asked = (channel_id, params.get("q"), params.get("order"))
    found = [video for video in library.uploads(channel_id, me if mine else None) if _fits(video, params)]
    found = _ordered(simulator, found, params.get("order", "relevance"))[:MOST_RESULTS]
    shown = paged(call, found, of=f"search/{asked}")
    with_snippet = "snippet" in call.parts
    return listing(
        call, "youtube#searchListResponse", [_result(library, video, with_snippet) for video in shown.items], shown
    )


def _fits(video: Video, params: Any) -> bool:
    words = str(params.get("q") or "").lower().split()
    text = f"{video.title} {video.description} {' '.join(video.tags)}".lower()
    after, before = _bound(params, "publishedAfter"), _bound(params, "publishedBefore")
    return (
        all(word in text for word in words)
        and (after is None or video.published_at >= after)
        and (before is None or video.published_at < before)
    )


def _bound(params: Any, name: str) -> datetime | None:
    if not params.get(name):
        return None
    try:
        return sent_instant(params[name])
    except ValueError:
        message = f"Invalid value '{params[name]}'. It is not a date and time with a zone."
        raise GoogleError(400, "invalidParameter", message, location=name) from None


def _ordered(simulator: Simulator, videos: list[Video], order: str) -> list[Video]:
    if order == "title":
        return sorted(videos, key=lambda video: video.title)
    if order == "viewCount":
        now = simulator.clock()
        return sorted(videos, key=lambda video: simulator.world.counters(video, now).views, reverse=True)
    return videos


def _result(library: Library, video: Video, with_snippet: bool) -> dict[str, Any]:
    parts: dict[str, Any] = {"id": {"kind": "youtube#video", "videoId": video.id}}
    if with_snippet:
        shown = library.shown(video, None)
        parts["snippet"] = {
            "publishedAt": render.instant(video.published_at),
            "channelId": video.channel_id,
            "title": video.title,
            "description": video.description[:160],
            "thumbnails": render.thumbnails(video.id, shown.thumbnail_version),
            "channelTitle": shown.channel.title,
            "liveBroadcastContent": "none",
        }
    return {"kind": "youtube#searchResult", "etag": etag(parts), **parts}
