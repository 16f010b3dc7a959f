"""Scheduler and Cloud Tasks: push subscriptions are kept alive, and uploads looked up where push is silent.

Body {"channel": id} subscribes one channel, or ends its subscription if it is gone; {} renews and looks up what is
due, and once a day compares all subscriptions with all channels, as {"everything": true} does at any time.
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
    """Answers how many subscriptions were asked for and postponed, and what was counted and looked at."""
    asked = Fields(entry.json_body(request), "channel", "everything")
    if asked.only() == "channel":
        channel = asked.id("channel", ids.CHANNEL)
        return listening().subscribe(channel)
    everything = asked.flag("everything", default=False)
    return listening().renew(everything=True) if everything else listening().run()
