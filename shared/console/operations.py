"""Writes to YouTube that are not done: what waits, why and until when; what failed, and why."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from shared.console.words import called
from shared.publishing.operation import Operation, State
from shared.publishing.plan import kind
from shared.publishing.records import Operations as Stored

SHOWN = 200
"""Of each list; more than this is said, not listed."""


@dataclass(frozen=True, kw_only=True)
class OperationRow:
    """One operation. why: in words; due_at: when it goes on by itself, None for failed ones; sent: 0 to 1."""

    id: str
    kind: str
    title: str
    channel_id: str
    channel: str
    user_id: str
    state: str
    standing: str
    step: str
    why: str
    reason: str
    since: datetime
    due_at: datetime | None
    sent: float | None
    video_id: str | None


@dataclass(frozen=True, kw_only=True)
class OpenWork:
    """Operations that have not succeeded. cut: whether there are more than are listed."""

    waiting: tuple[OperationRow, ...]
    failed: tuple[OperationRow, ...]
    cut: bool


def stored(operations: Stored) -> list[Operation]:
    """The operations to show, up to SHOWN of each list."""
    waiting = operations.in_state(State.QUEUED, State.RUNNING, State.WAITING, limit=SHOWN)
    return waiting + operations.in_state(State.FAILED, limit=SHOWN)


def open_work(operations: Iterable[Operation], titles: Mapping[str, str]) -> OpenWork:
    """What waits, the next first, and what failed, the newest first. titles: channel id to title."""
    found = [(operation, _row(operation, titles)) for operation in operations]
    failed = [row for operation, row in found if operation.state is State.FAILED]
    waiting = [row for operation, row in found if not operation.ended]
    return OpenWork(
        waiting=tuple(sorted(waiting, key=lambda row: (row.due_at or row.since, row.id))),
        failed=tuple(sorted(failed, key=lambda row: row.since, reverse=True)),
        cut=max(len(failed), len(waiting)) >= SHOWN,
    )


def _row(operation: Operation, titles: Mapping[str, str]) -> OperationRow:
    return OperationRow(
        id=operation.id,
        kind=called("operations", operation.kind),
        title=_title(operation),
        channel_id=operation.channel_id,
        channel=titles.get(operation.channel_id, operation.channel_id),
        user_id=operation.user_id,
        state=operation.state.value,
        standing=called("operation_states", operation.state.value),
        step=called("steps", kind(operation.current)),
        why=_why(operation),
        reason=operation.reason,
        since=operation.updated_at,
        due_at=operation.due_at,
        sent=_sent(operation.upload),
        video_id=operation.results.get("video_id"),
    )


def _title(operation: Operation) -> str:
    """What it is about: a title if it has one, else the video's id, else nothing."""
    work = operation.work.get("upload", operation.work)
    title = work.get("parts", {}).get("snippet", {}).get("title") or work.get("title") or work.get("video_id")
    return str(title or "")


def _why(operation: Operation) -> str:
    if operation.message:
        return operation.message
    if operation.state is State.RUNNING:
        return "It is being worked on."
    if operation.state is State.QUEUED:
        return "It begins as soon as its turn comes."
    return operation.reason or "No reason was recorded."


def _sent(upload: Mapping[str, Any]) -> float | None:
    """The part of a file that YouTube has acknowledged, while a file is being sent."""
    size, acknowledged = upload.get("size"), upload.get("acknowledged")
    return acknowledged / size if size and acknowledged is not None else None
