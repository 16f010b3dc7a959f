"""Writes to YouTube that are not done: what waits, why and until when; what failed, and why."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from shared.console.words import called, standing
from shared.publishing.operation import Operation, State
from shared.publishing.plan import kind


def rows(operations: Iterable[Operation], titles: Mapping[str, str]) -> list[dict[str, Any]]:
    """Operations in their order. titles: channel id to title.

    why: in words. due_at: when it goes on by itself, None for failed ones. sent: how much of a file, or "".
    """
    return [
        {
            **{name: getattr(each, name) for name in ("id", "channel_id", "user_id", "reason", "due_at")},
            "kind": called("operations", each.kind),
            "title": _title(each),
            "channel": titles.get(each.channel_id, each.channel_id),
            "state": each.state.value,
            **standing("operation_states", each.state.value),
            "step": called("steps", kind(each.current)),
            "why": _why(each),
            "since": each.updated_at,
            "sent": _sent(each.upload),
            "video_id": each.results.get("video_id"),
        }
        for each in operations
    ]


def _title(operation: Operation) -> str:
    """What it is about: a title if it has one, else the video's id, else nothing."""
    work = operation.work.get("upload", operation.work)
    title = work.get("parts", {}).get("snippet", {}).get("title") or work.get("title") or work.get("video_id")
    return str(title or "")


def _why(operation: Operation) -> str:
    usual = {State.RUNNING: "It is being worked on.", State.QUEUED: "It begins as soon as its turn comes."}
    told = operation.reason or "No reason was recorded."
    return operation.message or usual.get(operation.state, told)


def _sent(upload: Mapping[str, Any]) -> str:
    """The part of a file that YouTube has acknowledged, while a file is being sent; else ""."""
    size, acknowledged = upload.get("size"), upload.get("acknowledged")
    return f"{acknowledged / size:.0%} sent" if size and acknowledged is not None else ""
