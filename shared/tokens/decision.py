"""What a caller does with a grant that it has just read. Pure."""

from __future__ import annotations

import enum
from datetime import datetime, timedelta

from shared.cloud.steps import Doc
from shared.errors import NotFound, ReauthRequired
from shared.tokens import health
from shared.tokens.grants import GRANTS, Grant, Lease

MARGIN = timedelta(minutes=5)
"""A token this close to its end is refreshed before it is handed out."""

LEASE = timedelta(seconds=30)
"""Twice what the token endpoint may take to be reached and to fall silent, so a living refresher keeps its lease;
one that is held up longer is fenced off and uses the token that stands."""

_LAST_USE = timedelta(seconds=10)
"""A token with less than this left is not handed out: the call it is for takes time."""


class Step(enum.Enum):
    """What a caller does with the grant that it has just read."""

    USE = "use"
    TAKE = "take"
    WAIT = "wait"
    COOL_DOWN = "coolDown"


def decide(grant: Grant, now: datetime, *, margin: timedelta, refused: bool) -> Step:
    """Use the stored token, refresh it, wait for whoever does, or leave Google alone for a while.

    refused: Google has just answered 401 to this very token, so its printed end means nothing.
    """
    left = grant.access_expires_at - now
    if left > margin and not refused:
        return Step.USE
    usable = left > _LAST_USE and not refused
    if grant.lease is not None and grant.lease.until > now:
        return Step.USE if usable else Step.WAIT
    if grant.cooldown_until is not None and grant.cooldown_until > now:
        return Step.USE if usable else Step.COOL_DOWN
    return Step.TAKE


def next_lease(grant: Grant, owner: str, now: datetime, length: timedelta) -> Lease:
    """The lease by which `owner` may refresh a grant. Whoever holds an older generation can no longer write."""
    return Lease(owner, grant.generation + 1, now + length)


def not_connected(message: str = "This channel is not connected.") -> NotFound:
    """The error when there is no such connection (any more)."""
    return NotFound(message, reason="notConnected")


def living(channel_id: str, found: Doc | None) -> Grant:
    """The stored grant, if its tokens may be used. Raises NotFound or ReauthRequired."""
    if found is None:
        raise not_connected()
    grant = GRANTS.read(channel_id, found.data)
    if grant.state == health.DISCONNECTING:
        raise not_connected("This channel is being disconnected.")
    if grant.state == health.REAUTH_REQUIRED:
        raise reauth_required()
    return grant


def reauth_required() -> ReauthRequired:
    """The error that stops a connection's work."""
    return ReauthRequired("Google no longer accepts this connection. Its owner has to connect the channel again.")
