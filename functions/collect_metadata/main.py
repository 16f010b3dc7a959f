"""Scheduler and Cloud Tasks: channels and videos are read by night, and what YouTube has no more is forgotten.

Body {} plans a run; {"channels": [...]} reads those, as the tasks that are planned do, which say besides of which
run, and how many units are left.
"""

from __future__ import annotations

from typing import Any

import functions_framework
from flask import Request

from shared import entry
from shared.collection.planner import METADATA, asked_for
from shared.fields import Fields
from shared.wiring.collection import metadata


@functions_framework.http
@entry.answers_json
def collect_metadata(request: Request) -> dict[str, Any]:
    """Answers how many channels, and what was queued or read; while the first import lasts, when it ends."""
    body = entry.json_body(request)
    if "channels" in body:
        turn = asked_for(body, METADATA)
        return metadata().collect(turn)
    Fields(body)
    return metadata().plan()
