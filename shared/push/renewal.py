"""Decides when the hub is asked for what, from what is stored of every subscription."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.push.verification import State

ASK_AGAIN = timedelta(hours=1)  # a request that the hub has not verified by then is repeated
AFTER_DENIAL = timedelta(hours=6)  # the hub has refused all of YouTube's topics for a day, and then no longer


@dataclass(frozen=True, kw_only=True)
class Standing:
    """Where one channel's subscription stands. next_ask: when the hub is asked again.

    lease_until: the end of the last lease, None before the first. terms: the hub, topics, address and key with
    which it was last asked for; topic: the address that was, and verified: the one that the hub verified last.
    """

    channel_id: str
    state: State
    next_ask: datetime
    lease_until: datetime | None = None
    last_notification: datetime | None = None
    terms: str = ""
    topic: str = ""
    verified: str = ""

    def alive(self, now: datetime) -> bool:
        """Whether the hub has promised to tell us what happens now."""
        return self.state is State.ACTIVE and self.lease_until is not None and self.lease_until > now


def next_ask(state: State, lease_until: datetime | None, now: datetime) -> datetime:
    """When the hub is asked again after its word: at half of the lease that it granted, or later if it refused."""
    if state is State.ACTIVE and lease_until is not None:
        return now + (lease_until - now) / 2
    return now + (AFTER_DENIAL if state is State.DENIED else ASK_AGAIN)


def topic_to_ask(standing: Standing | None, topics: tuple[str, str]) -> str:
    """Which of a feed's two addresses the hub is asked for.

    The one that it verified last; the other once it has refused or not verified that. The first to begin with.
    """
    if standing is None or standing.topic not in topics:
        return topics[0]
    if standing.state is State.ACTIVE and standing.verified in topics:
        return standing.verified
    return topics[1 - topics.index(standing.topic)]


def to_ask(
    channel_ids: Iterable[str], standings: Mapping[str, Standing], terms: Callable[[str], str], now: datetime
) -> list[str]:
    """The channels for which the hub has to be asked, those that wait longest first.

    terms: what a channel's subscription is asked for with now; one that was asked for with others is due.
    """

    def waiting(channel_id: str) -> tuple[bool, datetime, str]:
        standing = standings.get(channel_id)
        return standing is not None, standing.next_ask if standing else now, channel_id

    due = (
        channel_id
        for channel_id in channel_ids
        if channel_id not in standings
        or standings[channel_id].next_ask <= now
        or standings[channel_id].terms != terms(channel_id)
    )
    return sorted(due, key=waiting)
