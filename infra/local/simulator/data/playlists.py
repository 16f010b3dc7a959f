"""`playlists.insert` and `playlists.list`: the playlists that channels make."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from infra.local.simulator.caller import own_channel, reader
from infra.local.simulator.data import render, rules
from infra.local.simulator.data.library import Library
from infra.local.simulator.data.lists import SHARED, ids, listing, one_filter, paged
from infra.local.simulator.data.refusals import not_found, refuse, refuse_unknown
from infra.local.simulator.world import Channel

if TYPE_CHECKING:
    from infra.local.simulator.dispatch import Answer, Call
    from infra.local.simulator.state import Simulator


@dataclass(frozen=True)
class Item:
    """A video in a playlist."""

    id: str
    video_id: str
    added: datetime


@dataclass
class Playlist:
    """A playlist that a channel made."""

    id: str
    channel_id: str
    title: str
    description: str
    privacy: str
    published: datetime
    default_language: str | None = None
    items: list[Item] = field(default_factory=list)


class Playlists:
    """Every playlist made through the API. One a simulator: `simulator.room(Playlists)`.

    refuse_duplicates: a video that is in a playlist already is refused with 409 instead of added once more.
    """

    def __init__(self, simulator: Simulator) -> None:
        self._random = simulator.derived("playlists")
        self.all: dict[str, Playlist] = {}
        self.refuse_duplicates = False

    def new_id(self, prefix: str, length: int) -> str:
        """An id as YouTube's look."""
        letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
        return prefix + "".join(self._random.choices(letters, k=length))

    def readable(self, playlist_id: str, me: str | None) -> Playlist | None:
        """A playlist that a reader may see."""
        one = self.all.get(playlist_id)
        return one if one is not None and (one.privacy != "private" or one.channel_id == me) else None


def insert(simulator: Simulator, call: Call) -> Answer:
    """Make a playlist."""
    channel, body = own_channel(simulator, call), call.body or {}
    snippet = body.get("snippet") or {}
    if problem := rules.playlist_problem(snippet):
        raise refuse(problem, "youtube.playlist")
    playlists = simulator.room(Playlists)
    one = Playlist(
        id=playlists.new_id("PL", 32),
        channel_id=channel.id,
        title=snippet["title"],
        description=snippet.get("description", ""),
        privacy=(body.get("status") or {}).get("privacyStatus", "public"),
        published=simulator.clock(),
        default_language=snippet.get("defaultLanguage"),
    )
    playlists.all[one.id] = one
    return _rendered(one, channel, frozenset(call.parts))


def list_playlists(simulator: Simulator, call: Call) -> Answer:
    """Playlists by id, by channel, or one's own."""
    refuse_unknown(call, SHARED | {"mine", "id", "channelId"})
    chosen, playlists, me = one_filter(call, "mine", "id", "channelId"), simulator.room(Playlists), reader(call)
    if chosen == "id":
        wanted = ids(call)
        found = [one for name in wanted if (one := playlists.readable(name, me)) is not None]
    else:
        owner = own_channel(simulator, call).id if chosen == "mine" else call.params["channelId"]
        if simulator.room(Library).channel(owner) is None:
            raise not_found("channel", "youtube.playlist", "channelId")
        found = [
            one
            for one in playlists.all.values()
            if one.channel_id == owner and (one.privacy == "public" or owner == me)
        ]
    shown = paged(call, found, of=f"playlists/{chosen}/{call.params.get(chosen)}")
    items = []
    for one in shown.items:
        channel = simulator.world.channel(one.channel_id)
        assert channel is not None
        items.append(_rendered(one, channel, frozenset(call.parts)))
    return listing(call, "youtube#playlistListResponse", items, shown)


def _rendered(one: Playlist, channel: Channel, parts: frozenset[str]) -> dict[str, Any]:
    words = {"title": one.title, "description": one.description}
    snippet = {
        "publishedAt": render.instant(one.published),
        "channelId": one.channel_id,
        **words,
        "thumbnails": render.thumbnails(one.items[0].video_id) if one.items else {},
        "channelTitle": channel.title,
        "localized": words,
    }
    if one.default_language:
        snippet["defaultLanguage"] = one.default_language
    rendered = {
        "snippet": snippet,
        "status": {"privacyStatus": one.privacy},
        "contentDetails": {"itemCount": len(one.items)},
        "player": {"embedHtml": f'<iframe src="//www.youtube.com/embed/videoseries?list={one.id}"></iframe>'},
    }
    chosen = {name: part for name, part in rendered.items() if name in parts}
    return render.tagged("youtube#playlist", one.id, chosen)
