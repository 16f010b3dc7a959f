"""One attempt at one operation: what a step may use, how it keeps its lease, and what an earlier one has made.

What YouTube makes again whenever it is asked is made once: what a call made whose answer was lost is looked for.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from shared import ids
from shared.clock import Clock
from shared.errors import NotFound, YtempireError
from shared.paging import groups
from shared.publishing.operation import Operation, Operations, Record
from shared.publishing.plan import PLAYLIST, TRANSFER
from shared.publishing.requests import check_schedule
from shared.publishing.sources import SourceOf
from shared.vault.vault import Vault
from shared.youtube import data
from shared.youtube.client import Caller
from shared.youtube.data import PlaylistItem, Video
from shared.youtube.faults import as_error, damaged, may_be_done

LAST_MOMENT = timedelta(minutes=1)  # clocks differ, and a call takes its time
SKEW = timedelta(minutes=10)  # clocks differ, and YouTube dates by its own
LISTED_WITHIN = timedelta(minutes=2)  # YouTube lists what it has made within seconds, mostly
_PAGES = 4
_PARTS = "snippet,status,fileDetails"


@dataclass(frozen=True, kw_only=True)
class Limits:
    """How long an attempt works, and in what portions.

    seconds: after which no new portion begins. grace: further seconds after which one under way is broken off.
    portion: bytes a request, a multiple of 256 KiB.
    """

    seconds: float = 420
    grace: float = 60
    lease: timedelta = timedelta(seconds=60)
    heartbeat: timedelta = timedelta(seconds=15)
    portion: int = 32 * 1024 * 1024


@dataclass(frozen=True)
class Done:
    """The step is complete. upload: what is new in the upload's record."""

    results: Mapping[str, Any] = field(default_factory=dict)
    message: str = ""
    upload: Mapping[str, Any] = field(default_factory=dict)


@dataclass
class Postponed(Exception):
    """The step continues at a later time, without anything having failed. changes: of the operation, with that."""

    at: datetime
    reason: str
    message: str
    changes: Mapping[str, Any] = field(default_factory=dict)


class Requeue(Exception):
    """Another attempt continues the step."""


@dataclass
class Attempt:
    """A lease of one operation. Every save renews the lease; one that fails raises Superseded.

    found: what the last step found out, also when that could not be saved any more.
    """

    operations: Operations
    record: Record
    caller: Caller
    vault: Vault
    source_of: SourceOf
    clock: Clock
    limits: Limits
    started: float = field(default_factory=time.monotonic)
    saved: float = field(default_factory=time.monotonic)
    found: Mapping[str, Any] = field(default_factory=dict)

    @property
    def operation(self) -> Operation:
        return self.record.operation

    @property
    def out_of_time(self) -> bool:
        """Whether no new portion should begin."""
        return time.monotonic() - self.started > self.limits.seconds

    def work(self, kind: str) -> Mapping[str, Any]:
        """The fields of one kind of work, which may be the whole operation or a part of a release."""
        part: Mapping[str, Any] = self.operation.work.get(kind, self.operation.work)
        return part

    def save(self, operation: Operation | None = None, **changes: Any) -> None:
        """Write changes and renew the lease."""
        now = self.clock()
        values = {"lease_until": now + self.limits.lease, "updated_at": now, **changes}
        self.operations.save(self.record, replace(operation or self.operation, **values))
        self.saved = time.monotonic()

    def sure(self, check: Callable[[], None] | None = None, **changes: Any) -> Caller:
        """A caller for what cannot be undone: right before it is sent the lease is confirmed, and `check` holds.
        changes: of the operation, which are written by then.

        Its calls raise Superseded when somebody has cancelled or taken over meanwhile, and what `check` raises.
        """

        def confirm() -> None:
            self.save(**changes)
            if check is not None:
                check()

        return replace(self.caller, before_sending=confirm)

    def check_schedule(self) -> None:
        """Raises InvalidRequest when YouTube would publish at once, as the time of publication is here."""
        check_schedule(self.operation.kind, self.operation.work, self.clock() + LAST_MOMENT)

    def beat(self, **changes: Any) -> None:
        """Renew the lease when a heartbeat is due; otherwise do nothing, so that progress costs few writes.

        Raises Requeue when even a portion under way has to be broken off.
        """
        now = time.monotonic()
        if now - self.started > self.limits.seconds + self.limits.grace:
            raise Requeue
        if now - self.saved > self.limits.heartbeat.total_seconds():
            self.save(**changes)


def listed(attempt: Attempt, parts: str) -> Video:
    """The video, with some of its parts. Raises NotFound."""
    found = data.videos(attempt.caller, [attempt.operation.video_id], parts=parts)
    if found.absent:
        raise as_error(damaged("videoNotFound", detail="absent from videos.list"), clock=attempt.clock)
    return found.videos[0]


def known_video(attempt: Attempt) -> str:
    """The id of the video to write to; one that this operation has just made is looked for first, for a unit."""
    if "video_id" in attempt.operation.results and not attempt.operation.results.get("seen_at"):
        listed(attempt, "status")
        attempt.save(results={**attempt.operation.results, "seen_at": attempt.clock()})
    return attempt.operation.video_id


def existing_video(attempt: Attempt) -> str | None:
    """The id of the video that an upload of this operation has made, None when there is none.

    Looks through what the channel got since the upload began. Where YouTube shows the file's name, which is the
    id of the operation that sent it, that decides, whoever has changed the video since; otherwise title and size
    must agree, and no other operation may have made it.
    """
    begun: datetime | None = attempt.operation.upload.get("begun_at")
    playlist = data.my_channel(attempt.caller).uploads_playlist
    if begun is None or playlist is None:
        return None
    title = attempt.work("upload")["parts"]["snippet"]["title"]
    recent = (item.video_id for item in _since(attempt, playlist, begun - SKEW))
    for some in groups(recent, data.IDS_MAX):
        for video in data.videos(attempt.caller, some, parts=_PARTS).videos:
            if _is_ours(attempt, video, title):
                return video.id
    return None


def existing_playlist(attempt: Attempt, title: str, begun: datetime) -> str | None:
    """The id of a playlist of this title that appeared since `begun` and that no other operation has made."""
    alike = (each for each in data.my_playlists(attempt.caller) if each.title == title)
    fresh = (each.id for each in alike if each.created_at is not None and each.created_at >= begun - SKEW)
    return next((each for each in fresh if not _made_by_another(attempt, PLAYLIST, "playlist_id", each)), None)


def _since(attempt: Attempt, playlist: str, instant: datetime) -> Iterator[PlaylistItem]:
    page: str | None = None
    for _ in range(_PAGES):
        listed = data.uploads(attempt.caller, playlist, page=page)
        yield from (item for item in listed.items if item.added_at is None or item.added_at >= instant)
        if (page := listed.next_page) is None:
            return


def _is_ours(attempt: Attempt, video: Video, title: str) -> bool:
    file = video.resource.get("fileDetails", {})
    if ids.OPERATION.matches(name := file.get("fileName")):
        return name == attempt.operation.id  # another's file may have the same title and size
    alike = video.title == title and file.get("fileSize") in {None, str(attempt.operation.upload["size"])}
    return alike and not _made_by_another(attempt, TRANSFER, "video_id", video.id)


def _made_by_another(attempt: Attempt, step: str, name: str, found: str) -> bool:
    """Whether another operation's step made it. One that only changes it has it among its results too."""
    others = attempt.operations.with_result(name, found)
    return any(other.id != attempt.operation.id and step in other.steps for other in others)


def once(attempt: Attempt, name: str, look: Callable[[datetime], str | None], make: Callable[[], str]) -> str:
    """Make what YouTube would make twice if it were asked twice; its id.

    The record says that the call is made before it is sent. Where its answer is not known, what it may have made
    is looked for twice, some time apart, because YouTube may not list at once what it has just made.
    """
    begun_at, missing_since = f"{name}_begun_at", f"{name}_missing_since"

    def note(**marks: datetime | None) -> None:
        attempt.save(results={**attempt.operation.results, **marks})

    now, marks = attempt.clock(), attempt.operation.results
    begun: datetime | None = marks.get(begun_at)
    if begun is not None:
        if found := look(begun):
            return found
        since = marks.get(missing_since) or now
        if now < since + LISTED_WITHIN:
            message = "YouTube's answer was lost; what it may have made is looked for before it is asked again."
            noted = {"results": {**marks, missing_since: since}}
            raise Postponed(since + LISTED_WITHIN, "answerLost", message, noted)
    note(**{begun_at: begun or now, missing_since: None})
    try:
        return make()
    except YtempireError as error:
        # What is said to be missing may be found, and used, all the same: YouTube denies what is new.
        if begun is None and not may_be_done(error) and not isinstance(error, NotFound):
            note(**{begun_at: None})
        raise
