"""The cheapest reads that show whether a grant does what a feature needs: one unit each, and nothing is kept."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from shared.clock import pacific_day
from shared.youtube import analytics
from shared.youtube.client import Caller


def figures(caller: Caller, metrics: Sequence[str]) -> None:
    """Ask the Analytics API for a day that it has. Raises `analytics.query`'s errors."""
    day = pacific_day(caller.clock()) - timedelta(days=4)
    analytics.query(caller, start=day, end=day, metrics=metrics)


def captions(caller: Caller) -> None:
    """Ask for a comment of the channel: needs youtube.force-ssl as captions do, whose own listing is 50 units."""
    channel = caller.context.channel_id
    caller.call("youtube.commentThreads.list", part="id", allThreadsRelatedToChannelId=channel, maxResults=1)
