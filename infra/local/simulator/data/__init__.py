"""The Data API v3: channels, videos, playlists, thumbnails, captions, search, and the public feed."""

from collections.abc import Mapping

from infra.local.simulator.data import (
    captions,
    channels,
    comments,
    insert,
    playlist_items,
    playlists,
    search,
    thumbnails,
    videos,
)
from infra.local.simulator.data.control import ROUTES
from infra.local.simulator.dispatch import Handler

HANDLERS: Mapping[str, Handler] = {
    "youtube.channels.list": channels.list_channels,
    "youtube.videos.list": videos.list_videos,
    "youtube.videos.batchGetStats": videos.batch_get_stats,
    "youtube.videos.insert": insert.insert,
    "youtube.videos.update": videos.update,
    "youtube.videos.delete": videos.delete,
    "youtube.commentThreads.list": comments.list_threads,
    "youtube.captions.list": captions.list_tracks,
    "youtube.captions.insert": captions.insert,
    "youtube.captions.update": captions.update,
    "youtube.captions.delete": captions.delete,
    "youtube.thumbnails.set": thumbnails.set_thumbnail,
    "youtube.playlists.insert": playlists.insert,
    "youtube.playlists.list": playlists.list_playlists,
    "youtube.playlistItems.insert": playlist_items.add,
    "youtube.playlistItems.delete": playlist_items.remove,
    "youtube.playlistItems.list": playlist_items.list_items,
    "youtube.search.list": search.search,
}

__all__ = ["HANDLERS", "ROUTES"]
