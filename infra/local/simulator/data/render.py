"""Videos, channels and playlists as the Data API writes them: one function for each part of a resource.

Numbers of 64 bits are strings, durations ISO 8601, instants RFC 3339 with whole seconds. What only the owner may
see is marked in `OWNER_ONLY`; asking for it without being the owner is refused before anything is rendered.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from infra.local.simulator.paging import etag
from infra.local.simulator.uploads.processing import Stage, container
from infra.local.simulator.world.model import Channel, ChannelCounters, Counters, Video

OWNER_ONLY = frozenset({"fileDetails", "processingDetails", "suggestions"})
"""Parts of a video that only its owner may ask for."""

_SIZES = (
    ("default", "default", 120, 90),
    ("medium", "mqdefault", 320, 180),
    ("high", "hqdefault", 480, 360),
    ("standard", "sddefault", 640, 480),
    ("maxres", "maxresdefault", 1280, 720),
)


@dataclass(frozen=True)
class File:
    """What YouTube knows of an uploaded file."""

    size: int
    head: bytes
    name: str | None = None


@dataclass(frozen=True)
class Shown:
    """A video at an instant, for one reader: everything its parts are made of."""

    video: Video
    channel: Channel
    counters: Counters
    stage: Stage
    owner: bool
    now: datetime
    file: File | None = None
    thumbnail_version: int = 0
    paid_placement: bool = False
    hidden_counts: frozenset[str] = frozenset()


def instant(moment: datetime) -> str:
    """RFC 3339 in UTC with whole seconds."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def duration(total_seconds: int) -> str:
    """ISO 8601, as `contentDetails.duration` has it: PT1H2M3S, P1DT2H, and P0D for nothing."""
    days, rest = divmod(max(0, total_seconds), 86_400)
    hours, rest = divmod(rest, 3600)
    minutes, seconds = divmod(rest, 60)
    written = [f"{amount}{unit}" for amount, unit in ((hours, "H"), (minutes, "M"), (seconds, "S")) if amount]
    day = f"{days}D" if days or not written else ""
    return f"P{day}T{''.join(written)}" if written else f"P{day}"


def thumbnails(video_id: str, version: int = 0) -> dict[str, Any]:
    """The images of a video; a custom one changes their addresses."""
    mark = f"?v={version}" if version else ""
    return {
        name: {"url": f"https://i.ytimg.com/vi/{video_id}/{file}.jpg{mark}", "width": width, "height": height}
        for name, file, width, height in _SIZES
    }


def tagged(kind: str, resource_id: str, parts: Mapping[str, Any]) -> dict[str, Any]:
    """A resource with its kind, id and ETag."""
    return {"kind": kind, "etag": etag([resource_id, parts]), "id": resource_id, **parts}


def video(shown: Shown, parts: frozenset[str]) -> dict[str, Any]:
    """A `youtube#video` with the parts asked for, as far as it has them."""
    rendered = {name: PARTS[name](shown) for name in sorted(parts) if name in PARTS}
    # A video without topics or translations has no such part at all.
    return tagged(
        "youtube#video", shown.video.id, {name: part for name, part in rendered.items() if part is not None}
    )


def _snippet(shown: Shown) -> dict[str, Any]:
    one = shown.video
    words = {"title": one.title, "description": one.description}
    snippet: dict[str, Any] = {
        "publishedAt": instant(one.published_at),
        "channelId": one.channel_id,
        **words,
        "thumbnails": thumbnails(one.id, shown.thumbnail_version),
        "channelTitle": shown.channel.title,
        "categoryId": one.category_id,
        "liveBroadcastContent": "none",
        "localized": words,
    }
    if one.tags:
        snippet["tags"] = list(one.tags)
    if one.default_language:
        snippet["defaultLanguage"] = one.default_language
    if one.default_audio_language:
        snippet["defaultAudioLanguage"] = one.default_audio_language
    return snippet


def _status(shown: Shown) -> dict[str, Any]:
    one, stage = shown.video, shown.stage
    status: dict[str, Any] = {
        "uploadStatus": stage.upload_status,
        "privacyStatus": one.privacy,
        "license": one.license,
        "embeddable": one.embeddable,
        "publicStatsViewable": one.public_stats_viewable,
        "madeForKids": one.made_for_kids,
    }
    if stage.failure:
        status["failureReason"] = stage.failure
    if stage.rejection:
        status["rejectionReason"] = stage.rejection
    if not shown.owner:
        return status
    if one.publish_at is not None:
        status["publishAt"] = instant(one.publish_at)
    if one.self_declared_made_for_kids is not None:
        status["selfDeclaredMadeForKids"] = one.self_declared_made_for_kids
    if one.contains_synthetic_media is not None:
        status["containsSyntheticMedia"] = one.contains_synthetic_media
    return status


def _statistics(shown: Shown) -> dict[str, Any]:
    counters = shown.counters
    statistics = {
        "viewCount": str(counters.views),
        "likeCount": str(counters.likes),
        "favoriteCount": "0",
        "commentCount": str(counters.comments),
    }
    if shown.owner:
        statistics["dislikeCount"] = str(counters.dislikes)
    return _told(shown, statistics)


def _told(shown: Shown, counts: Mapping[str, str]) -> dict[str, str]:
    """The counts without those that are hidden, as of comments that are turned off."""
    return {name: count for name, count in counts.items() if name not in shown.hidden_counts}


def _content_details(shown: Shown) -> dict[str, Any]:
    processed = shown.stage.upload_status == "processed"
    details: dict[str, Any] = {
        "duration": duration(shown.video.duration_seconds if processed else 0),
        "dimension": "2d",
        "definition": "hd",
        "caption": "false",
        "licensedContent": shown.channel.monetised,
        "contentRating": {},
        "projection": "rectangular",
    }
    if shown.owner:
        details["hasCustomThumbnail"] = shown.video.custom_thumbnail
    return details


def _processing_details(shown: Shown) -> dict[str, Any]:
    stage = shown.stage
    done = stage.processing_status == "succeeded"
    details: dict[str, Any] = {
        "processingStatus": stage.processing_status,
        "fileDetailsAvailability": "available" if done else "inProgress",
        "processingIssuesAvailability": "available" if done else "inProgress",
        "tagSuggestionsAvailability": "available" if done else "inProgress",
        "editorSuggestionsAvailability": "available" if done else "inProgress",
        "thumbnailsAvailability": "available" if done else "inProgress",
    }
    if stage.processing_status == "processing":
        details["processingProgress"] = {
            "partsTotal": "1000",
            "partsProcessed": str(int(1000 * stage.share)),
            "timeLeftMs": str(int(stage.remaining.total_seconds() * 1000)),
        }
    if stage.processing_status == "failed":
        details["processingFailureReason"] = "transcodeFailed"
    return details


def _file_details(shown: Shown) -> dict[str, Any] | None:
    if shown.file is None:
        return None
    kind = container(shown.file.head)
    details = {
        "fileName": shown.file.name or "unknown",
        "fileSize": str(shown.file.size),
        "fileType": "video" if kind else "other",
    }
    if kind:
        details["container"] = kind
        details["durationMs"] = str(1000 * shown.video.duration_seconds)
    return details


def _suggestions(shown: Shown) -> dict[str, Any]:
    return {"processingErrors": ["notAVideoFile"]} if shown.stage.failure == "invalidFile" else {}


def _player(shown: Shown) -> dict[str, Any]:
    source = f"//www.youtube.com/embed/{shown.video.id}"
    return {"embedHtml": f'<iframe width="480" height="270" src="{source}" allowfullscreen></iframe>'}


def _recording_details(shown: Shown) -> dict[str, Any]:
    recorded = shown.video.recording_date
    return {} if recorded is None else {"recordingDate": instant(recorded)}


def _localizations(shown: Shown) -> dict[str, Any] | None:
    return {key: dict(words) for key, words in shown.video.localizations.items()} or None


PARTS: Mapping[str, Callable[[Shown], dict[str, Any] | None]] = {
    "snippet": _snippet,
    "status": _status,
    "statistics": _statistics,
    "contentDetails": _content_details,
    "processingDetails": _processing_details,
    "fileDetails": _file_details,
    "suggestions": _suggestions,
    "player": _player,
    "recordingDetails": _recording_details,
    "localizations": _localizations,
    "paidProductPlacementDetails": lambda shown: {"hasPaidProductPlacement": shown.paid_placement},
}


def stats(shown: Shown, parts: frozenset[str]) -> dict[str, Any]:
    """A `youtube#videoStats` of `videos.batchGetStats`: less than a video, and with names of its own."""
    counters = shown.counters
    rendered = {
        "snippet": {"publishTime": instant(shown.video.published_at)},
        "contentDetails": {"duration": f"{shown.video.duration_seconds}s"},
        "statistics": _told(
            shown,
            {
                "viewCount": str(counters.views),
                "likeCount": str(counters.likes),
                "commentCount": str(counters.comments),
            },
        ),
    }
    chosen = {name: part for name, part in rendered.items() if name in parts}
    return tagged("youtube#videoStats", shown.video.id, chosen)


def channel(one: Channel, counters: ChannelCounters, parts: frozenset[str], *, owner: bool) -> dict[str, Any]:
    """A `youtube#channel` with the parts asked for."""
    words = {"title": one.title, "description": one.description}
    image = f"https://yt3.ggpht.com/{one.id}"
    rendered: dict[str, dict[str, Any]] = {
        "snippet": {
            **words,
            "customUrl": one.handle,
            "publishedAt": instant(one.published_at),
            "thumbnails": {
                name: {"url": f"{image}=s{side}", "width": side, "height": side}
                for name, side in (("default", 88), ("medium", 240), ("high", 800))
            },
            "localized": words,
            "country": one.country,
        },
        "contentDetails": {"relatedPlaylists": {"likes": "", "uploads": one.uploads_playlist}},
        "statistics": {
            "viewCount": str(counters.views),
            "subscriberCount": str(counters.subscribers if owner else _rounded(counters.subscribers)),
            "hiddenSubscriberCount": False,
            "videoCount": str(counters.videos),
        },
        "status": {
            "privacyStatus": "public",
            "isLinked": True,
            "longUploadsStatus": "allowed" if owner else "longUploadsUnspecified",
            "madeForKids": False,
        },
        "brandingSettings": {"channel": {**words, "country": one.country}},
        "localizations": {},
        "topicDetails": {"topicIds": [], "topicCategories": []},
    }
    if owner:
        rendered["status"]["isChannelMonetizationEnabled"] = one.monetised
    chosen = {name: part for name, part in rendered.items() if name in parts and part}
    return tagged("youtube#channel", one.id, chosen)


def _rounded(subscribers: int) -> int:
    """Three significant digits, which is all that YouTube shows to the public."""
    step: int = 10 ** max(0, len(str(subscribers)) - 3)
    return subscribers // step * step
