"""Scheduler and Cloud Tasks: plans the collection of bulk reports, or collects a shelf of channels.

Body {"channels": [...]} collects those; {"everything": true} plans all connected channels; {} plans the overdue.
"""

from __future__ import annotations

import functions_framework
from flask import Request

from shared import entry
from shared.collection import bodies, run


@functions_framework.http
@entry.answers_json
def collect_reports(request: Request) -> dict[str, int]:
    """Answers how many channels, and what was queued or listed."""
    body = bodies.checked(entry.json_body(request), {"channels": bodies.channel_ids, "everything": bodies.switch})
    if "channels" in body:
        return run.collect_reports(body["channels"])
    return run.plan_reports(everything=body.get("everything", False))
