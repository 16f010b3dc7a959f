"""`thumbnails.set`: a JPEG or PNG of at most 50 MB, by its first bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from infra.local.simulator.data import render
from infra.local.simulator.data.library import Library, Picture
from infra.local.simulator.data.videos import own_video
from infra.local.simulator.errors import GoogleError
from infra.local.simulator.paging import etag
from infra.local.simulator.uploads.sessions import Whole, receive

if TYPE_CHECKING:
    from infra.local.simulator.dispatch import Answer, Call
    from infra.local.simulator.state import Simulator

MAX_BYTES = 50 * 1024**2
_KINDS = {b"\xff\xd8\xff": "image/jpeg", b"\x89PNG\r\n\x1a\n": "image/png"}


def set_thumbnail(simulator: Simulator, call: Call) -> Answer:
    """Give a video of one's own another picture."""
    video = own_video(simulator, call, call.params["videoId"], "videoId")
    library = simulator.room(Library)

    def finish(whole: Whole) -> dict[str, Any]:
        picture = _picture(whole, before=library.pictures.get(video.id))
        library.pictures[video.id] = picture
        video.custom_thumbnail = True
        items = [render.thumbnails(video.id, picture.version)]
        return {"kind": "youtube#thumbnailSetResponse", "etag": etag(items), "items": items}

    answer: Answer = receive(simulator, call, channel_id=video.channel_id, title="", finish=finish)
    return answer


def _picture(whole: Whole, *, before: Picture | None) -> Picture:
    if whole.size == 0:
        raise GoogleError(
            400, "mediaBodyRequired", "The request does not include the image content.", domain="youtube.common"
        )
    if whole.size > MAX_BYTES:
        raise GoogleError(413, "uploadTooLarge", f"The image is larger than {MAX_BYTES} bytes.")
    kind = next((name for magic, name in _KINDS.items() if whole.head.startswith(magic)), None)
    if kind is None:
        raise GoogleError(
            400, "invalidImage", "The provided image content is invalid.", domain="youtube.thumbnail"
        )
    return Picture(whole.size, whole.sha256, kind, (before.version if before else 0) + 1)
