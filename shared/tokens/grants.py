"""A grant as it is stored, what a caller does with one, and the deaths that Google announces for its token.

`grants/<channel id>` holds sealed tokens and everything about their life. One grant is one channel, because
Google's consent page lets the user pick one.
Source: developers.google.com/identity/protocols/oauth2 ("refresh token expiration"): seven days while the OAuth
client is in testing; the end that the user chose for time-limited access (`refresh_token_expires_in`); six months
without use; a hundred tokens of one account for one client (`accounts` counts them), of which the oldest dies
unannounced.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from shared import data_map
from shared.cloud.steps import Doc
from shared.errors import NotFound
from shared.records import Mapper
from shared.tokens import health
from shared.tokens.health import Health, Outcome

ACCESS_TOKEN = "access_token"  # noqa: S105 - names of sealed fields
REFRESH_TOKEN = "refresh_token"  # noqa: S105


@dataclass(frozen=True)
class Lease:
    """Who may refresh a grant now. A write of an older generation is fenced off."""

    owner: str
    generation: int
    until: datetime


@dataclass(frozen=True, kw_only=True)
class Grant(Health):
    """One stored grant, and its health. `access_token` and `refresh_token` are sealed maps.

    number: which of its Google account's refresh tokens this one is, counted from 1.
    next_look: when the scheduler looks at it again.
    """

    channel_id: str
    user_id: str
    google_account: str | None
    access_token: Mapping[str, Any]
    refresh_token: Mapping[str, Any]
    number: int
    access_expires_at: datetime
    refresh_issued_at: datetime
    refresh_expires_at: datetime | None
    refreshed_at: datetime
    granted_scopes: frozenset[str]
    requested_scopes: frozenset[str]
    state_since: datetime
    next_look: datetime
    generation: int
    lease: Lease | None = None
    warnings: Mapping[str, datetime] = field(default_factory=dict)


GRANTS = Mapper(Grant, data_map.GRANTS.path, key="channel_id")
path = GRANTS.path
"""A grant's document, which is also the record that its tokens are bound to."""
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
        raise health.error(Outcome.GRANT_DEAD)
    return grant


TESTING_LIFE = timedelta(days=7)
UNUSED_LIFE = timedelta(days=180)
CROWDED = 80
"""So many newer tokens of its account are told to a grant's owner. Google keeps a hundred; the room between is for
somebody who connects again and again on one day."""
LOOK_EVERY = timedelta(hours=20)
"""Between two looks at a grant. The schedule comes hourly, so a look can be an hour later than it is due."""
RECENT = timedelta(hours=1)
"""A grant refreshed this lately needs no refresh at its look. At the next one it is 1 + 20 + 1 hours old at most,
which leaves an hour for a second try when Google has just failed."""
LOST_FOR = timedelta(days=7)
"""After this long without its owner a lost connection is deleted like a disconnected one."""
_WARN_BEFORE = {"testing": timedelta(days=2), "timeLimited": timedelta(days=7), "unused": timedelta(days=30)}


def warnings(grant: Grant, now: datetime, *, testing: bool, account_tokens: int) -> dict[str, datetime]:
    """The ends that are close enough to be told: kind -> when.

    account_tokens: refresh tokens that its Google account has given us. A grant with too many newer ones can die
    at any time, so of that end it says when it was noticed.
    """
    ends = {
        "testing": grant.refresh_issued_at + TESTING_LIFE if testing else None,
        "timeLimited": grant.refresh_expires_at,
        "unused": grant.refreshed_at + UNUSED_LIFE,
    }
    close = {kind: at for kind, at in ends.items() if at is not None and at - now <= _WARN_BEFORE[kind]}
    if account_tokens - grant.number >= CROWDED:
        close["crowded"] = grant.warnings.get("crowded", now)
    return close
