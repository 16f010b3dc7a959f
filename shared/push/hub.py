"""Asks the WebSub hub for a subscription or its end; whether it grants that, it says later, at the callback.

A hub may send on with 307 or 308 (W3C WebSub, 5.1.2). The request holds the secret that will sign, so it is sent
on to the same host alone, and never from https to http.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from urllib.parse import urljoin, urlsplit

from shared.errors import Unavailable

if TYPE_CHECKING:
    import urllib3

LEASE = timedelta(days=5)
_SENT_ON = {307, 308}
_HOPS = 3


def ask(
    http: urllib3.PoolManager, hub_url: str, *, topic: str, callback: str, secret: str | None, now: datetime
) -> None:
    """Ask the hub for a subscription; without a secret, for its end.

    Raises Unavailable: "hubUnavailable" (retry_at as the hub says) when it refuses or does not answer, "hubMoved"
    when it sends us on to where we do not go.
    """
    form = {
        "hub.mode": "unsubscribe" if secret is None else "subscribe",
        "hub.topic": topic,
        "hub.callback": callback,
        "hub.verify": "async",
    }
    if secret is not None:
        form |= {"hub.lease_seconds": str(int(LEASE.total_seconds())), "hub.secret": secret}
    address = hub_url
    for _ in range(_HOPS):
        answer = _post(http, address, form)
        if answer.status not in _SENT_ON:
            break
        address = _following(address, answer.headers.get("Location") or "")
    else:
        raise Unavailable(f"The push hub sends us on for ever, at last to {address[:200]!r}.", reason="hubMoved")
    if answer.status not in {202, 204}:
        header = answer.headers.get("Retry-After") or ""
        seconds = int(header) if header.isdecimal() and len(header) < 7 else None
        raise Unavailable(
            f"The push hub answered {answer.status}.",
            reason="hubUnavailable",
            retry_at=None if seconds is None else now + timedelta(seconds=seconds),
        )


def _post(http: urllib3.PoolManager, address: str, form: dict[str, str]) -> urllib3.BaseHTTPResponse:
    from urllib3.exceptions import HTTPError

    try:
        return http.request("POST", address, fields=form, encode_multipart=False, redirect=False, timeout=20)
    except HTTPError as error:
        raise Unavailable("The push hub does not answer.", reason="hubUnavailable") from error


def _following(address: str, location: str) -> str:
    """Where a hub sends us on to, if the secret may go there. Raises Unavailable (reason "hubMoved")."""
    try:
        target = urljoin(address, location)
        here, there = urlsplit(address), urlsplit(target)
        same_host = there.hostname == here.hostname
        safe = there.scheme == "https" or (there.scheme, there.netloc) == (here.scheme, here.netloc)
    except ValueError:
        same_host = safe = False
    if not (location and same_host and safe):
        message = f"The push hub sends us on to {location[:200]!r}; if it has moved there, set YT_HUB_URL."
        raise Unavailable(message, reason="hubMoved")
    return target
