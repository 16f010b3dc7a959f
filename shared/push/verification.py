"""Answers the two questions that a hub's request puts, without any I/O.

Did we ask for this subscription (the hub's GET), and did the hub send this body (the notification's signature)?
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from shared.errors import Forbidden, NotFound

LONGEST_LEASE = timedelta(days=10)  # the longest that YouTube's hub was seen to grant
VERIFIES_AGAIN = timedelta(days=1)  # the hub asks once more when our answer was lost
_DIGESTS = {"sha1": hashlib.sha1, "sha256": hashlib.sha256, "sha384": hashlib.sha384, "sha512": hashlib.sha512}


class State(StrEnum):
    """Where a subscription stands."""

    PENDING = "pending"  # asked for, not verified yet
    ACTIVE = "active"
    DENIED = "denied"  # the hub said no, or stopped


@dataclass(frozen=True)
class Verified:
    """Echo the challenge; the subscription is then in `state`, leased until `lease_until` (UTC) if active."""

    challenge: str
    state: State
    lease_until: datetime | None


def answer(
    query: Mapping[str, str], *, topic: str, asked_at: datetime, verified_at: datetime | None, now: datetime
) -> Verified:
    """What to answer to a hub that asks whether we meant it, who were last asked at `verified_at`.

    Raises NotFound, as the specification has it, for anything that we did not ask for; an unsubscription is never
    asked for, because a channel that goes lets its lease run out.
    """
    open_request = verified_at is None or verified_at < asked_at or now - asked_at <= VERIFIES_AGAIN
    mode, challenge = query.get("hub.mode", ""), query.get("hub.challenge", "")
    if query.get("hub.topic") == topic:
        if mode == "denied":
            return Verified("", State.DENIED, None)
        if mode == "subscribe" and 0 < len(challenge) <= 1024 and open_request:
            return Verified(challenge, State.ACTIVE, now + _lease(query.get("hub.lease_seconds", "")))
    raise NotFound("No such subscription was asked for.", reason="notSubscribed")


def _lease(text: str) -> timedelta:
    """The lease that the hub granted: its word counts, not what we asked for."""
    seconds = int(text) if text.isdecimal() and len(text) < 10 else 0
    return min(timedelta(seconds=seconds), LONGEST_LEASE)


def check_signature(header: str | None, body: bytes, secrets: Iterable[bytes]) -> None:
    """Whether one of the subscription's secrets signed the raw body; several, so that a secret can change.

    Raises Forbidden for a missing, malformed or wrong signature. (W3C WebSub, section 8; RFC 2104.)
    """
    method, _, given = (header or "").partition("=")
    digest = _DIGESTS.get(method.lower())
    if digest is None:
        raise Forbidden("The notification carries no signature that we know.", reason="signatureMissing")
    # Every secret is tried, and compared in constant time, so that time tells nothing.
    matches = [
        hmac.compare_digest(hmac.new(secret, body, digest).hexdigest().encode(), given.strip().lower().encode())
        for secret in secrets
    ]
    if not any(matches):
        raise Forbidden("The notification's signature does not hold.", reason="signatureWrong")
