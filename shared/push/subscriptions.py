"""Keeps one subscription a channel, at an address that nobody can guess, and believes only what its hub signs.

    subscriptions/<channel>    state, sealed token and secrets, lease, when to ask next, counters, what polling saw

The hub verifies asynchronously, so asking and being subscribed are two steps; a renewal leaves the running
subscription as it is until the hub has verified the new lease. Each renewal brings a new secret; the one before it
holds on, because it signs until the hub has verified, and what was signed with it can arrive late.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from shared.clock import Clock
from shared.cloud.calls import call_options
from shared.cloud.firestore import listing, update
from shared.cloud.steps import Docs, Write
from shared.cloud.updates import Change
from shared.data_map import SUBSCRIPTIONS
from shared.errors import Forbidden, NotFound
from shared.monitoring.log import log
from shared.monitoring.readable import readable
from shared.push import feed, hub, renewal, verification
from shared.push.renewal import Standing
from shared.push.verification import State
from shared.records import Mapper
from shared.settings import Settings
from shared.vault.vault import Vault

if TYPE_CHECKING:
    import urllib3
    from google.cloud.firestore import Client, DocumentSnapshot

COLLECTION = SUBSCRIPTIONS.path
STANDINGS = Mapper(Standing, COLLECTION, key="channel_id")
_STANDING = ("state", "lease_until", "next_ask", "polled_at", "terms")


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

    def terms(self, channel_id: str) -> str:
        """What settings make of a channel's subscription: hub, topic, and where our callback is."""
        return f"{self.settings.hub_url} {self.topic(channel_id)} {self.settings.api_url}"

    def standings(self) -> dict[str, Standing]:
        """Every subscription that can be read, by its channel. One read each."""
        found = readable(STANDINGS, listing(self.client.collection(COLLECTION).select(_STANDING)))
        return {each.channel_id: each for each in found}

    def due(self, now: datetime) -> dict[str, Standing]:
        """The subscriptions for which the hub has to be asked, and those of which it is silent. One read each."""
        found = (self._by("next_ask", now + renewal.EARLIER), self._by("lease_until", now), self._unverified())
        return {each.channel_id: each for standings in found for each in readable(STANDINGS, standings)}

    def _by(self, field: str, at: datetime) -> Iterator[DocumentSnapshot[Any]]:
        from google.cloud.firestore_v1.base_query import FieldFilter

        query = self.client.collection(COLLECTION).select(_STANDING)
        return listing(query.where(filter=FieldFilter(field, "<=", at)).order_by(field))

    def _unverified(self) -> Iterator[DocumentSnapshot[Any]]:
        from google.cloud.firestore_v1.base_query import FieldFilter

        query = self.client.collection(COLLECTION).select(_STANDING)
        return listing(query.where(filter=FieldFilter("state", "in", [State.PENDING, State.DENIED])))

    def standings_of(self, channel_ids: Iterable[str]) -> dict[str, Standing]:
        """The subscriptions of these channels, as far as there are any. One read each."""
        references = [self._document(channel_id) for channel_id in sorted(set(channel_ids))]
        found = self.client.get_all(references, _STANDING, **call_options()) if references else ()
        return {each.channel_id: each for each in readable(STANDINGS, (each for each in found if each.exists))}

    def subscribe(self, channel_id: str) -> None:
        """Ask the hub for a subscription, or for a longer lease of the one there is.

        The secret and the address are stored before the hub hears of them, so that its verification, which can
        arrive before its answer, finds them. Whoever asks before the hub has verified, or soon after another did,
        asks for the same: two changes of the secret in a row would leave the hub signing with a forgotten one, if
        the first to ask is the last to be heard. Raises Unavailable (retry_at as the hub asks) when it refuses.
        """
        path, now = f"{COLLECTION}/{channel_id}", self.clock()

        def decide(docs: Docs) -> Change[tuple[str, str]]:
            stored = docs[path]
            token, secret, fields = self._request(channel_id, None if stored is None else stored.data, now)
            return Change((token.decode(), secret.decode()), [Write(path, fields)])

        token, secret = update(self.client, [path], decide)
        hub.subscribe(
            self.http,
            self.settings.hub_url,
            topic=self.topic(channel_id),
            callback=f"{self.settings.api_url}/webhooks/youtube/{channel_id}/{token}",
            secret=secret,
            now=self.clock(),
        )

    def forget(self, channel_id: str) -> None:
        """Delete the subscription of a channel that is gone; the hub's lease runs out."""
        self._document(channel_id).delete(**call_options())

    def seen(self, channel_id: str) -> dict[str, str] | None:
        """What the last poll saw of a channel's uploads, as `remember` was told; None before the first."""
        found: dict[str, str] | None = (self._read(channel_id) or {}).get("seen")
        return found

    def remember(self, channel_id: str, seen: Mapping[str, str]) -> None:
        """Note what a poll saw. A channel that is gone by then is no error."""
        self._note(channel_id, {"seen": dict(seen), "polled_at": self.clock()})

    def verify(self, channel_id: str, token: str, query: Mapping[str, str]) -> str:
        """The challenge to echo to the hub, once it is certain that we asked. Raises NotFound otherwise."""
        stored, now = self._known(channel_id, token), self.clock()
        answer = verification.answer(
            query,
            topic=stored["topic"],
            asked_at=stored["asked_at"],
            verified_at=stored.get("verified_at"),
            now=now,
        )
        fields = {
            "state": answer.state.value,
            "lease_until": answer.lease_until,
            "next_ask": renewal.next_ask(answer.state, answer.lease_until, now),
        }
        if answer.state is State.ACTIVE:
            fields["verified_at"] = now
        self._note(channel_id, fields)
        return answer.challenge

    def receive(self, channel_id: str, token: str, signature: str | None, body: bytes) -> list[feed.VideoNotice]:
        """The notices of a signed body. Raises NotFound, Forbidden (which is counted) or InvalidRequest.

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
        found = feed.parse(body, channel_id)
        ours = [notice for notice in found.notices if notice.channel_id == channel_id]
        if found.unreadable:
            log(
                "WARNING", "entries of a notification cannot be read", channel=channel_id, entries=found.unreadable
            )
        if len(ours) < len(found.notices):
            self._count(channel_id, "foreign")
        self._note(channel_id, {"last_notification": self.clock()})
        return ours

    def _request(
        self, channel_id: str, stored: Mapping[str, Any] | None, now: datetime
    ) -> tuple[bytes, bytes, dict[str, Any]]:
        """The token and secret to ask the hub with, and the fields to store before."""
        terms = self.terms(channel_id)
        fields: dict[str, Any] = {
            "asked_at": now,
            "next_ask": now + renewal.ASK_AGAIN,
            "topic": self.topic(channel_id),
            "terms": terms,
        }
        if stored is None:
            token, secret = secrets.token_urlsafe(32).encode(), _new_secret()
            fields |= {
                "channel_id": channel_id,
                "token": self._seal(channel_id, "token", token),
                "secret": self._seal(channel_id, "secret", secret),
                "state": State.PENDING.value,
            }
            return token, secret, fields
        token, known = (self._open(channel_id, name, stored[name]) for name in ("token", "secret"))
        # On new terms the old subscription goes on delivering beside the new one, and with the same secret.
        changed = stored.get("terms") != terms
        if changed or not renewal.new_secret_due(stored["asked_at"], stored.get("verified_at"), now):
            return token, known, fields
        secret = _new_secret()
        fields["secret"] = self._seal(channel_id, "secret", secret)
        fields["previous_secret"] = self._seal(channel_id, "previous_secret", known)
        return token, secret, fields

    def _known(self, channel_id: str, token: str) -> Mapping[str, Any]:
        stored = self._read(channel_id)
        if stored is None or not secrets.compare_digest(
            self._open(channel_id, "token", stored["token"]), token.encode()
        ):
            raise NotFound("There is no such subscription.", reason="notSubscribed")
        return stored

    def _document(self, channel_id: str) -> Any:
        return self.client.collection(COLLECTION).document(channel_id)

    def _read(self, channel_id: str) -> dict[str, Any] | None:
        found: dict[str, Any] | None = self._document(channel_id).get(**call_options()).to_dict()
        return found

    def _count(self, channel_id: str, counter: str) -> None:
        from google.cloud.firestore import Increment

        self._note(channel_id, {counter: Increment(1)})

    def _note(self, channel_id: str, fields: Mapping[str, Any]) -> None:
        """Change a subscription; one that was deleted meanwhile stays deleted."""
        from google.api_core import exceptions

        try:
            self._document(channel_id).update(dict(fields), **call_options())
        except exceptions.NotFound:
            return

    def _seal(self, channel_id: str, field: str, plain: bytes) -> dict[str, Any]:
        return self.vault.seal(plain, record=f"{COLLECTION}/{channel_id}", field=field)

    def _open(self, channel_id: str, field: str, sealed: Mapping[str, Any]) -> bytes:
        return self.vault.open(sealed, record=f"{COLLECTION}/{channel_id}", field=field)


def _new_secret() -> bytes:
    return secrets.token_hex(32).encode()
