"""Subscriptions: one a channel, at an address that nobody can guess, renewed at half of its lease.

    subscriptions/<channel>    state, sealed token and secret (and the secret before), lease, counters

The hub verifies asynchronously, so asking and being subscribed are two steps; a renewal leaves the running
subscription as it is until the hub has verified the new lease.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from shared.access.vault import Vault
from shared.clock import Clock
from shared.errors import Forbidden, NotFound, Unavailable
from shared.push import feed, verification
from shared.push.verification import State
from shared.settings import Settings

if TYPE_CHECKING:
    import urllib3
    from google.cloud.firestore import Client

COLLECTION = "subscriptions"
SEALED_FIELDS = ("token", "secret", "previous_secret")
LEASE = timedelta(days=5)
_ASK_AGAIN = timedelta(hours=1)  # a request that the hub has not verified by then is repeated


@dataclass(frozen=True)
class Push:
    """The push room's parts: storage, vault, hub, clock."""

    client: Client
    vault: Vault
    settings: Settings
    http: urllib3.PoolManager
    clock: Clock

    def topic(self, channel_id: str) -> str:
        """The feed that a channel's subscription is about."""
        return f"{self.settings.topic_url}?{urlencode({'channel_id': channel_id})}"

    def subscribe(self, channel_id: str) -> None:
        """Ask the hub for a subscription, or for a longer lease of the one there is.

        The secret and the address are stored before the hub hears of them, so that its verification, which can
        arrive before its answer, finds them. Raises Unavailable (retry_at as the hub asks) when the hub refuses.
        """
        now = self.clock()
        stored = self._read(channel_id)
        token, secret = self._credentials(channel_id, stored)
        state = State(stored["state"]) if stored else State.PENDING
        self._document(channel_id).set(
            {
                "channel_id": channel_id,
                "topic": self.topic(channel_id),
                "token": self._seal(channel_id, "token", token),
                "secret": self._seal(channel_id, "secret", secret),
                "state": (State.ACTIVE if state is State.ACTIVE else State.PENDING).value,
                "asked_at": now,
                "renewing": True,
            },
            merge=True,
        )
        self._ask_hub(channel_id, token, secret, mode="subscribe")

    def verify(self, channel_id: str, token: str, query: Mapping[str, str]) -> str:
        """The challenge to echo to the hub, once it is certain that we asked. Raises NotFound otherwise."""
        stored = self._known(channel_id, token)
        answer = verification.answer(
            query,
            topic=stored["topic"],
            state=State(stored["state"]),
            renewing=bool(stored.get("renewing")),
            now=self.clock(),
        )
        if answer.state is State.LEAVING:
            self._document(channel_id).delete()
        else:
            self._document(channel_id).update(
                {"state": answer.state.value, "lease_until": answer.lease_until, "renewing": False}
            )
        return answer.challenge

    def receive(self, channel_id: str, token: str, signature: str | None, body: bytes) -> list[feed.VideoNotice]:
        """The notices of a signed body. Raises NotFound, Forbidden (both counted) or InvalidRequest.

        Notices about another channel than the subscription's are dropped and counted: the hub should never send
        them, and nobody else can.
        """
        stored = self._known(channel_id, token)
        keys = [
            self._open(channel_id, name, stored[name])
            for name in ("secret", "previous_secret")
            if stored.get(name)
        ]
        try:
            verification.check_signature(signature, body, keys)
        except Forbidden:
            self._count(channel_id, "refused")
            raise
        notices = feed.parse(body)
        ours = [notice for notice in notices if notice.channel_id == channel_id]
        if len(ours) < len(notices):
            self._count(channel_id, "foreign")
        self._document(channel_id).update({"last_notification": self.clock()})
        return ours

    def due(self) -> list[str]:
        """Channels whose subscription was never verified, or is past half of its lease."""
        now = self.clock()
        renew = self._collection().where("lease_until", "<=", now + LEASE / 2).select([]).stream()
        stale = (
            self._collection().where("state", "==", State.PENDING.value).where("asked_at", "<=", now - _ASK_AGAIN)
        )
        return sorted({s.id for s in renew} | {s.id for s in stale.select([]).stream()})

    def _credentials(self, channel_id: str, stored: Mapping[str, Any] | None) -> tuple[bytes, bytes]:
        if stored is None:
            return secrets.token_urlsafe(32).encode(), secrets.token_hex(32).encode()
        return (
            self._open(channel_id, "token", stored["token"]),
            self._open(channel_id, "secret", stored["secret"]),
        )

    def _ask_hub(self, channel_id: str, token: bytes, secret: bytes, *, mode: str) -> None:
        import urllib3  # noqa: PLC0415 - paid by those who ask the hub

        form = {
            "hub.mode": mode,
            "hub.topic": self.topic(channel_id),
            "hub.callback": f"{self.settings.api_url}/webhooks/youtube/{channel_id}/{token.decode()}",
            "hub.verify": "async",
            "hub.lease_seconds": str(int(LEASE.total_seconds())),
            "hub.secret": secret.decode(),
        }
        try:
            answer = self.http.request(
                "POST", self.settings.hub_url, fields=form, encode_multipart=False, timeout=20
            )
        except urllib3.exceptions.HTTPError as error:
            raise Unavailable("The push hub does not answer.", reason="hubUnavailable") from error
        if answer.status not in {202, 204}:
            raise Unavailable(
                f"The push hub answered {answer.status}.",
                reason="hubUnavailable",
                retry_at=self._retry_at(answer.headers.get("Retry-After")),
            )

    def _retry_at(self, header: str | None) -> datetime | None:
        seconds = int(header) if header and header.isdecimal() and len(header) < 7 else None
        return None if seconds is None else self.clock() + timedelta(seconds=seconds)

    def _known(self, channel_id: str, token: str) -> Mapping[str, Any]:
        stored = self._read(channel_id)
        if stored is None or not secrets.compare_digest(
            self._open(channel_id, "token", stored["token"]), token.encode()
        ):
            raise NotFound("There is no such subscription.", reason="notSubscribed")
        return stored

    def _collection(self) -> Any:
        return self.client.collection(COLLECTION)

    def _document(self, channel_id: str) -> Any:
        return self._collection().document(channel_id)

    def _read(self, channel_id: str) -> dict[str, Any] | None:
        found: dict[str, Any] | None = self._document(channel_id).get().to_dict()
        return found

    def _count(self, channel_id: str, counter: str) -> None:
        from google.cloud.firestore import Increment  # noqa: PLC0415

        self._document(channel_id).update({counter: Increment(1)})

    def _seal(self, channel_id: str, field: str, plain: bytes) -> dict[str, Any]:
        return self.vault.seal(plain, record=f"{COLLECTION}/{channel_id}", field=field)

    def _open(self, channel_id: str, field: str, sealed: Mapping[str, Any]) -> bytes:
        return self.vault.open(sealed, record=f"{COLLECTION}/{channel_id}", field=field)
