"""Marks the connection of a channel about which the Data API was asked in vain, and decides what follows."""

from __future__ import annotations

import random

from shared import channels
from shared.clock import Clock
from shared.cloud.firestore import Client
from shared.collection import refusals
from shared.collection.refusals import Then, read_decision
from shared.errors import YtempireError
from shared.monitoring.log import log

API = "youtube"


def refused(
    client: Client, channel_id: str, error: YtempireError, what: str, *, clock: Clock, rng: random.Random
) -> Then:
    """What an error means: for the others, and for the connection, which is marked. what: the log's words."""
    decision = read_decision(error, tries=0, clock=clock, rng=rng)
    log("WARNING", what, channel=channel_id, reason=error.reason, then=decision.then.name, retry_at=error.retry_at)
    refusal = refusals.refusal(error, decision.then, clock())
    if refusal is not None:
        channels.set_refusal(client, channel_id, API, refusal)
    return decision.then
