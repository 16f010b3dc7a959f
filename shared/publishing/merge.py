"""An update that loses nothing: what YouTube has now, with the wanted changes, as whole parts.

`videos.update` empties every writable field of a part that is not sent. So the parts that change are read, merged
and written whole, and the parts that do not change are not sent at all. Source: note on videos.update, discovery
document of youtube v3.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from shared.errors import InvalidRequest

WRITABLE: Mapping[str, tuple[str, ...]] = {
    "snippet": ("title", "description", "tags", "categoryId", "defaultLanguage", "defaultAudioLanguage"),
    "status": (
        "privacyStatus",
        "publishAt",
        "license",
        "embeddable",
        "publicStatsViewable",
        "selfDeclaredMadeForKids",
        "containsSyntheticMedia",
    ),
}
"""What an update may write of each part; all else in a part is YouTube's own and is not sent back."""


def merged(current: Mapping[str, Any], changes: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """The parts to write: each part of `changes`, whole; None removes. {} when the video is as wanted already.

    Raises InvalidRequest for a time of publication on a video that is not private: YouTube would ignore it.
    """
    written: dict[str, dict[str, Any]] = {}
    for part, wanted in changes.items():
        here = current.get(part, {})
        kept = {name: here[name] for name in WRITABLE[part] if here.get(name) is not None}
        whole = {name: value for name, value in {**kept, **wanted}.items() if value is not None}
        if part == "status" and (privacy := whole.get("privacyStatus")) != "private":
            if wanted.get("publishAt"):
                raise InvalidRequest(
                    f"update.publish_at goes only with a private video, and this one is {privacy}.",
                    reason="invalidPublishAt",
                    field="update.publish_at",
                )
            whole.pop("publishAt", None)  # the schedule that it had ends with being private
        if whole != kept:
            written[part] = whole
    return written
