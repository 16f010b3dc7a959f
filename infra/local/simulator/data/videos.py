"""`videos.list`, `videos.batchGetStats`, `videos.update` and `videos.delete`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from infra.local.simulator.caller import own_channel, reader
from infra.local.simulator.data import render, rules
from infra.local.simulator.data.library import Library
from infra.local.simulator.data.lists import SHARED, ids, listing, one_filter, with_etag
from infra.local.simulator.data.refusals import not_found, refuse, refuse_unknown
from infra.local.simulator.data.studio import Studio
from infra.local.simulator.errors import GoogleError, forbidden, not_simulated
from infra.local.simulator.world import Video

if TYPE_CHECKING:
    from infra.local.simulator.dispatch import Answer, Call
    from infra.local.simulator.state import Simulator

UNREADABLE = forbidden("youtube.video", "The request cannot access these parts of a video of somebody else.")


def list_videos(simulator: Simulator, call: Call) -> Answer:
    """Videos by id. An id that is unknown, deleted or private to others is simply absent.

    So is, for a moment, one that was told to be left out (`simulator.room(Absences)`).
    """
    refuse_unknown(call, SHARED | {"id", "chart", "myRating"})
    chosen = one_filter(call, "id", "chart", "myRating")
    if chosen == "chart":
        raise not_simulated("charts")
    if chosen == "myRating":
        own_channel(simulator, call)
        return listing(call, "youtube#videoListResponse", [])
    library, me, parts = simulator.room(Library), reader(call), frozenset(call.parts)
    left_out = simulator.room(Absences)
    found = [video for video in library.readable_of(ids(call), me) if not left_out.take(video.id)]
    if parts & render.OWNER_ONLY and any(video.channel_id != me for video in found):
        raise UNREADABLE
    items = [render.video(library.shown(video, me), parts) for video in found]
    return listing(call, "youtube#videoListResponse", items)


def batch_get_stats(simulator: Simulator, call: Call) -> Answer:
    """Counters of up to 50 videos: less than `videos.list`, out of a bucket of its own, and not atomic.

    Not atomic: ids that were told to be left out (`simulator.room(Omissions)`) are missing as if unknown, and
    others are there twice if told to be (`simulator.room(Repetitions)`).
    """
    library, me, parts = simulator.room(Library), reader(call), frozenset(call.parts)
    left_out = simulator.room(Omissions)
    found = [video for video in library.readable_of(ids(call), me) if not left_out.take(video.id)]
    twice = [video for video in found if simulator.room(Repetitions).take(video.id)]
    items = [render.stats(library.shown(video, me), parts) for video in found + twice]
    return with_etag({"kind": "youtube#batchGetStatsResponse", "items": items})


class Omissions:
    """Ids that a listing will leave out, and how many times more; of `batchGetStats`."""

    def __init__(self, _simulator: Simulator) -> None:
        self.times: dict[str, int] = {}

    def take(self, video_id: str) -> bool:
        """Whether this time, too."""
        left = self.times.get(video_id, 0)
        if left:
            self.times[video_id] = left - 1
        return left > 0


class Absences(Omissions):
    """The same of `videos.list`."""


class Repetitions(Omissions):
    """Ids that `batchGetStats` will name twice."""


def update(simulator: Simulator, call: Call) -> Answer:
    """Replace every mutable property of each part sent, as YouTube does: what is not sent is lost."""
    body = call.body or {}
    video = own_video(simulator, call, body.get("id"), "body.id")
    parts, studio = frozenset(call.parts), simulator.room(Studio)
    refuse_surplus(body, parts)
    problem = rules.metadata_problem(
        body,
        parts,
        updating=True,
        was_public=studio.was_public(video),
        default_language=video.default_language,
    )
    if problem is not None:
        raise refuse(problem)
    studio.replace(video, written(body, parts, updating=True))
    library = simulator.room(Library)
    return render.video(library.shown(video, video.channel_id), parts)


def delete(simulator: Simulator, call: Call) -> Answer:
    """Delete a video of one's own."""
    simulator.room(Studio).delete(own_video(simulator, call, call.params["id"], "id"))
    return None


def own_video(simulator: Simulator, call: Call, video_id: str | None, location: str) -> Video:
    """A video that the token's channel may change. Raises 400 without an id, 404, 403."""
    channel = own_channel(simulator, call)
    if not video_id:
        raise GoogleError(
            400,
            "missingRequiredParameter",
            "The request does not say which video it is about.",
            domain="youtube.parameter",
            location=location,
            location_type="other",
        )
    video = simulator.room(Library).find(video_id)
    if video is None or not simulator.room(Library).readable(video, channel.id):
        raise not_found("video", "youtube.video", location)
    if video.channel_id != channel.id:
        raise forbidden("youtube.video")
    return video


def refuse_surplus(body: dict[str, Any], parts: frozenset[str]) -> None:
    """Raise for a part that is sent and not named in `part`: it would be lost without a word."""
    writable = {*rules.MUTABLE, "localizations"}
    for part in sorted(set(body) & writable - parts):
        raise GoogleError(
            400,
            "unexpectedPart",
            f"The part parameter does not name {part!r}, which the request carries.",
            domain="youtube.part",
            location="part",
            location_type="parameter",
        )


def written(body: dict[str, Any], parts: frozenset[str], *, updating: bool) -> dict[str, dict[str, Any]]:
    """The parts that a write leaves behind."""
    writable = {*rules.MUTABLE, "localizations"} & parts
    return {part: rules.written_part(body, part, updating=updating) for part in sorted(writable)}
