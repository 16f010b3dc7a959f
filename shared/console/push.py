"""Push subscriptions at a glance: how many are alive, which are not, how many notifications were turned away."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from statistics import median
from typing import TYPE_CHECKING, Any

from shared.cloud.firestore import listing
from shared.console.words import called, words
from shared.push.subscriptions import COLLECTION
from shared.push.verification import State

if TYPE_CHECKING:
    from google.cloud.firestore import Client

LISTED = 100
"""Channels without push that are listed; all of them are counted."""
ALIVE, PENDING, LAPSED, DENIED, ABSENT = "alive", "pending", "lapsed", "denied", "absent"
_FIELDS = (
    *("state", "lease_until", "asked_at", "last_notification", "last_delay", "polled_at"),
    *("refused", "foreign"),
)


@dataclass(frozen=True, kw_only=True)
class NotAlive:
    """A working channel that no notification reaches. since: None if not known.

    polled_at: when its uploads were last looked at in place of notifications, which is done where they have grown.
    """

    channel_id: str
    title: str
    state: str
    standing: str
    since: datetime | None
    polled_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class PushSummary:
    """Counts of subscriptions by how they stand; notifications refused for their signature, or about others.

    missing: the working channels that are not alive. not_alive: the first LISTED of them. delay: seconds from a
    change to its notification, the median of each channel's last. lease_ends: the first end of a lease that runs.
    """

    counts: Mapping[str, int]
    refused: int
    foreign: int
    last_notification: datetime | None
    delay: float | None
    lease_ends: datetime | None
    missing: int
    not_alive: tuple[NotAlive, ...]


def stored(client: Client) -> dict[str, dict[str, Any]]:
    """Channel id to what is not secret of its subscription."""
    found = listing(client.collection(COLLECTION).select(_FIELDS))
    return {subscription.id: subscription.to_dict() or {} for subscription in found}


def summary(
    subscriptions: Mapping[str, Mapping[str, Any]], working: Mapping[str, str], *, now: datetime
) -> PushSummary:
    """Subscriptions against the channels that should have one. working: channel id to title."""
    standing = {channel: standing_of(fields, now) for channel, fields in subscriptions.items()}
    standing |= dict.fromkeys(working.keys() - subscriptions.keys(), ABSENT)
    counts = dict.fromkeys(words("push"), 0)
    for state in standing.values():
        counts[state] += 1
    not_alive = [
        NotAlive(
            channel_id=channel,
            title=title,
            state=standing[channel],
            standing=called("push", standing[channel]),
            since=subscriptions.get(channel, {}).get("lease_until" if standing[channel] == LAPSED else "asked_at"),
            polled_at=subscriptions.get(channel, {}).get("polled_at"),
        )
        for channel, title in working.items()
        if standing[channel] != ALIVE
    ]
    delays = [each["last_delay"] for each in subscriptions.values() if each.get("last_delay") is not None]
    leases = (each["lease_until"] for channel, each in subscriptions.items() if standing[channel] == ALIVE)
    return PushSummary(
        delay=median(delays) if delays else None,
        lease_ends=min(leases, default=None),
        counts=counts,
        refused=sum(fields.get("refused", 0) for fields in subscriptions.values()),
        foreign=sum(fields.get("foreign", 0) for fields in subscriptions.values()),
        last_notification=max(
            (fields["last_notification"] for fields in subscriptions.values() if fields.get("last_notification")),
            default=None,
        ),
        missing=len(not_alive),
        not_alive=tuple(
            sorted(not_alive, key=lambda row: (row.state, row.title.casefold(), row.channel_id))[:LISTED]
        ),
    )


def standing_of(fields: Mapping[str, Any], now: datetime) -> str:
    """How one subscription stands. An active one lives as long as its lease."""
    if fields.get("state") != State.ACTIVE:
        return str(fields.get("state", PENDING))
    until = fields.get("lease_until")
    return ALIVE if until is not None and until > now else LAPSED
