"""`captions.list`, `insert`, `update` and `delete`: a video's tracks, one of each language and name.

Files are remembered by size and hash only, and never read as captions. Source: the Data API's `captions` resource
and its error list.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from infra.local.simulator.data import render
from infra.local.simulator.data.lists import with_etag
from infra.local.simulator.data.refusals import not_found, refuse, refuse_unknown
from infra.local.simulator.data.rules import Problem
from infra.local.simulator.data.videos import own_video
from infra.local.simulator.errors import GoogleError
from infra.local.simulator.uploads.sessions import Whole, receive

if TYPE_CHECKING:
    from infra.local.simulator.dispatch import Answer, Call
    from infra.local.simulator.state import Simulator
    from infra.local.simulator.world import Video

NAME_CHARACTERS = 150
DOMAIN = "youtube.caption"
KNOWN = frozenset({"part", "videoId", "id"})


@dataclass
class Track:
    """One caption track. kind: standard, or ASR for one that YouTube has made."""

    id: str
    video_id: str
    language: str
    name: str
    draft: bool
    updated: datetime
    sha256: str = ""
    size: int = 0
    kind: str = "standard"


class Captions:
    """Every caption track. One a simulator: `simulator.room(Captions)`."""

    def __init__(self, simulator: Simulator) -> None:
        self._random = simulator.derived("captions")
        self.all: dict[str, Track] = {}

    def of(self, video_id: str) -> list[Track]:
        """A video's tracks, in the order in which they were added."""
        return [track for track in self.all.values() if track.video_id == video_id]

    def new_id(self) -> str:
        """An id as YouTube's look."""
        letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
        return "AUieDa" + "".join(self._random.choices(letters, k=34))


def list_tracks(simulator: Simulator, call: Call) -> Answer:
    """The tracks of a video of one's own."""
    refuse_unknown(call, KNOWN)
    video = own_video(simulator, call, call.params["videoId"], "videoId")
    tracks, wanted = simulator.room(Captions).of(video.id), set(call.params.get("id", []))
    if wanted - {track.id for track in tracks}:
        raise not_found("caption", DOMAIN, "id")
    items = [_rendered(track, call) for track in tracks if not wanted or track.id in wanted]
    return with_etag({"kind": "youtube#captionListResponse", "items": items})


def insert(simulator: Simulator, call: Call) -> Answer:
    """Add a track to a video of one's own."""
    refuse_unknown(call, KNOWN)
    snippet = (call.body or {}).get("snippet") or {}
    for name in ("videoId", "language", "name"):
        if name not in snippet:
            raise _invalid("invalidMetadata", f"The caption track lacks its {name}.", name)
    if len(snippet["name"]) > NAME_CHARACTERS:
        raise _invalid("nameTooLong", f"The name is longer than {NAME_CHARACTERS} characters.", "name")
    captions, video = (
        simulator.room(Captions),
        own_video(simulator, call, snippet["videoId"], "body.snippet.videoId"),
    )
    named = (snippet["language"], snippet["name"])
    if named in {(track.language, track.name) for track in captions.of(video.id)}:
        raise GoogleError(
            409, "captionExists", "The specified video already has such a caption track.", domain=DOMAIN
        )
    track = Track(captions.new_id(), video.id, *named, bool(snippet.get("isDraft")), simulator.clock())

    def added() -> None:
        captions.all[track.id] = track

    return _received(simulator, call, video, track, added)


def update(simulator: Simulator, call: Call) -> Answer:
    """Replace a track's file, or say whether it is a draft, or both."""
    refuse_unknown(call, KNOWN)
    body: Mapping[str, Any] = call.body or {}
    track, video = _own_track(simulator, call, body.get("id"), "body.id")

    def changed() -> None:
        track.draft = bool((body.get("snippet") or {}).get("isDraft", track.draft))
        track.updated = simulator.clock()

    if call.upload:
        return _received(simulator, call, video, track, changed)
    changed()
    return _rendered(track, call)


def delete(simulator: Simulator, call: Call) -> Answer:
    """Delete a track of a video of one's own."""
    track, _video = _own_track(simulator, call, call.params["id"], "id")
    del simulator.room(Captions).all[track.id]
    return None


def _received(simulator: Simulator, call: Call, video: Video, track: Track, then: Callable[[], None]) -> Answer:
    """Take the file in; the track stands with it."""

    def finish(whole: Whole) -> dict[str, Any]:
        if whole.size == 0:
            raise _invalid("contentRequired", "The request does not contain the caption track's contents.", "")
        track.size, track.sha256 = whole.size, whole.sha256
        then()
        return _rendered(track, call)

    answer: Answer = receive(simulator, call, channel_id=video.channel_id, title="", finish=finish)
    return answer


def _own_track(simulator: Simulator, call: Call, track_id: str | None, location: str) -> tuple[Track, Video]:
    track = simulator.room(Captions).all.get(track_id or "")
    if track is None:
        raise not_found("caption", DOMAIN, location)
    return track, own_video(simulator, call, track.video_id, location)


def _rendered(track: Track, call: Call) -> dict[str, Any]:
    snippet = {
        "videoId": track.video_id,
        "lastUpdated": render.instant(track.updated),
        "trackKind": track.kind,
        "language": track.language,
        "name": track.name,
        "audioTrackType": "unknown",
        "isCC": False,
        "isLarge": False,
        "isEasyReader": False,
        "isDraft": track.draft,
        "isAutoSynced": False,
        "status": "serving",
    }
    return render.tagged("youtube#caption", track.id, {"snippet": snippet} if "snippet" in call.parts else {})


def _invalid(reason: str, message: str, name: str) -> GoogleError:
    return refuse(Problem(reason, message, f"body.snippet.{name}".rstrip(".")), DOMAIN)
