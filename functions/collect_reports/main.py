"""Scheduler and Cloud Tasks: plans the collection of bulk reports, or collects a batch of channels.

Body {} plans the overdue, and once a day all connected channels, as {"everything": true} does at any time.
{"channels": [...]} collects those, as the tasks that are planned do, which say besides which report types,
of which run, and which turn it is. {"backfill": {"channel", "from", "to", "type"?}} loads a range of days again.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import functions_framework
from flask import Request

from shared import entry
from shared.clock import system_clock
from shared.collection import backfill
from shared.collection.planner import asked_for
from shared.fields import Fields
from shared.wiring.collection import collecting


@functions_framework.http
@entry.answers_json
def collect_reports(request: Request) -> Mapping[str, Any]:
    """Answers how many channels or days, and what was queued, listed or dispatched."""
    body = entry.json_body(request)
    if "backfill" in body:
        return backfill.run(collecting(), backfill.asked_for(body, system_clock()))
    if "channels" in body:
        turn = asked_for(body)
        return collecting().collect(turn)
    everything = Fields(body, "everything").flag("everything", default=False)
    return collecting().plan(everything=True) if everything else collecting().run()
