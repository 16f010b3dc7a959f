"""HTTP, private: the app's backend hands in uploads, thumbnails, updates, playlists and releases.

POST a submission ("quote": true only prices it), {"action": "read" | "cancel" | "retry", "operation": id}, or
{"action": "plan", "work": [{"channel_id", "do", "times"}]}: what that would cost, what can run when, why not now.
"""

from __future__ import annotations

from typing import Any

import functions_framework
from flask import Request

from shared import entry
from shared.wiring import publishing


@functions_framework.http
@entry.answers_json
def publish(request: Request) -> dict[str, Any]:
    """Answers the operation, what it costs, when it runs, and why not now."""
    return publishing.handle(entry.json_body(request))
