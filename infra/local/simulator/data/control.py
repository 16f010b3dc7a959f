"""What a person does in Studio, and what tests set and ask about videos."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, get_args

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from infra.local.simulator.control import control_route
from infra.local.simulator.data import render, rules
from infra.local.simulator.data.insert import PlannedFate, UploadRules
from infra.local.simulator.data.library import Library
from infra.local.simulator.data.playlists import Playlists
from infra.local.simulator.data.studio import Studio
from infra.local.simulator.data.videos import Absences, Omissions
from infra.local.simulator.fields import Asked, flag, instant, one_of, text, texts, whole
from infra.local.simulator.hub.feeds import TOPIC_PATHS, public_feed
from infra.local.simulator.state import Simulator, simulator_of
from infra.local.simulator.uploads.processing import FAILURES, REJECTIONS, Fate
from infra.local.simulator.world import Privacy, Video
from shared.clock import format_instant

FEED_LENGTH = 15
MOST_TIMES = 1_000_000


def _list(simulator: Simulator, asked: Asked) -> dict[str, Any]:
    """Every video of `channel_id` that exists, newest first, with its truth."""
    _known_channel(simulator, asked["channel_id"])
    library, now = simulator.room(Library), simulator.clock()
    videos = simulator.world.videos_of(asked["channel_id"], now)
    return {"videos": [_described(library, simulator.world.settle(one, now)) for one in videos]}


def _studio(simulator: Simulator, asked: Asked) -> dict[str, Any]:
    """What a person does in Studio.

    {"channel_id", "title"?, "description"?, "privacy"?, "publish_at"?} publishes a video. With "video_id" it
    changes that one; with "video_id" and "delete": true it deletes it. "hidden_counts" are those of its statistics
    that nobody is told from now on.
    """
    studio, library = simulator.room(Studio), simulator.room(Library)
    if "video_id" not in asked:
        return _described(library, _publish(simulator, studio, asked))
    found = library.find(asked["video_id"])
    if found is None:
        raise ValueError("video_id is no video that exists")
    if asked.get("delete"):
        studio.delete(found)
        return {"deleted": found.id}
    _change(studio, found, asked)
    if "hidden_counts" in asked:
        library.hidden_counts[found.id] = frozenset(asked["hidden_counts"])
    return _described(library, found)


def _publish(simulator: Simulator, studio: Studio, asked: Asked) -> Video:
    _known_channel(simulator, asked["channel_id"])
    status = {**rules.DEFAULT_STATUS, "privacyStatus": asked.get("privacy", "public")}
    if asked.get("publish_at"):
        status["publishAt"] = format_instant(asked["publish_at"])
    snippet = {
        "title": asked.get("title", "A new video"),
        "description": asked.get("description", ""),
        "categoryId": rules.DEFAULT_CATEGORY,
    }
    return studio.publish(asked["channel_id"], {"snippet": snippet, "status": status})


def _change(studio: Studio, video: Video, body: Asked) -> None:
    if "title" in body or "description" in body:
        snippet = {
            "title": body.get("title", video.title),
            "description": body.get("description", video.description),
            "categoryId": video.category_id,
            "tags": video.tags,
            "defaultLanguage": video.default_language,
            "defaultAudioLanguage": video.default_audio_language,
        }
        studio.replace(video, {"snippet": snippet})
    if "privacy" in body:
        studio.set_privacy(video, body["privacy"], body.get("publish_at"))


def _set_rules(simulator: Simulator, asked: Asked) -> dict[str, Any]:
    """How uploads end from now on.

    {"channel_id", "limit"}: videos in 24 hours. {"lag": seconds until a new video is found}. {"reject_duplicates":
    bool}. {"failure" or "rejection",
    "channel_id"?, "title"?, "times"?}: the fate of the next uploads. {"playlist_duplicates": "refuse" or "allow"}.
    """
    upload_rules = simulator.room(UploadRules)
    failure, rejection = asked.get("failure"), asked.get("rejection")
    if "channel_id" in asked:
        _known_channel(simulator, asked["channel_id"])
    if "limit" in asked:
        upload_rules.limits[asked["channel_id"]] = asked["limit"]
    if "lag" in asked:
        simulator.room(Library).lag = timedelta(seconds=asked["lag"])
    if "reject_duplicates" in asked:
        upload_rules.reject_duplicates = asked["reject_duplicates"]
    if "playlist_duplicates" in asked:
        simulator.room(Playlists).refuse_duplicates = asked["playlist_duplicates"] == "refuse"
    if failure or rejection:
        fate = Fate(failure=failure, rejection=rejection)
        upload_rules.fates.append(
            PlannedFate(fate, asked.get("channel_id"), asked.get("title"), asked.get("times", 1))
        )
    return {"limits": upload_rules.limits, "fates": len(upload_rules.fates)}


def _known_channel(simulator: Simulator, channel_id: str) -> None:
    if simulator.world.channel(channel_id) is None:
        raise ValueError(f"channel_id: there is no channel {channel_id!r}")


def _set_omissions(simulator: Simulator, asked: Asked) -> dict[str, Any]:
    """{"omit": [ids], "times"?}: leave ids out of the next answers of `videos.batchGetStats`."""
    return _omit(simulator.room(Omissions), asked)


def _set_absences(simulator: Simulator, asked: Asked) -> dict[str, Any]:
    """The same of `videos.list`."""
    return _omit(simulator.room(Absences), asked)


def _omit(omissions: Omissions, asked: Asked) -> dict[str, Any]:
    omissions.times.update(dict.fromkeys(asked["omit"], asked.get("times", 1)))
    return {"omit": omissions.times}


async def feed(request: Request) -> Response:
    """The public feed of a channel: no token, no quota, the newest 15 public videos."""
    simulator = simulator_of(request)
    studio, library = simulator.room(Studio), simulator.room(Library)
    channel = library.channel(request.query_params.get("channel_id", ""))
    if channel is None:
        return Response("Error 404 (Not Found)", status_code=404, media_type="text/html")
    entries = [studio.entry(video) for video in library.uploads(channel.id, None)[:FEED_LENGTH]]
    body = public_feed(channel.id, channel.title, entries, simulator.clock())
    return Response(body, media_type="text/xml; charset=UTF-8")


def _described(library: Library, video: Video) -> dict[str, Any]:
    stage, arrival, picture = library.stage(video), library.arrivals.get(video.id), library.pictures.get(video.id)
    counters = library.world.counters(video, library.clock())
    return {
        "id": video.id,
        "channel_id": video.channel_id,
        "title": video.title,
        "description": video.description,
        "tags": video.tags,
        "privacy": video.privacy,
        "publish_at": render.instant(video.publish_at) if video.publish_at else None,
        "published_at": render.instant(video.published_at),
        "made_for_kids": video.made_for_kids,
        "self_declared_made_for_kids": video.self_declared_made_for_kids,
        "contains_synthetic_media": video.contains_synthetic_media,
        "embeddable": video.embeddable,
        "public_stats_viewable": video.public_stats_viewable,
        "license": video.license,
        "category_id": video.category_id,
        "default_language": video.default_language,
        "upload_status": stage.upload_status,
        "processing_status": stage.processing_status,
        "failure": stage.failure,
        "rejection": stage.rejection,
        "origin": video.origin,
        "bytes": arrival.file.size if arrival else None,
        "sha256": arrival.sha256 if arrival else None,
        "thumbnail_sha256": picture.sha256 if picture else None,
        "views": counters.views,
        "likes": counters.likes,
        "comments": counters.comments,
    }


ROUTES: Sequence[BaseRoute] = (
    control_route("GET", "/control/videos", _list, fields={"channel_id": text}),
    control_route(
        "POST",
        "/control/videos",
        _studio,
        fields={
            "channel_id": text,
            "video_id": text,
            "title": text,
            "description": text,
            "privacy": one_of(get_args(Privacy)),
            "publish_at": instant,
            "delete": flag,
            "hidden_counts": texts,
        },
    ),
    control_route(
        "POST",
        "/control/upload-rules",
        _set_rules,
        fields={
            "channel_id": text,
            "limit": whole(0, MOST_TIMES),
            "lag": whole(0, MOST_TIMES),
            "reject_duplicates": flag,
            "playlist_duplicates": one_of(("refuse", "allow")),
            "failure": one_of(FAILURES),
            "rejection": one_of(REJECTIONS),
            "title": text,
            "times": whole(1, MOST_TIMES),
        },
    ),
    control_route(
        "POST",
        "/control/batch-get-stats",
        _set_omissions,
        fields={"omit": texts, "times": whole(1, MOST_TIMES)},
    ),
    control_route(
        "POST",
        "/control/videos-list",
        _set_absences,
        fields={"omit": texts, "times": whole(1, MOST_TIMES)},
    ),
    *(Route(path, feed, methods=["GET"]) for path in TOPIC_PATHS),
)
