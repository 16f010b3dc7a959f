"""Builds what watches, and what checks that it does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any

from shared.clock import format_instant, system_clock
from shared.cloud import firestore, pubsub, queues
from shared.collection import call_log
from shared.publishing.tasks import CALLBACKS, send
from shared.settings import settings
from shared.watch import dead_letters, watching
from shared.watch.conditions import SILENT_AFTER
from shared.watch.watching import Watch
from shared.wiring import publishing, quota

QUEUE = "watch"


@cache
def watch() -> Watch:
    return Watch(
        client=firestore.client(),
        quota=quota.ledger(),
        clock=system_clock,
        publish=_tell,
        check_later=_check_later,
        take_calls=lambda: pubsub.to_ingest(call_log.KIND, {}),
        app=settings().app_url,
    )


def note_dead_letter(push: Mapping[str, Any]) -> str:
    """Note a message that was given up. Raises InvalidRequest."""
    return dead_letters.note(firestore.client(), push, system_clock())


def check(since: datetime) -> bool:
    """Whether the watch has run since; if not, an alarm."""
    return watching.check(firestore.client(), _tell, since=since, now=system_clock())


def post(text: str, event: str) -> None:
    """Post a text to the operators' chat, signed. Raises Unavailable, so that its task is delivered again."""
    secret = publishing.callback_secret()
    send(settings().alert_url, event, {"text": text}, secret=secret, now=system_clock())


def _tell(notices: Sequence[Mapping[str, Any]]) -> None:
    """Give notices to the topic each, and to the operators' chat as one text, whose task retries."""
    for each in notices:
        pubsub.to_operators(each)
    if settings().alert_url:
        text, event = watching.digest(notices)
        queues.enqueue(CALLBACKS, f"notice/{event}", "run_operation", {"notice": text, "event": event})


def _check_later(at: datetime) -> None:
    told = format_instant(at)
    queues.enqueue(QUEUE, f"watched {told}", "run_operation", {"watched": told}, when=at + SILENT_AFTER)
