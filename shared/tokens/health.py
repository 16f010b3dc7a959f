"""What a refresh that went well or badly makes of a connection. A pure table; no reading, no writing.

    state            the guide's word, shown in the console
    connected        tokens come when they are asked for
    troubled         three refreshes in a row failed on Google's side or on the way; it heals by itself
    reauth_required  only the owner can bring it back, by connecting again; all its work stops
    disconnecting    being deleted

Guide 5.1: three refresh failures are the threshold. An outage that touches every user is no reason to ask 50
people to connect again, so only refusals that name the grant lead there; Google's silence leads to `troubled`.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

THRESHOLD = 3
_COOLDOWN_FIRST = timedelta(seconds=5)
_COOLDOWN_MOST = timedelta(minutes=5)

CONNECTED = "connected"
TROUBLED = "troubled"
REAUTH_REQUIRED = "reauth_required"
DISCONNECTING = "disconnecting"


class Outcome(enum.Enum):
    """What an answer of Google's token endpoint means, and with it how a refresh ended."""

    GOOD = "good"
    GRANT_DEAD = "invalidGrant"  # only a person can bring it back
    CLIENT_WRONG = "oauthClient"  # our own client id or secret; no user did anything wrong
    REFUSED = "googleRefused"  # a policy of the user's organisation, or the user
    UNAVAILABLE = "googleUnavailable"  # ask again later


class Notice(enum.Enum):
    """What somebody is told, once."""

    RECONNECT = "reconnect"  # the owner has to act
    TROUBLED = "troubled"  # nobody has to act; it is known
    RECOVERED = "recovered"
    OPERATOR = "operator"  # our OAuth client is wrong


@dataclass(frozen=True)
class Health:
    """A connection's state, why, and how many refreshes in a row failed."""

    state: str = CONNECTED
    state_reason: str = ""
    failures: int = 0
    cooldown_until: datetime | None = None


def after(health: Health, outcome: Outcome, now: datetime) -> tuple[Health, Notice | None]:
    """The health after one refresh, and what is to be said. A notice comes with a change of state only, except
    the operator's, which stands for as long as the cause does."""
    if outcome is Outcome.GOOD:
        told = Notice.RECOVERED if health.state == TROUBLED else None
        return Health(), told
    if outcome is Outcome.GRANT_DEAD:
        return _reauth(health, outcome.value)
    if outcome is Outcome.CLIENT_WRONG:
        return replace(health, cooldown_until=now + _COOLDOWN_MOST), Notice.OPERATOR
    failures = health.failures + 1
    if failures < THRESHOLD:
        return replace(health, failures=failures, cooldown_until=now + _cooldown(failures)), None
    if outcome is Outcome.REFUSED:
        return _reauth(replace(health, failures=failures), outcome.value)
    told = Notice.TROUBLED if health.state == CONNECTED else None
    return Health(TROUBLED, outcome.value, failures, now + _cooldown(failures)), told


def _reauth(health: Health, reason: str) -> tuple[Health, Notice | None]:
    told = None if health.state == REAUTH_REQUIRED else Notice.RECONNECT
    return Health(REAUTH_REQUIRED, reason, health.failures, None), told


def _cooldown(failures: int) -> timedelta:
    """5 s, doubled with each failure, at most 5 minutes."""
    doublings: int = min(failures - 1, 10)
    return min(_COOLDOWN_MOST, _COOLDOWN_FIRST * (1 << doublings))
