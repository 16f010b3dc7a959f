"""Cloud Tasks: one turn of one operation. Cloud Scheduler, with {"sweep": true}: what the dead left is settled."""

from __future__ import annotations

from typing import Any

import functions_framework
from flask import Request

from shared import entry
from shared.wiring import publishing


@functions_framework.http
@entry.answers_json
def run_operation(request: Request) -> dict[str, Any]:
    """Answers the operation's state afterwards; any error has the task delivered again."""
    body = entry.json_body(request)
    if body.get("sweep") is True:
        return publishing.sweep()
    retries = request.headers.get("X-CloudTasks-TaskRetryCount", "0")
    return publishing.run_turn(body, attempts_before=int(retries) if retries.isdecimal() else 0)
