"""The Data API's caption tracks, typed. Only a grant with the scope youtube.force-ssl reaches them."""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO
from typing import Any

from shared.youtube.client import Caller
from shared.youtube.items import items_of, needed, said


@dataclass(frozen=True, kw_only=True)
class Track:
    """A video's captions in one language. kind: standard, ASR (made by YouTube itself) or forced."""

    id: str = needed("id")
    language: str = said("snippet.language", default="")
    name: str = said("snippet.name", default="")
    kind: str = said("snippet.trackKind", default="")


def tracks(caller: Caller, video_id: str) -> tuple[Track, ...]:
    """Every caption track of a video. 50 units. Raises NotFound for a video that YouTube does not find."""
    return items_of(Track, caller.call("youtube.captions.list", part="id,snippet", videoId=video_id))


def insert(caller: Caller, *, video_id: str, language: str, name: str, draft: bool, content: bytes) -> str:
    """Add a track; its id. 400 units. Raises Conflict, reason captionExists, for the second of one name."""
    snippet = {"videoId": video_id, "language": language, "name": name, "isDraft": draft}
    asked = {"part": "snippet", "body": {"snippet": snippet}, "media_body": _media(content)}
    return str(caller.call("youtube.captions.insert", **asked)["id"])


def update(caller: Caller, track_id: str, *, draft: bool, content: bytes) -> None:
    """Replace a track's file. 450 units. Raises NotFound."""
    body = {"id": track_id, "snippet": {"isDraft": draft}}
    caller.call("youtube.captions.update", part="snippet", body=body, media_body=_media(content))


def delete(caller: Caller, track_id: str) -> None:
    """Delete a track. 50 units. Raises NotFound."""
    caller.call("youtube.captions.delete", id=track_id)


def _media(content: bytes) -> Any:
    from googleapiclient.http import MediaIoBaseUpload

    return MediaIoBaseUpload(BytesIO(content), mimetype="application/octet-stream", resumable=False)
