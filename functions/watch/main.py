"""Scheduler, every 5 minutes: what has been wrong for too long becomes an alarm, and operators are told, once.

A message that was given up arrives as a Pub/Sub push from its dead-letter topic, and is written down.
"""

from __future__ import annotations

from typing import Any

import functions_framework
from flask import Request

from shared import entry
from shared.fields import Fields
from shared.wiring import watch as wiring


@functions_framework.http
@entry.answers_json
def watch(request: Request) -> dict[str, Any]:
    """Answers how many alarms are open and how many notices were sent, or the message that was noted."""
    body = entry.json_body(request)
    if "message" in body:
        return {"noted": wiring.note_dead_letter(body)}
    Fields(body)  # there is nothing to ask for
    return wiring.watch().run()
