"""Scheduler and Cloud Tasks: plans the collection of bulk reports, or collects a batch of channels.

Body {"everything": true} plans all connected channels; {} plans the overdue. {"channels": [...]} collects those,
as the tasks that are planned do, which say besides which report types, of which run, and which turn it is.
"""

from __future__ import annotations

import functions_framework
from flask import Request

from shared import entry
from shared.collection.turns import asked_for
from shared.fields import Fields
from shared.wiring.collection import collecting


@functions_framework.http
@entry.answers_json
def collect_reports(request: Request) -> dict[str, int]:
    """Answers how many channels, and what was queued or listed."""
    body = entry.json_body(request)
    if "channels" in body:
        turn = asked_for(body)
        return collecting().collect(turn)
    everything = Fields(body, "everything").flag("everything", default=False)
    return collecting().plan(everything=everything)
