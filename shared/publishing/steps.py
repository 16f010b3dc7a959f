"""What each step does, and the steps that change one video: its thumbnail, its description, its end.

Each can be run again after any death: setting, updating and deleting are the same done twice, and what is made is
looked for first.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from shared.errors import InvalidRequest
from shared.publishing import media, plan
from shared.publishing.attempt import Attempt, Done
from shared.publishing.captions import caption, caption_delete
from shared.publishing.effects import video_gone
from shared.publishing.following import processing, publication
from shared.publishing.merge import merged
from shared.publishing.playlists import playlist, playlist_item
from shared.publishing.sources import whole
from shared.publishing.transfer import transfer
from shared.publishing.video import known_video, listed, video_id
from shared.youtube import data


def thumbnail(attempt: Attempt) -> Done:
    """Set the video's picture, once it is certain that it is one."""
    work = attempt.work("thumbnail")
    source = attempt.source_of(work["source"], "thumbnail.source")
    described = source.describe()
    content_type = media.image_type(described.head)
    if content_type is None:
        raise InvalidRequest(
            "The thumbnail is neither JPEG nor PNG.", reason="invalidImage", field="thumbnail.source"
        )
    if described.size > media.IMAGE_MAX:
        raise InvalidRequest(
            f"The thumbnail has {described.size} bytes; YouTube takes {media.IMAGE_MAX}.",
            reason="invalidImage",
            field="thumbnail.source",
        )
    image, video = whole(source, described), known_video(attempt)
    data.thumbnails_set(attempt.sure(), video_id=video, image=image, content_type=content_type)
    return Done(message="The thumbnail is set.")


def update(attempt: Attempt) -> Done:
    """Write the parts that change, with everything else in them as it is."""
    attempt.check_schedule()
    changes = attempt.operation.work["parts"]
    video = video_id(attempt)
    parts = merged(listed(attempt, ",".join(sorted(changes))).resource, changes)
    if not parts:
        return Done({"video_id": video}, "The video is as wanted already.")
    data.videos_update(attempt.sure(attempt.check_schedule), video, parts)
    return Done({"video_id": video}, "The video is updated.")


def delete(attempt: Attempt) -> Done:
    """Delete the video for good, once it is certain that it is this channel's.

    Raises NotFound for one that is not there, as after an answer that was lost: YouTube denies a new one for a
    while, so it is looked for again before it counts as deleted.
    """
    operation = attempt.operation
    found = listed(attempt, "snippet")
    if found.channel_id != operation.channel_id:
        raise InvalidRequest(
            "The video belongs to another channel.", reason="otherChannel", field="delete.video_id"
        )
    data.videos_delete(attempt.sure(), found.id)
    video_gone(attempt.operations.client, operation, attempt.clock())
    return Done(message="The video is deleted.")


STEPS: Mapping[str, Callable[[Attempt], Done]] = {
    plan.TRANSFER: transfer,
    plan.PROCESSING: processing,
    plan.THUMBNAIL: thumbnail,
    plan.UPDATE: update,
    plan.DELETE: delete,
    plan.PLAYLIST: playlist,
    plan.PLAYLIST_ITEM: playlist_item,
    plan.CAPTION: caption,
    plan.CAPTION_DELETE: caption_delete,
    plan.PUBLICATION: publication,
}
