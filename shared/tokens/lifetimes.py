"""The deaths that Google announces for a refresh token, and how long before each one its owner is told. Pure.

Source: developers.google.com/identity/protocols/oauth2 ("refresh token expiration"): seven days while the OAuth
client is in testing; the end that the user chose for time-limited access (`refresh_token_expires_in`); six months
without use; a hundred tokens of one account for one client (`accounts` counts them), of which the oldest dies
unannounced.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.tokens.grants import Grant

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

_WARN_BEFORE = {
    "testing": timedelta(days=2),
    "timeLimited": timedelta(days=7),
    "unused": timedelta(days=30),
}


@dataclass(frozen=True)
class Death:
    """An end that is known beforehand. kind: testing, timeLimited, unused or crowded."""

    kind: str
    at: datetime


def deaths(grant: Grant, now: datetime, *, testing: bool, account_tokens: int) -> Iterator[Death]:
    """Every end that Google has announced for this grant.

    account_tokens: refresh tokens that its Google account has given us. One with too many newer ones can die at
    any time, so that end is now.
    """
    if testing:
        yield Death("testing", grant.refresh_issued_at + TESTING_LIFE)
    if grant.refresh_expires_at is not None:
        yield Death("timeLimited", grant.refresh_expires_at)
    yield Death("unused", grant.refreshed_at + UNUSED_LIFE)
    if account_tokens - grant.number >= CROWDED:
        yield Death("crowded", now)


def warnings(grant: Grant, now: datetime, *, testing: bool, account_tokens: int) -> dict[str, datetime]:
    """The ends that are close enough to be told: kind -> when; for a crowded account, when it was noticed."""
    close = {
        death.kind: death.at
        for death in deaths(grant, now, testing=testing, account_tokens=account_tokens)
        if death.at - now <= _WARN_BEFORE.get(death.kind, timedelta(0))
    }
    if "crowded" in close:
        close["crowded"] = grant.warnings.get("crowded", now)
    return close
