"""HTTP, private: the app's backend submits uploads, thumbnails, updates, playlists and releases, or a plan.

What may be asked: `shared.publishing.api`.
"""

from __future__ import annotations

from typing import Any

import functions_framework
from flask import Request

from shared import entry
from shared.errors import MethodUnknown
from shared.publishing import api
from shared.wiring import publishing


@functions_framework.http
@entry.answers_json
def publish(request: Request) -> dict[str, Any]:
    """Answers the operation, what it costs, when it runs, and why not now."""
    if request.method != "POST":
        raise MethodUnknown("POST")
    return api.handle(publishing.submissions(), entry.json_body(request))
