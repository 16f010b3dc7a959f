"""Scheduler and Cloud Tasks: push subscriptions are asked for, and renewed at half of their lease."""

from __future__ import annotations

import functions_framework
from flask import Request

from shared import entry
from shared.errors import InvalidRequest, Unavailable
from shared.monitoring.log import log
from shared.push import push


@functions_framework.http
@entry.answers_json
def renew_subscriptions(request: Request) -> dict[str, int]:
    """Body {"channel": id} subscribes one channel; {} renews whatever is due."""
    channel_id = entry.json_body(request).get("channel")
    if channel_id is not None and not (isinstance(channel_id, str) and channel_id):
        raise InvalidRequest("channel must be a channel id.", field="channel")
    if channel_id is not None:
        push().subscribe(channel_id)
        return {"asked": 1, "postponed": 0}
    due, postponed = push().due(), 0
    for each in due:
        try:
            push().subscribe(each)
        except Unavailable as error:
            # The hub has outages of days; the running lease and the next hour's run carry on.
            log("WARNING", "a subscription was not renewed", channel=each, reason=error.reason)
            postponed += 1
    return {"asked": len(due) - postponed, "postponed": postponed}
