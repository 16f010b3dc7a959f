"""One delivery of one feed to one callback: what is sent, how it is signed, and when it is tried again."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal

from infra.local.simulator.hub.feeds import HUB, SELF
from infra.local.simulator.hub.subscriptions import Subscription

Outcome = Literal["pending", "delivered", "gone", "given up", "never sent"]
Signing = Literal["sha1", "sha256", "sha384", "sha512", "none", "wrong", "old secret"]
BACKOFF = (10, 60, 300, 1800, 7200, 21600)
"""Seconds of the simulator's clock between the attempts of one delivery; after the last it is given up."""

AGENT = "FeedFetcher-Google; (+http://www.google.com/feedfetcher.html)"


@dataclass
class Delivery:
    """A feed on its way to a subscription. `answers`: HTTP statuses so far, 0 where nobody answered."""

    number: int
    channel_id: str
    video_id: str
    kind: Literal["notification", "deletion", "other"]
    subscription: Subscription = field(repr=False)
    body: bytes = field(repr=False)
    due: datetime
    signing: Signing = "sha1"
    outcome: Outcome = "pending"
    answers: list[int] = field(default_factory=list)
    sending: bool = False

    def headers(self) -> dict[str, str]:
        """What the hub sends along, signature included."""
        headers = {
            "Content-Type": "application/atom+xml",
            "Link": f"<{HUB}>; rel=hub, <{SELF}{self.channel_id}>; rel=self",
            "User-Agent": AGENT,
        }
        return headers | signature(self.body, self.subscription, self.signing)

    def note(self, status: int, now: datetime) -> None:
        """Take in an attempt's answer (0: none came) and decide what follows."""
        self.answers.append(status)
        if 200 <= status < 300:
            self.outcome = "delivered"
        elif status == 410:
            self.outcome = "gone"
        elif len(self.answers) > len(BACKOFF):
            self.outcome = "given up"
        else:
            self.due = now + timedelta(seconds=BACKOFF[len(self.answers) - 1])

    def as_json(self) -> dict[str, Any]:
        """For the control interface; holds no secret."""
        return {
            "number": self.number,
            "channel_id": self.channel_id,
            "video_id": self.video_id,
            "kind": self.kind,
            "callback": self.subscription.callback,
            "topic": self.subscription.topic,
            "signing": self.signing,
            "outcome": self.outcome,
            "answers": list(self.answers),
            "due": self.due.isoformat(),
            "body": self.body.decode("utf-8", errors="replace"),
        }


def signature(body: bytes, subscription: Subscription, signing: Signing) -> dict[str, str]:
    """The X-Hub-Signature of a body; none for a subscription without a secret."""
    if subscription.secret is None or signing == "none":
        return {}
    secret = subscription.secret
    if signing == "old secret":
        secret = subscription.old_secret or secret
    elif signing == "wrong":
        secret = "not " + secret
    algorithm = signing if signing.startswith("sha") else "sha1"
    digest = hmac.new(secret.encode(), body, getattr(hashlib, algorithm)).hexdigest()
    return {"X-Hub-Signature": f"{algorithm}={digest}"}
