"""Answers the two questions that a hub's request puts, without any I/O.

Did we ask for this subscription (the hub's GET), and did the hub send this body (the notification's signature)?
The address that a request comes to has been checked by then, and nobody but the hub was told of it.
"""

from __future__ import annotations

import hmac
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from shared.errors import Forbidden, NotFound

LONGEST_LEASE = timedelta(days=10)  # the longest that YouTube's hub was seen to grant
_DIGESTS = frozenset(("sha1", "sha256", "sha384", "sha512"))


class State(StrEnum):
    """Where a subscription stands."""

    PENDING = "pending"  # asked for, not verified yet
    ACTIVE = "active"
    DENIED = "denied"  # the hub said no, or stopped
    ENDED = "ended"  # never stored: the hub asks whether an unsubscription is meant


class Forged(Forbidden):
    """A body that none of the subscription's secrets signed. A record for each would be a bill for a flood."""

    logged = False


@dataclass(frozen=True)
class Verified:
    """Echo the challenge; the subscription is then in `state`, leased until `lease_until` (UTC) if active."""

    challenge: str
    state: State
    lease_until: datetime | None = None


_MODES = {"subscribe": State.ACTIVE, "unsubscribe": State.ENDED, "denied": State.DENIED}


def answer(query: Mapping[str, str], *, topics: Collection[str], now: datetime) -> Verified:
    """What to answer to a hub that asks whether we meant it. topics: the addresses of the feed that this is about.

    An unsubscription is for the caller to confirm. Raises NotFound, as the specification has it, for anything that
    we never ask for.
    """
    state, challenge = _MODES.get(query.get("hub.mode", "")), query.get("hub.challenge", "")
    if state is not None and query.get("hub.topic") in topics:
        if state is State.DENIED:
            return Verified("", state)
        if 0 < len(challenge) <= 1024:
            until = now + _lease(query.get("hub.lease_seconds", "")) if state is State.ACTIVE else None
            return Verified(challenge, state, until)
    raise not_asked_for()


def not_asked_for() -> NotFound:
    return NotFound("No such subscription was asked for.", reason="notSubscribed")


def _lease(text: str) -> timedelta:
    """The lease that the hub granted: its word counts, not what we asked for."""
    seconds = int(text) if text.isdecimal() and text.isascii() and len(text) < 10 else 0
    return min(timedelta(seconds=seconds), LONGEST_LEASE)


def check_signature(header: str | None, body: bytes, secrets: Iterable[bytes]) -> None:
    """Whether one of the subscription's secrets signed the raw body; several, so that a secret can change.

    Raises Forged for a missing, malformed or wrong signature. (W3C WebSub, 7.1.2; RFC 2104.)
    """
    method, _, given = (header or "").partition("=")
    if (digest := method.lower()) not in _DIGESTS:
        raise Forged("The notification carries no signature that we know.", reason="signatureMissing")
    # Every secret is tried, and compared in constant time, so that time tells nothing.
    matches = [
        hmac.compare_digest(hmac.digest(secret, body, digest).hex().encode(), given.strip().lower().encode())
        for secret in secrets
    ]
    if not any(matches):
        raise Forged("The notification's signature does not hold.", reason="signatureWrong")
