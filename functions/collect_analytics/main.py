"""Scheduler and Cloud Tasks: plans which channels the Analytics API is asked about, or asks about a batch of them.

Body {} queues the channels that are due, hourly. {"channels": [...]} asks about those, as the tasks do that are
queued; "most" says how many queries about each.
"""

from __future__ import annotations

import functions_framework
from flask import Request

from shared import entry, ids
from shared.collection.analytics.collecting import QUERIES_MAX
from shared.fields import Fields
from shared.wiring.collection import collecting_analytics


@functions_framework.http
@entry.answers_json
def collect_analytics(request: Request) -> dict[str, int]:
    """Answers how many channels are due and were queued, or how many were asked about."""
    asked = Fields(entry.json_body(request), "channels", "most")
    if not asked.has("channels"):
        return collecting_analytics().plan()
    channel_ids = asked.ids("channels", ids.CHANNEL)
    most = asked.whole("most", most=QUERIES_MAX) if asked.has("most") else QUERIES_MAX
    return collecting_analytics().collect(channel_ids, most)
