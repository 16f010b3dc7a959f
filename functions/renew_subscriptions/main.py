"""Scheduler and Cloud Tasks: push subscriptions are kept alive, and uploads polled where push is silent.

Body {"channel": id} subscribes one channel; {"channels": [...]} polls those that are silent; {} renews whatever is
due and queues the polls.
"""

from __future__ import annotations

import functions_framework
from flask import Request

from shared import entry
from shared.collection import bodies, listening


@functions_framework.http
@entry.answers_json
def renew_subscriptions(request: Request) -> dict[str, int]:
    """Answers how many subscriptions were asked for and postponed, or how many channels were polled."""
    body = bodies.checked(entry.json_body(request), {"channel": bodies.channel_id, "channels": bodies.channel_ids})
    if "channel" in body:
        return listening.subscribe(body["channel"])
    if "channels" in body:
        return listening.poll(body["channels"])
    return listening.keep_listening()
