"""`playlistItems`: what is in a playlist, the uploads of a channel among them.

Every channel has a playlist of its uploads, whose id follows from the channel's; nobody writes it. Other playlists
hold what was added, twice if it was added twice.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from infra.local.simulator.caller import own_channel, reader
from infra.local.simulator.data import render, rules
from infra.local.simulator.data.library import Library
from infra.local.simulator.data.lists import SHARED, ids, listing, one_filter, paged
from infra.local.simulator.data.playlists import Item, Playlists
from infra.local.simulator.data.refusals import not_found, refuse, refuse_unknown
from infra.local.simulator.errors import GoogleError, forbidden
from infra.local.simulator.world import Channel

if TYPE_CHECKING:
    from infra.local.simulator.dispatch import Answer, Call
    from infra.local.simulator.state import Simulator


def add(simulator: Simulator, call: Call) -> Answer:
    """Put a video into a playlist of one's own."""
    channel, playlists, library = own_channel(simulator, call), simulator.room(Playlists), simulator.room(Library)
    snippet = (call.body or {}).get("snippet") or {}
    video_id, domain = (snippet.get("resourceId") or {}).get("videoId"), "youtube.playlistItem"
    for name, value in (("playlistId", snippet.get("playlistId")), ("resourceId", video_id)):
        if not value:
            raise refuse(_problem(f"{name}Required", f"The item does not say its {name}.", name), domain)
    if snippet["resourceId"].get("kind") not in (None, "youtube#video"):
        raise refuse(
            _problem("invalidResourceType", "Only a video can be put into a playlist.", "resourceId"), domain
        )
    if snippet["playlistId"].startswith("UU"):
        raise refuse(
            _problem("playlistOperationUnsupported", "Nobody adds to a channel's uploads.", "playlistId"), domain
        )
    one = playlists.readable(snippet["playlistId"], channel.id)
    if one is None:
        raise not_found("playlist", domain, "body.snippet.playlistId")
    if one.channel_id != channel.id:
        raise forbidden(domain)
    video = library.find(str(video_id))
    if video is None or not library.readable(video, channel.id):
        raise not_found("video", domain, "body.snippet.resourceId.videoId")
    if playlists.refuse_duplicates and any(item.video_id == video.id for item in one.items):
        raise _already_there()
    item = Item(playlists.new_id("UEx", 45), video.id, simulator.clock())
    one.items.insert(int(snippet.get("position", len(one.items))), item)
    return _rendered(library, Row(item, one.id, channel, one.items.index(item)), frozenset(call.parts))


def _problem(reason: str, message: str, name: str) -> rules.Problem:
    return rules.Problem(reason, message, f"body.snippet.{name}")


def remove(simulator: Simulator, call: Call) -> Answer:
    """Take an item out of a playlist of one's own."""
    channel = own_channel(simulator, call)
    for one in simulator.room(Playlists).all.values():
        for item in one.items:
            if item.id == call.params["id"]:
                if one.channel_id != channel.id:
                    raise forbidden("youtube.playlistItem")
                one.items.remove(item)
                return None
    raise not_found("playlistItem", "youtube.playlistItem", "id")


def list_items(simulator: Simulator, call: Call) -> Answer:
    """What is in a playlist, or single items; deleted and hidden videos drop out."""
    refuse_unknown(call, SHARED | {"playlistId", "id", "videoId"})
    chosen, me = one_filter(call, "playlistId", "id"), reader(call)
    if chosen == "id":
        rows = _by_id(simulator, set(ids(call)), me)
        shown = paged(call, rows, of="playlistItems/id")
    else:
        playlist_id = call.params["playlistId"]
        rows = _rows(simulator, playlist_id, me)
        if wanted := call.params.get("videoId"):
            rows = [row for row in rows if row.item.video_id == wanted]
        shown = paged(call, rows, of=f"playlistItems/{playlist_id}/{wanted}")
    library, parts = simulator.room(Library), frozenset(call.parts)
    items = [_rendered(library, row, parts) for row in shown.items]
    return listing(call, "youtube#playlistItemListResponse", items, shown)


class Row(NamedTuple):
    """An item where it stands."""

    item: Item
    playlist_id: str
    channel: Channel
    position: int


def _rows(simulator: Simulator, playlist_id: str, me: str | None) -> list[Row]:
    library, missing = simulator.room(Library), not_found("playlist", "youtube.playlistItem", "playlistId")
    if playlist_id.startswith("UU"):
        channel = library.channel("UC" + playlist_id[2:])
        if channel is None:
            raise missing
        listed = [_upload(video.id, video.published_at) for video in library.uploads(channel.id, me)]
        if not listed:
            raise missing  # the playlist begins to exist with the first video
    else:
        one = simulator.room(Playlists).readable(playlist_id, me)
        channel = library.channel(one.channel_id) if one else None
        if one is None or channel is None:
            raise missing
        seen = {video.id for video in library.readable_of((item.video_id for item in one.items), me)}
        listed = [item for item in one.items if item.video_id in seen]
    return [Row(item, playlist_id, channel, position) for position, item in enumerate(listed)]


def _by_id(simulator: Simulator, wanted: set[str], me: str | None) -> list[Row]:
    playlists = simulator.room(Playlists)
    return [
        row
        for playlist_id, one in playlists.all.items()
        if playlists.readable(playlist_id, me) and any(item.id in wanted for item in one.items)
        for row in _rows(simulator, playlist_id, me)
        if row.item.id in wanted
    ]


def _upload(video_id: str, added: datetime) -> Item:
    """A video as an item of its channel's uploads; its id follows from the video's."""
    return Item("VVV" + "".join(format(ord(letter), "02x") for letter in video_id), video_id, added)


def _already_there() -> GoogleError:
    """The 409 for a video that a playlist holds."""
    return GoogleError(
        409, "videoAlreadyInPlaylist", "The video is already in the playlist.", domain="youtube.playlistItem"
    )


def _rendered(library: Library, row: Row, parts: frozenset[str]) -> dict[str, Any]:
    """A `youtube#playlistItem` with the parts asked for."""
    video = library.find(row.item.video_id)
    assert video is not None, "rows hold only videos that exist"
    owner = library.world.channel(video.channel_id)
    assert owner is not None
    details = {"videoId": video.id}
    if video.privacy != "private":
        details["videoPublishedAt"] = render.instant(video.published_at)
    rendered = {
        "snippet": {
            "publishedAt": render.instant(row.item.added),
            "channelId": row.channel.id,
            "title": video.title,
            "description": video.description,
            "thumbnails": render.thumbnails(video.id),
            "channelTitle": row.channel.title,
            "playlistId": row.playlist_id,
            "position": row.position,
            "resourceId": {"kind": "youtube#video", "videoId": video.id},
            "videoOwnerChannelTitle": owner.title,
            "videoOwnerChannelId": owner.id,
        },
        "contentDetails": details,
        "status": {"privacyStatus": video.privacy},
    }
    chosen = {name: part for name, part in rendered.items() if name in parts}
    return render.tagged("youtube#playlistItem", row.item.id, chosen)
