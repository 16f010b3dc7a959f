"""From what was asked or is meant to steps, from steps to their calls, and the parts that an update writes. Pure.

`videos.update` empties every writable field of a part that is not sent. So the parts that change are read, merged
and written whole, and the parts that do not change are not sent at all. Source: note on videos.update, discovery
document of youtube v3.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from shared import ids
from shared.errors import InvalidRequest
from shared.fields import Fields
from shared.publishing.requests import KINDS, Request, publish_at
from shared.quota.profile import Priority
from shared.quota.quotes import MOST_WORK_ITEMS

TRANSFER, PROCESSING, THUMBNAIL = "transfer", "processing", "thumbnail"
UPDATE, PLAYLIST, PLAYLIST_ITEM = "update", "playlist", "playlist_item"
PUBLICATION, DELETE = "publication", "delete"
CAPTION, CAPTION_DELETE = "caption", "caption_delete"

CALLS: Mapping[str, tuple[str, ...]] = {
    TRANSFER: ("youtube.videos.insert",),
    PROCESSING: ("youtube.videos.list",) * 3,  # a video is usually ready at the second or third look
    THUMBNAIL: ("youtube.thumbnails.set",),
    UPDATE: ("youtube.videos.list", "youtube.videos.update"),
    PLAYLIST: ("youtube.playlists.insert",),
    PLAYLIST_ITEM: ("youtube.playlistItems.insert",),
    PUBLICATION: ("youtube.videos.list",),
    DELETE: ("youtube.videos.list", "youtube.videos.delete"),
    CAPTION: ("youtube.captions.list", "youtube.captions.update"),  # to insert a new one costs less
    CAPTION_DELETE: ("youtube.captions.list", "youtube.captions.delete"),
}
"""What a step calls when nothing goes wrong."""

STEPS: Mapping[str, tuple[str, ...]] = {
    "upload": (TRANSFER, PROCESSING),
    **{kind: (kind,) for kind in KINDS if kind not in {"upload", "release"}},
}
"""The steps of each kind of operation; those of a release depend on its parts."""
MOST_INTENTS = 50


def priority(*, critical: bool) -> Priority:
    """Of every call of an operation, and so of every quote for one.

    Somebody waits for it, so it goes on when reads are put off. But it leaves other users their shares, unless the
    profile gives a method more.
    """
    return Priority.CRITICAL if critical else Priority.PROMPT


def kind(step: str) -> str:
    """What a step does, without the number that tells several of a kind apart."""
    return step.partition(" ")[0]


def feature(step: str) -> str:
    """The feature that a channel must have been connected with for a step."""
    return "captions" if kind(step) in {CAPTION, CAPTION_DELETE} else "publish"


def number(step: str) -> int:
    """Which of its kind a step is, from 0."""
    return int(step.partition(" ")[2] or 1) - 1


def steps(request: Request) -> tuple[str, ...]:
    """What is done, in order. What only follows YouTube's own work comes last: nothing else has to wait for it."""
    work = request.work
    follows = [PUBLICATION] if publish_at(request.kind, work) else []
    if request.kind != "release":
        return (*STEPS[request.kind], *follows)
    found = [TRANSFER, *(name for name in (THUMBNAIL, PLAYLIST) if name in work)]
    found += [f"{PLAYLIST_ITEM} {n}" if n > 1 else PLAYLIST_ITEM for n in range(1, len(work["into"]) + 1)]
    return (*found, PROCESSING, *follows)


def needs(step: str, work: Mapping[str, Any]) -> frozenset[str]:
    """The steps without which this one cannot be done."""
    if step in {TRANSFER, UPDATE}:
        return frozenset()
    into_new = kind(step) == PLAYLIST_ITEM and not work["into"][number(step)]
    others = {PLAYLIST} if into_new else {PROCESSING} if step == PUBLICATION else set()
    return frozenset({TRANSFER, UPDATE} | others)


@dataclass(frozen=True, kw_only=True)
class Intent:
    """What an app means to do, before there are files and titles: `times` equal operations for one channel.

    do, critical: in the words of a submission.
    """

    channel_id: str
    do: tuple[str, ...]
    times: int = 1
    critical: bool = False

    @property
    def steps(self) -> tuple[str, ...]:
        return tuple(step for word in self.do for step in STEPS[word])


def intents(raw: object) -> tuple[Intent, ...]:
    """The plan in a JSON body. Raises InvalidRequest naming the field that is wrong."""
    top = Fields(raw, "action", "work")
    items = top.items("work")
    if not 1 <= len(items) <= MOST_INTENTS:
        raise top.wrong("work", f"must have 1 to {MOST_INTENTS} items")
    found = tuple(_intent(item, f"work.{number}.") for number, item in enumerate(items))
    if sum(intent.times for intent in found) > MOST_WORK_ITEMS:
        raise top.wrong("work", f"must come to at most {MOST_WORK_ITEMS} operations")
    return found


def _intent(item: object, path: str) -> Intent:
    fields = Fields(item, "channel_id", "do", "times", "critical", path=path)
    words = fields.items("do")
    if not words or any(not isinstance(word, str) or word not in STEPS for word in words):
        raise fields.wrong("do", f"must list some of {', '.join(STEPS)}")
    if len(set(words)) < len(words):
        raise fields.wrong("do", "must list each thing once")
    return Intent(
        channel_id=fields.id("channel_id", ids.CHANNEL),
        do=tuple(words),
        times=fields.whole("times", most=MOST_WORK_ITEMS) if fields.has("times") else 1,
        critical=fields.flag("critical", default=False),
    )


def calls(planned: tuple[str, ...]) -> Mapping[str, int]:
    """How often each method is called by steps that go well."""
    return Counter(method for step in planned for method in CALLS[kind(step)])


WRITABLE: Mapping[str, tuple[str, ...]] = {
    "snippet": ("title", "description", "tags", "categoryId", "defaultLanguage", "defaultAudioLanguage"),
    "status": (
        *("privacyStatus", "publishAt", "license", "embeddable", "publicStatsViewable"),
        *("selfDeclaredMadeForKids", "containsSyntheticMedia"),
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
                words = f"update.publish_at goes only with a private video, and this one is {privacy}."
                raise InvalidRequest(words, reason="invalidPublishAt", field="update.publish_at")
            whole.pop("publishAt", None)  # the schedule that it had ends with being private
        if whole != kept:
            written[part] = whole
    return written
