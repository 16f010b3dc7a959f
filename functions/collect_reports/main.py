"""Scheduler and Cloud Tasks: plans the collection of bulk reports, or collects a shelf of channels.

Body {"channels": [...]} collects those; {"everything": true} plans all connected channels; {} plans the overdue.
"""

from __future__ import annotations

import functions_framework
from flask import Request

from shared import entry
from shared.collection import run
from shared.errors import InvalidRequest


@functions_framework.http
@entry.answers_json
def collect_reports(request: Request) -> dict[str, int]:
    """Answers how many channels, and what was queued or listed."""
    body = entry.json_body(request)
    channel_ids = body.get("channels")
    if channel_ids is None:
        return run.plan_reports(everything=bool(body.get("everything")))
    if not isinstance(channel_ids, list) or not all(isinstance(item, str) and item for item in channel_ids):
        raise InvalidRequest("channels must be a list of channel ids.", field="channels")
    return run.collect_reports(channel_ids)
