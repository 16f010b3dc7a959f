"""Writes to YouTube that are not done: what waits, why and until when; what failed, and why."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from shared.console.words import called
from shared.publishing.operation import Operation, State
from shared.publishing.plan import kind


@dataclass(frozen=True, kw_only=True)
class OperationRow:
    """One operation. why: in words; due_at: when it goes on by itself, None for failed ones."""

    id: str
    kind: str
    title: str
    channel_id: str
    channel: str
    user_id: str
    state: str
    standing: str
    tone: str
    step: str
    why: str
    reason: str
    since: datetime
    due_at: datetime | None
    sent: str
    video_id: str | None


def rows(operations: Iterable[Operation], titles: Mapping[str, str]) -> list[OperationRow]:
    """Operations in their order. titles: channel id to title."""
    return [_row(operation, titles) for operation in operations]


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
        tone=called("tones", operation.state.value),
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


def _sent(upload: Mapping[str, Any]) -> str:
    """The part of a file that YouTube has acknowledged, while a file is being sent; else ""."""
    size, acknowledged = upload.get("size"), upload.get("acknowledged")
    return f"{acknowledged / size:.0%} sent" if size and acknowledged is not None else ""
