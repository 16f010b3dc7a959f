"""What a person does in Studio, and what tests set and ask about videos."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from infra.local.simulator.data import render, rules
from infra.local.simulator.data.insert import PlannedFate, UploadRules
from infra.local.simulator.data.library import Library
from infra.local.simulator.data.playlists import Playlists
from infra.local.simulator.data.studio import Studio
from infra.local.simulator.data.videos import Omissions
from infra.local.simulator.hub.feeds import TOPIC_PATHS, public_feed
from infra.local.simulator.uploads.processing import FAILURES, REJECTIONS, Fate
from infra.local.simulator.world import Video
from shared.clock import parse_instant

if TYPE_CHECKING:
    from infra.local.simulator.state import Simulator

FEED_LENGTH = 15


def _simulator(request: Request) -> Simulator:
    return request.app.state.simulator  # type: ignore[no-any-return]


async def list_videos(request: Request) -> JSONResponse:
    """`GET /control/videos?channel_id=`: every video that exists, newest first, with its truth."""
    simulator = _simulator(request)
    library, now = simulator.room(Library), simulator.clock()
    channel_id = request.query_params.get("channel_id", "")
    videos = simulator.world.videos_of(channel_id, now)
    return JSONResponse({"videos": [_described(library, simulator.world.settle(one, now)) for one in videos]})


async def change_videos(request: Request) -> JSONResponse:
    """`POST /control/videos`: what a person does in Studio.

    {"channel_id", "title"?, "description"?, "privacy"?, "publish_at"?} publishes a video. With "video_id" it
    changes that one; with "video_id" and "delete": true it deletes it.
    """
    simulator, body = _simulator(request), await request.json()
    studio, library = simulator.room(Studio), simulator.room(Library)
    if "video_id" not in body:
        if simulator.world.channel(body.get("channel_id", "")) is None:
            return _wrong("channel_id is no channel of this world")
        status = {**rules.DEFAULT_STATUS, "privacyStatus": body.get("privacy", "public")}
        if body.get("publish_at"):
            status["publishAt"] = body["publish_at"]
        snippet = {
            "title": body.get("title", "A new video"),
            "description": body.get("description", ""),
            "categoryId": rules.DEFAULT_CATEGORY,
        }
        video = studio.publish(body["channel_id"], {"snippet": snippet, "status": status})
        return JSONResponse(_described(library, video))
    found = library.find(body["video_id"])
    if found is None:
        return _wrong("video_id is no video that exists")
    if body.get("delete"):
        studio.delete(found)
        return JSONResponse({"deleted": found.id})
    _change(studio, found, body)
    return JSONResponse(_described(library, found))


def _change(studio: Studio, video: Video, body: Mapping[str, Any]) -> None:
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
        at = parse_instant(body["publish_at"]) if body.get("publish_at") else None
        studio.set_privacy(video, body["privacy"], at)


async def set_upload_rules(request: Request) -> JSONResponse:
    """`POST /control/upload-rules`: how uploads end from now on.

    {"channel_id", "limit"}: videos in 24 hours. {"reject_duplicates": bool}. {"failure" or "rejection",
    "channel_id"?, "title"?, "times"?}: the fate of the next uploads. {"playlist_duplicates": "refuse" or "allow"}.
    """
    simulator, body = _simulator(request), await request.json()
    upload_rules = simulator.room(UploadRules)
    if "limit" in body:
        upload_rules.limits[body["channel_id"]] = int(body["limit"])
    if "reject_duplicates" in body:
        upload_rules.reject_duplicates = bool(body["reject_duplicates"])
    if "playlist_duplicates" in body:
        simulator.room(Playlists).refuse_duplicates = body["playlist_duplicates"] == "refuse"
    failure, rejection = body.get("failure"), body.get("rejection")
    if (failure and failure not in FAILURES) or (rejection and rejection not in REJECTIONS):
        return _wrong(f"failure is one of {FAILURES}, rejection one of {REJECTIONS}")
    if failure or rejection:
        fate = Fate(failure=failure, rejection=rejection)
        upload_rules.fates.append(
            PlannedFate(fate, body.get("channel_id"), body.get("title"), int(body.get("times", 1)))
        )
    return JSONResponse({"limits": upload_rules.limits, "fates": len(upload_rules.fates)})


async def set_omissions(request: Request) -> JSONResponse:
    """`POST /control/batch-get-stats` {"omit": [ids], "times"?}: leave ids out of the next answers."""
    body = await request.json()
    omissions = _simulator(request).room(Omissions)
    omissions.times.update(dict.fromkeys(body["omit"], int(body.get("times", 1))))
    return JSONResponse({"omit": omissions.times})


async def feed(request: Request) -> Response:
    """The public feed of a channel: no token, no quota, the newest 15 public videos."""
    simulator = _simulator(request)
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
        "embeddable": video.embeddable,
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


def _wrong(message: str) -> JSONResponse:
    return JSONResponse({"error": message}, status_code=400)


ROUTES: Sequence[BaseRoute] = (
    Route("/control/videos", list_videos, methods=["GET"]),
    Route("/control/videos", change_videos, methods=["POST"]),
    Route("/control/upload-rules", set_upload_rules, methods=["POST"]),
    Route("/control/batch-get-stats", set_omissions, methods=["POST"]),
    *(Route(path, feed, methods=["GET"]) for path in TOPIC_PATHS),
)
