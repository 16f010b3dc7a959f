"""One attempt at one operation: what a step may use, and how it keeps its lease while it works."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from shared.clock import Clock
from shared.publishing.operation import Operation, Operations, Record
from shared.publishing.requests import check_schedule
from shared.publishing.sources import SourceOf
from shared.vault.vault import Vault
from shared.youtube import data
from shared.youtube.client import Caller
from shared.youtube.data import Video
from shared.youtube.faults import as_error, damaged

LAST_MOMENT = timedelta(minutes=1)  # clocks differ, and a call takes its time


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
    def path(self) -> str:
        """The record that sealed values are bound to."""
        return f"operations/{self.operation.id}"

    @property
    def video_id(self) -> str:
        """The video that the operation made, or was asked to change."""
        found = self.operation.video_id
        assert found is not None
        return found

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
    found = data.videos(attempt.caller, [attempt.video_id], parts=parts)
    if found.absent:
        raise as_error(damaged("videoNotFound", detail="absent from videos.list"), clock=attempt.clock)
    return found.videos[0]


def known_video(attempt: Attempt) -> str:
    """The id of the video to write to; one that this operation has just made is looked for first, for a unit."""
    if "video_id" in attempt.operation.results and not attempt.operation.results.get("seen_at"):
        listed(attempt, "status")
        attempt.save(results={**attempt.operation.results, "seen_at": attempt.clock()})
    return attempt.video_id
