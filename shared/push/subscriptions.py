"""Keeps one subscription a channel, at an address that nobody can guess, and believes only what its hub signs.

    subscriptions/<channel>    state, lease, when to ask next, what was asked for, counters, what polling saw

The hub verifies asynchronously, so asking and being subscribed are two steps; a renewal leaves the running
subscription as it is until the hub has verified the new lease. Addresses and secrets are derived (`keys.py`): to
judge a request nothing is read. That a subscription's document stands says that we want it.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from shared.clock import Clock
from shared.cloud.calls import call_options
from shared.cloud.firestore import Client, DocumentSnapshot, documents, listing, note, update, where
from shared.cloud.steps import Change, Docs, Write
from shared.data_map import SUBSCRIPTIONS
from shared.monitoring.log import log
from shared.monitoring.readable import or_told, readable
from shared.push import hub, renewal, verification
from shared.push.keys import HubKeys
from shared.push.renewal import Standing
from shared.push.verification import State
from shared.records import Mapper
from shared.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable

    import urllib3

COLLECTION = SUBSCRIPTIONS.path
STANDINGS = Mapper(Standing, COLLECTION, key="channel_id")
_STANDING = ("state", "lease_until", "next_ask", "last_notification", "terms", "topic", "verified")
_PATHS = ("/xml/feeds/videos.xml", "/feeds/videos.xml")
"""Of a topic: YouTube has documented both, and names the first in what it sends."""
TOLD_EVERY = timedelta(minutes=1)
"""How often an instance writes down how many of a channel's notifications it refused, however many come."""


class _Tally:
    """Counts that are not written down yet, by channel. Safe for threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: dict[str, Counter[str]] = {}
        self._told: dict[str, datetime] = {}

    def ripe(self, channel_id: str, counter: str, now: datetime) -> Counter[str]:
        """Count one more, and take what is to be written down now: at once what is the first for a while."""
        with self._lock:
            counts = self._counts.setdefault(channel_id, Counter())
            counts[counter] += 1
            told = self._told.get(channel_id)
            if told is not None and now - told < TOLD_EVERY:
                return Counter()
            self._told[channel_id] = now
            return self._counts.pop(channel_id)


@dataclass(frozen=True)
class Push:
    """The push room's parts. client, http: asked for on first use, for most requests need neither."""

    client: Callable[[], Client]
    keys: Callable[[], HubKeys]
    settings: Settings
    http: Callable[[], urllib3.PoolManager]
    clock: Clock
    _tally: _Tally = field(default_factory=_Tally)

    def topics(self, channel_id: str) -> tuple[str, str]:
        """The two addresses of the feed that a channel's subscription is about, the set one first."""
        base, query = self.settings.topic_url, urlencode({"channel_id": channel_id})
        root = next((base.removesuffix(path) for path in _PATHS if base.endswith(path)), None)
        other = base if root is None else next(root + path for path in _PATHS if root + path != base)
        return f"{base}?{query}", f"{other}?{query}"

    def terms(self, channel_id: str) -> str:
        """What settings make of a channel's subscription: hub, topic, where our callback is, and the key."""
        topic, _ = self.topics(channel_id)
        return f"{self.settings.hub_url} {topic} {self.settings.api_url} {self.keys().version}"

    def standings(self) -> dict[str, Standing]:
        """Every subscription that can be read, by its channel. One read each."""
        return _by_channel(listing(self._all.select(_STANDING)))

    def due(self, now: datetime) -> dict[str, Standing]:
        """The subscriptions for which the hub has to be asked. One read each."""
        due = where(self._all.select(_STANDING), ("next_ask", "<=", now))
        return _by_channel(listing(due.order_by("next_ask")))

    def standings_of(self, channel_ids: Iterable[str]) -> dict[str, Standing]:
        """The subscriptions of these channels, as far as there are any. One read each."""
        return _by_channel(documents(self.client(), COLLECTION, sorted(set(channel_ids)), _STANDING))

    def subscribe(self, channel_id: str) -> None:
        """Ask the hub for a subscription, or for a longer lease of the one there is.

        That it is wanted is stored before the hub hears of it: its verification can arrive before its answer.
        Raises Unavailable (retry_at as the hub asks) when it refuses.
        """
        path, now = f"{COLLECTION}/{channel_id}", self.clock()
        topics, terms = self.topics(channel_id), self.terms(channel_id)

        def decide(docs: Docs) -> Change[str]:
            stored = docs[path]
            # Of what cannot be read, none: it is asked for anew.
            standing = or_told(partial(STANDINGS.read, channel_id, stored.data)) if stored else None
            same = standing is not None and standing.terms == terms
            topic = renewal.topic_to_ask(standing if same else None, topics)
            fields = {
                "channel_id": channel_id,
                "asked_at": now,
                "next_ask": now + renewal.ASK_AGAIN,
                "terms": terms,
                "topic": topic,
            }
            if standing is None:
                fields["state"] = State.PENDING.value
            return Change(topic, [Write(path, fields)])

        topic = update(self.client(), [path], decide)
        self._ask(topic, channel_id, self.keys().secret(channel_id))

    def unsubscribe(self, channel_id: str) -> None:
        """Forget the subscription of a channel that is gone, and have the hub forget it. Raises Unavailable."""
        self._document(channel_id).delete(**call_options())
        for topic in self.topics(channel_id):
            self._ask(topic, channel_id, None)

    def _ask(self, topic: str, channel_id: str, secret: str | None) -> None:
        callback = f"{self.settings.api_url}/webhooks/youtube/{channel_id}/{self.keys().token(channel_id)}"
        hub.ask(
            self.http(), self.settings.hub_url, topic=topic, callback=callback, secret=secret, now=self.clock()
        )

    def seen(self, channel_id: str) -> dict[str, str] | None:
        """What the last poll saw of a channel's uploads, as `remember` was told; None before the first."""
        stored = self._document(channel_id).get(["seen"], **call_options()).to_dict() or {}
        found: dict[str, str] | None = stored.get("seen")
        return found

    def remember(self, channel_id: str, seen: Mapping[str, str]) -> None:
        """Note what a poll saw. A channel that is gone by then is no error."""
        self._note(channel_id, {"seen": dict(seen), "polled_at": self.clock()})

    def verify(self, channel_id: str, query: Mapping[str, str]) -> str:
        """The challenge to echo to the hub at a channel's address. Raises NotFound unless we asked for that.

        Writing is the check: only what is wanted has a document. An unsubscription is confirmed where it has none.
        """
        now = self.clock()
        answer = verification.answer(query, topics=self.topics(channel_id), now=now)
        if answer.state is State.ENDED:
            wanted = self._document(channel_id).get([], **call_options()).exists
        else:
            fields = {"state": answer.state.value, "lease_until": answer.lease_until}
            fields["next_ask"] = renewal.next_ask(answer.state, answer.lease_until, now)
            if answer.state is State.ACTIVE:
                fields |= {"verified_at": now, "verified": query["hub.topic"]}
            wanted = self._note(channel_id, fields)
        if wanted == (answer.state is State.ENDED):
            raise verification.not_asked_for()
        return answer.challenge

    def count(self, channel_id: str, counter: str) -> None:
        """Count on the subscription and in the log, without a write for each of a flood.

        What an instance dies with is lost.
        """
        if counts := self._tally.ripe(channel_id, counter, self.clock()):
            from google.cloud.firestore import Increment

            log("WARNING", "notifications that do not count", channel=channel_id, **counts)
            self._note(channel_id, {name: Increment(count) for name, count in counts.items()})

    @property
    def _all(self) -> Any:
        return self.client().collection(COLLECTION)

    def _document(self, channel_id: str) -> Any:
        return self._all.document(channel_id)

    def _note(self, channel_id: str, fields: Mapping[str, Any]) -> bool:
        return note(self.client(), f"{COLLECTION}/{channel_id}", fields)


def heard(client: Client, channel_id: str, at: datetime, delay: timedelta) -> None:
    """Note that a notification came, so long after what it tells of."""
    told = {"last_notification": at, "last_delay": delay.total_seconds()}
    note(client, f"{COLLECTION}/{channel_id}", told)


def _by_channel(found: Iterable[DocumentSnapshot[Any]]) -> dict[str, Standing]:
    return {each.channel_id: each for each in readable(STANDINGS, found)}
