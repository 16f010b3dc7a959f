"""Scheduler and Cloud Tasks: push subscriptions are kept alive, and uploads polled where push is silent.

Body {"channel": id} subscribes one channel; {"channels": [...]} polls those that are silent; {} renews whatever is
due and queues the polls; {"everything": true} compares all subscriptions with all channels besides.
"""

from __future__ import annotations

import functions_framework
from flask import Request

from shared import entry, ids
from shared.fields import Fields
from shared.wiring.collection import listening


@functions_framework.http
@entry.answers_json
def renew_subscriptions(request: Request) -> dict[str, int]:
    """Answers how many subscriptions were asked for and postponed, or how many channels were polled."""
    asked = Fields(entry.json_body(request), "channel", "channels", "everything")
    one_field = asked.only()
    if one_field == "channel":
        channel = asked.id("channel", ids.CHANNEL)
        return listening().subscribe(channel)
    if one_field == "channels":
        channels = asked.ids("channels", ids.CHANNEL)
        return listening().poll(channels)
    everything = asked.flag("everything", default=False)
    return listening().renew(everything=everything)
