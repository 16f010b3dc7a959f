"""Builds what watches, and what checks that it does."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import cache
from typing import Any

from shared.clock import format_instant, system_clock
from shared.cloud import firestore, pubsub, queues
from shared.watch import dead_letters, watching
from shared.watch.conditions import SILENT_AFTER
from shared.watch.watching import Watch

QUEUE = "watch"


@cache
def watch() -> Watch:
    """What `watch` runs."""
    return Watch(
        client=firestore.client(), clock=system_clock, publish=pubsub.to_operators, check_later=_check_later
    )


def note_dead_letter(push: Mapping[str, Any]) -> str:
    """Note a message that was given up. Raises InvalidRequest."""
    return dead_letters.note(firestore.client(), push, system_clock())


def check(since: datetime) -> bool:
    """Whether the watch has run since; if not, an alarm."""
    return watching.check(firestore.client(), pubsub.to_operators, since=since, now=system_clock())


def _check_later(at: datetime) -> None:
    told = format_instant(at)
    queues.enqueue(QUEUE, f"watched {told}", "run_operation", {"watched": told}, when=at + SILENT_AFTER)
