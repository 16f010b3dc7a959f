"""Asks the WebSub hub for a subscription; whether it grants one, it says later, at the callback."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from shared.errors import Unavailable

if TYPE_CHECKING:
    import urllib3

LEASE = timedelta(days=5)


@dataclass(frozen=True, kw_only=True)
class SubscriptionRequest:
    """What the hub is asked for. The callback holds a token that nobody else may know."""

    topic: str
    callback: str = field(repr=False)
    secret: str = field(repr=False)


def subscribe(http: urllib3.PoolManager, hub_url: str, request: SubscriptionRequest, *, now: datetime) -> None:
    """Ask the hub. Raises Unavailable (retry_at as the hub says) when it refuses or does not answer."""
    from urllib3.exceptions import HTTPError  # noqa: PLC0415 - paid by those who ask the hub

    form = {
        "hub.mode": "subscribe",
        "hub.topic": request.topic,
        "hub.callback": request.callback,
        "hub.verify": "async",
        "hub.lease_seconds": str(int(LEASE.total_seconds())),
        "hub.secret": request.secret,
    }
    try:
        answer = http.request("POST", hub_url, fields=form, encode_multipart=False, timeout=20)
    except HTTPError as error:
        raise Unavailable("The push hub does not answer.", reason="hubUnavailable") from error
    if answer.status not in {202, 204}:
        raise Unavailable(
            f"The push hub answered {answer.status}.",
            reason="hubUnavailable",
            retry_at=_retry_at(answer.headers.get("Retry-After"), now),
        )


def _retry_at(header: str | None, now: datetime) -> datetime | None:
    seconds = int(header) if header and header.isdecimal() and len(header) < 7 else None
    return None if seconds is None else now + timedelta(seconds=seconds)
