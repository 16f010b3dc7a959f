"""Push subscriptions: how many are alive, which are not, when the last notifications came; in bounded reads."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from statistics import median
from typing import Any

from shared.cloud.calls import call_options
from shared.cloud.firestore import Client, counted, where
from shared.console.read import PAGE
from shared.console.words import standing
from shared.push.subscriptions import COLLECTION
from shared.push.verification import State

ALIVE, PENDING, LAPSED, DENIED, ABSENT = "alive", "pending", "lapsed", "denied", "absent"
_FIELDS = ("state", "lease_until", "asked_at", "last_notification", "last_delay", "polled_at")


def standing_of(fields: Mapping[str, Any] | None, now: datetime) -> str:
    """How one subscription stands; None for one that is not there. An active one lives as long as its lease."""
    if fields is None:
        return ABSENT
    if fields.get("state") != State.ACTIVE:
        return str(fields.get("state", PENDING))
    until = fields.get("lease_until")
    return ALIVE if until is not None and until > now else LAPSED


def row(channel_id: str, fields: Mapping[str, Any] | None, now: datetime) -> dict[str, Any]:
    """One channel's subscription. since: when its lease ended, or when it was asked for; None if not known.

    polled_at: when its uploads were last looked at in place of notifications, which is done where they have grown.
    delay: seconds from a change to its notification.
    """
    state, known = standing_of(fields, now), fields or {}
    return {
        "channel_id": channel_id,
        "state": state,
        **standing("push", state),
        "since": known.get("lease_until" if state == LAPSED else "asked_at"),
        "delay": known.get("last_delay"),
        **{name: known.get(name) for name in ("polled_at", "last_notification", "lease_until")},
    }


def unwell(client: Client, now: datetime) -> list[dict[str, Any]]:
    """Subscriptions that are not alive: lapsed, refused, not confirmed; at most PAGE of each."""
    every = client.collection(COLLECTION).select(_FIELDS)
    asked = [where(every, ("lease_until", "<=", now)).order_by("lease_until")]
    asked += [where(every, ("state", "==", state)) for state in (DENIED, PENDING)]
    found = {each.id: each.to_dict() for query in asked for each in query.limit(PAGE).stream(**call_options())}
    rows = (row(channel, fields, now) for channel, fields in found.items())
    return [each for each in rows if each["state"] != ALIVE]


def latest(client: Client, now: datetime) -> list[dict[str, Any]]:
    """The PAGE channels of which notifications came last."""
    newest: Any = client.collection(COLLECTION).order_by("last_notification", direction="DESCENDING")
    found = newest.select(_FIELDS).limit(PAGE).stream(**call_options())
    return [row(each.id, each.to_dict(), now) for each in found]


def figures(client: Client, working: int, now: datetime) -> dict[str, Any]:
    """Subscriptions by how they stand, notifications turned away. working: channels that should have one."""
    every: Any = client.collection(COLLECTION)
    by_state = {state: counted(where(every, ("state", "==", state))) for state in (State.ACTIVE, PENDING, DENIED)}
    lapsed = min(by_state[State.ACTIVE], counted(where(every, ("lease_until", "<=", now))))
    delays = [each["delay"] for each in latest(client, now) if each["delay"] is not None]
    summed = {name: counted(every, name) for name in ("refused", "foreign")}
    return {
        ALIVE: by_state[State.ACTIVE] - lapsed,
        PENDING: by_state[PENDING],
        LAPSED: lapsed,
        DENIED: by_state[DENIED],
        ABSENT: max(0, working - sum(by_state.values())),
        **summed,
        "delay": median(delays) if delays else None,
    }
