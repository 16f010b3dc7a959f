"""HTTP, the app's signed-in user: ends the connection of one channel and answers a receipt."""

from __future__ import annotations

from typing import Any

import functions_framework
from flask import Request

from shared import entry, ids
from shared.cloud.identity import user_of_header
from shared.errors import MethodUnknown
from shared.fields import Fields
from shared.settings import settings
from shared.wiring.access import disconnects


@functions_framework.http
@entry.answers_json
def oauth_disconnect(request: Request) -> dict[str, Any]:
    """POST {"channel_id"}; asked twice, the same receipt. {"receipt", "deleted": {step: count}, "google", ...}."""
    if request.method != "POST":
        raise MethodUnknown("POST")
    entry.require_origin(request, settings().app_url, named=False)
    user = user_of_header(request.headers.get("Authorization"))
    channel_id = Fields(entry.json_body(request), "channel_id").id("channel_id", ids.CHANNEL)
    return disconnects().disconnect(channel_id, user).as_json()
