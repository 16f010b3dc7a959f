"""Cloud Tasks: one turn of one operation. Cloud Scheduler, with {"sweep": true}: what the dead left is settled."""

from __future__ import annotations

from typing import Any

import functions_framework
from flask import Request

from shared import entry
from shared.publishing import desk


@functions_framework.http
@entry.answers_json
def run_operation(request: Request) -> dict[str, Any]:
    """Answers the operation's state afterwards; any error has the task delivered again."""
    body = entry.json_body(request)
    if body.get("sweep") is True:
        return desk.sweep()
    retries = request.headers.get("X-CloudTasks-TaskRetryCount", "0")
    return desk.run_turn(body, attempts_before=int(retries) if retries.isdecimal() else 0)
