"""Scheduler and Cloud Tasks: plans the collection of bulk reports, or collects a batch of channels.

Body {"channels": [...]} collects those; {"everything": true} plans all connected channels; {} plans the overdue.
"""

from __future__ import annotations

import functions_framework
from flask import Request

from shared import entry, ids
from shared.fields import Fields
from shared.wiring.collection import collecting


@functions_framework.http
@entry.answers_json
def collect_reports(request: Request) -> dict[str, int]:
    """Answers how many channels, and what was queued or listed."""
    asked = Fields(entry.json_body(request), "channels", "everything")
    if asked.only() == "channels":
        channels = asked.ids("channels", ids.CHANNEL)
        return collecting().collect(channels)
    everything = asked.flag("everything", default=False)
    return collecting().plan(everything=everything)
