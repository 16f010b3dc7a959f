"""Asks the WebSub hub for a subscription; whether it grants one, it says later, at the callback."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from shared.errors import Unavailable

if TYPE_CHECKING:
    import urllib3

LEASE = timedelta(days=5)


def subscribe(
    http: urllib3.PoolManager, hub_url: str, *, topic: str, callback: str, secret: str, now: datetime
) -> None:
    """Ask the hub. Raises Unavailable (retry_at as the hub says) when it refuses or does not answer."""
    from urllib3.exceptions import HTTPError  # noqa: PLC0415 - paid by those who ask the hub

    form = {
        "hub.mode": "subscribe",
        "hub.topic": topic,
        "hub.callback": callback,
        "hub.verify": "async",
        "hub.lease_seconds": str(int(LEASE.total_seconds())),
        "hub.secret": secret,
    }
    try:
        answer = http.request("POST", hub_url, fields=form, encode_multipart=False, timeout=20)
    except HTTPError as error:
        raise Unavailable("The push hub does not answer.", reason="hubUnavailable") from error
    if answer.status not in {202, 204}:
        header = answer.headers.get("Retry-After") or ""
        seconds = int(header) if header.isdecimal() and len(header) < 7 else None
        raise Unavailable(
            f"The push hub answered {answer.status}.",
            reason="hubUnavailable",
            retry_at=None if seconds is None else now + timedelta(seconds=seconds),
        )
