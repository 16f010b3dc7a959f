"""Who has subscribed to what until when, and what a subscription request may ask.

The hub keeps one subscription for each pair of topic and callback. A request becomes a subscription only after the
callback has answered the verification; its lease then runs by the simulator's clock. Source: the WebSub
recommendation, and what YouTube's hub is seen to do (default lease 5 days, longest 10, `hub.verify` of the older
protocol still decides between 202 and 204).
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from infra.local.simulator.hub.feeds import topic_channel

DEFAULT_LEASE = 432_000
LONGEST_LEASE = 864_000
_ADDRESS = re.compile(r"https?://[!-~]+", re.ASCII)
SECRET_BYTES = 200
"""A secret has to be shorter than this (WebSub, section 5.1)."""


@dataclass(frozen=True)
class Wish:
    """A subscription request that can be verified."""

    mode: str
    topic: str
    channel_id: str
    callback: str
    sync: bool
    lease_seconds: int
    secret: str | None = field(default=None, repr=False)
    verify_token: str | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Unfit:
    """400 with this text."""

    message: str


def read_wish(form: Mapping[str, str], verify: list[str]) -> Wish | Unfit:
    """What a form asks for. `verify`: every value of `hub.verify`, in order of preference; async when absent."""
    mode, topic, callback = (form.get(f"hub.{name}", "") for name in ("mode", "topic", "callback"))
    channel_id, lease_seconds = topic_channel(topic), _lease(form.get("hub.lease_seconds", ""))
    secret = form.get("hub.secret") or None
    kinds = [kind for kind in verify if kind in ("sync", "async")]
    checks = {
        f"hub.mode: {mode!r}": mode in ("subscribe", "unsubscribe"),
        "hub.topic: a YouTube feed with one channel_id is needed": bool(channel_id),
        "hub.callback: this hub delivers to http addresses of this machine only": is_loopback(callback),
        "hub.lease_seconds": lease_seconds is not None,
        f"hub.secret: at most {SECRET_BYTES - 1} bytes": secret is None or len(secret.encode()) < SECRET_BYTES,
        "hub.verify": bool(kinds) or not verify,
    }
    wrong = next((name for name, fits in checks.items() if not fits), None)
    if wrong is not None:
        return Unfit(f"Invalid value for {wrong}")
    assert channel_id is not None
    assert lease_seconds is not None
    return Wish(
        mode=mode,
        topic=topic,
        channel_id=channel_id,
        callback=callback,
        sync=bool(kinds) and kinds[0] == "sync",
        lease_seconds=lease_seconds,
        secret=secret,
        verify_token=form.get("hub.verify_token"),
    )


def _lease(text: str) -> int | None:
    if not text:
        return DEFAULT_LEASE
    if not re.fullmatch(r"[0-9]{1,9}", text):
        return None
    return min(int(text), LONGEST_LEASE) or DEFAULT_LEASE


def is_loopback(url: str) -> bool:
    """Whether a callback lies on this machine; the simulator sends nothing anywhere else."""
    if not _ADDRESS.fullmatch(url):
        return False
    try:
        parts = urlsplit(url)
        return (
            not parts.fragment
            and parts.port != 0
            and (parts.hostname == "localhost" or ipaddress.ip_address(parts.hostname or "").is_loopback)
        )
    except ValueError:  # Brackets without an end, a port beyond 65535, a name that is no number.
        return False


@dataclass
class Subscription:
    """A verified subscription. `old_secret` is what it was signed with before the last renewal."""

    topic: str
    channel_id: str
    callback: str
    verified: datetime
    expires: datetime
    secret: str | None = field(default=None, repr=False)
    old_secret: str | None = field(default=None, repr=False)


class Subscriptions:
    """All subscriptions of a hub, by topic and callback."""

    def __init__(self) -> None:
        self._all: dict[tuple[str, str], Subscription] = {}

    def accept(self, wish: Wish, now: datetime) -> None:
        """Make a verified wish true: begin or renew the lease, or end the subscription."""
        key = (wish.topic, wish.callback)
        before = self._all.pop(key, None)
        if wish.mode == "unsubscribe":
            return
        old = before.old_secret if before else None
        if before and before.secret != wish.secret:
            old = before.secret
        self._all[key] = Subscription(
            topic=wish.topic,
            channel_id=wish.channel_id,
            callback=wish.callback,
            verified=now,
            expires=now + timedelta(seconds=wish.lease_seconds),
            secret=wish.secret,
            old_secret=old,
        )

    def drop(self, topic: str, callback: str) -> None:
        """End a subscription without asking; nothing happens if there is none."""
        self._all.pop((topic, callback), None)

    def of_channel(self, channel_id: str, now: datetime) -> list[Subscription]:
        """The subscriptions to a channel whose lease still runs."""
        return [one for one in self._all.values() if one.channel_id == channel_id and one.expires > now]

    def channels(self, now: datetime) -> set[str]:
        """Every channel that somebody is subscribed to."""
        return {one.channel_id for one in self._all.values() if one.expires > now}

    def everything(self) -> list[Subscription]:
        """All that were ever verified and not ended, expired ones too."""
        return list(self._all.values())
