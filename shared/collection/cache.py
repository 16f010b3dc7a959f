"""What YouTube, or the warehouse, answered about a channel lately: read once, whoever asks, and kept for a while.

    cache/<channel>    entries (one text), leases, generation, expires_at

After its `LIFE` an answer is read anew, and served with its age only where nothing newer can be had. Of several
who miss an entry at once one reads it, under a lease with an end; the others wait, for a bounded time. What a
notification or a write of our own has changed counts no more: `invalidate` raises the generation, and an entry
counts in the one in which its reading began. A hit costs one read of a document; a miss one more, and two writes.
"""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Annotated, Any

from shared import data_map
from shared.clock import Clock
from shared.cloud.calls import call_options
from shared.cloud.firestore import Client, Store, listing, update
from shared.cloud.steps import PRESENT, Change, Commit, Doc, Docs, Write, only, reading
from shared.errors import Unavailable
from shared.monitoring.readable import or_told
from shared.records import Codec, Mapper

LIFE: Mapping[str, timedelta] = {
    "channel": timedelta(hours=24),
    "video": timedelta(hours=1),
    "analytics": timedelta(minutes=30),
    "reports": timedelta(hours=13),  # of the warehouse, which is asked anew for all every twelve (`week_answers`)
}
"""By the first word of a key, as the guide has them (2.2, 4.1): how long an answer counts."""
TOLD = frozenset({"channel", "video"})
"""Kinds that a notification, or a write of ours, changes."""
LEASE = timedelta(seconds=90)
"""How long a reading may take: a token, a call, and its limits."""
WAIT = timedelta(seconds=20)
"""How long others wait for one who reads."""
_LOOK = timedelta(milliseconds=500)
_BYTES_MAX = 900_000  # of the MiB that a document may have


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One answer. fetched_at: when it was asked for. etag: as YouTube gave it. value: JSON."""

    fetched_at: datetime
    generation: int = 0
    etag: str = ""
    value: Any

    def parts(self) -> list[Any]:
        return [self.fetched_at.timestamp(), self.generation, self.etag, self.value]


@dataclass(frozen=True, kw_only=True)
class Lease:
    """Somebody reads an entry, until then at most."""

    holder: str
    until: datetime


@dataclass(frozen=True, kw_only=True)
class Entries:
    """What is kept of a channel."""

    channel_id: str
    entries: Annotated[Mapping[str, Entry], Codec(_read, _written)] = field(default_factory=dict)
    leases: Mapping[str, Lease] = field(default_factory=dict)
    generation: int = 0

    def alive(self, key: str, now: datetime) -> bool:
        """Whether an entry answers without being read again."""
        entry = self.entries.get(key)
        return entry is not None and self.current(key) and now - entry.fetched_at < LIFE[kind_of(key)]

    def of(self, keys: Iterable[str]) -> dict[str, Entry]:
        return {key: self.entries[key] for key in keys if key in self.entries}

    def current(self, key: str) -> bool:
        """Whether nothing is known to have changed an entry since it was read."""
        return kind_of(key) not in TOLD or self.entries[key].generation == self.generation


Fetch = Callable[[Sequence[str]], Mapping[str, tuple[Any, str]]]
"""Reads some keys: the value and the ETag of each that was answered. Raises errors of `shared.errors`."""


def kind_of(key: str) -> str:
    return key.partition(":")[0]


class Look:
    """What is kept of a channel, alive or not, as somebody sees it who may read some of it anew. A context.

    One read; what it `read`s is written with its next reading. sleep: waits for who is reading.
    """

    def __init__(
        self, client: Client, channel_id: str, clock: Clock, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._client, self._channel_id, self._clock, self._sleep = client, channel_id, clock, sleep
        self._store, self._holder = Store(client), secrets.token_hex(8)
        self._found, self._fetched = dict[str, Entry](), False
        self._seen: Docs | None = None
        self.entries, _ = self._changed((), clock())

    def __enter__(self) -> Look:
        return self

    def __exit__(self, *_raised: object) -> None:
        """Keep what was fetched last, and end the leases, whatever came of it."""
        self._changed((), self._clock())
        from shared.collection import gone  # with all of the warehouse's rooms, which `invalidate` does not need

        if self._fetched and not gone.connections(self._client, [self._channel_id]):
            self._client.document(path(self._channel_id)).delete(**call_options())

    def read(self, keys: Iterable[str], fetch: Fetch) -> Entries:
        """What is kept once these keys are alive, or were not answered: those that are not are fetched, once.

        Raises what `fetch` raises; Unavailable (reason "beingRead") when who reads takes too long.
        """
        left, ends = list(keys), self._clock() + WAIT
        while True:
            now = self._clock()
            held, mine = self._changed(left, now)
            if mine:
                self._found = {
                    key: Entry(value=value, fetched_at=now, generation=held.generation, etag=etag)
                    for key, (value, etag) in fetch(mine).items()
                }
                self._fetched = self._fetched or bool(self._found)
            self.entries = replace(held, entries={**held.entries, **self._found})
            left = [key for key in left if key not in mine and not held.alive(key, now)]
            if not left:
                return self.entries
            if self._clock() >= ends:
                until = max((held.leases[key].until for key in left if key in held.leases), default=now)
                message = "Somebody else is reading the same, and takes long. Ask again."
                raise Unavailable(message, reason="beingRead", retry_at=until)
            if not mine:
                self._sleep(_LOOK.total_seconds())
                self._seen = None

    def _changed(self, keys: Sequence[str], now: datetime) -> tuple[Entries, Sequence[str]]:
        """Keep what was fetched and lease some keys, in one commit upon what was seen last; see `_step`."""
        at = path(self._channel_id)
        if self._seen is None:
            self._seen = self._store.run(reading([at]))
        decide = partial(self._step, keys, now)
        updated = self._store.update([at], decide, seen=self._seen)
        held, mine = updated.result
        if version := updated.versions.get(at):
            self._seen, self._found = Docs({at: Doc(ENTRIES.fields(held), version)}, self._seen.at), {}
        return held, mine

    def _step(self, keys: Sequence[str], now: datetime, docs: Docs) -> Change[tuple[Entries, Sequence[str]]]:
        """Keep what was fetched, unless somebody has read it later, and end our leases; take one for whichever of
        these keys is not alive, and nobody else's. Answers which. What ended meanwhile stays ended."""
        held, holder, newer = _of(self._channel_id, docs), self._holder, dict[str, Entry]()
        if docs[path(self._channel_id)]:
            for key, each in self._found.items():
                if key not in held.entries or held.entries[key].fetched_at <= each.fetched_at:
                    newer[key] = each
        leases = {key: each for key, each in held.leases.items() if each.until > now and each.holder != holder}
        kept = replace(held, entries={**held.entries, **newer}, leases=leases)
        mine = [key for key in keys if key not in leases and not kept.alive(key, now)]
        if not (mine or newer or any(each.holder == holder for each in held.leases.values())):
            return Change((kept, ()))
        kept = replace(kept, leases=leases | {key: Lease(holder=holder, until=now + LEASE) for key in mine})
        return Change((kept, mine), [_write(kept, now)])


def invalidate(client: Client, channel_id: str) -> None:
    """What is kept of a channel and its videos counts no more. One write; none where nothing is kept."""
    Store(client).run(only(Commit((Write(path(channel_id), add={"generation": 1}, only_if=PRESENT),))))


def looked_at(client: Client, now: datetime) -> list[str]:
    """The channels of which something is kept: those that somebody looked at within two days. One read each."""
    kept = listing(client.collection(data_map.CACHE.path).select([data_map.EXPIRY]), page=1_000)
    return [each.id for each in kept if (each.to_dict() or {}).get(data_map.EXPIRY, now) > now]


def keep(client: Client, channel_id: str, found: Mapping[str, Entry], now: datetime) -> None:
    """Keep what was asked about many channels at once; nothing of one that is gone, and no document for longer."""

    def decide(docs: Docs) -> Change[None]:
        if docs[path(channel_id)] is None:
            return Change(None)
        held = _of(channel_id, docs)
        write = _write(replace(held, entries={**held.entries, **found}), now)
        kept = {name: value for name, value in write.fields.items() if name != data_map.EXPIRY}
        return Change(None, [replace(write, fields=kept)])

    update(client, [path(channel_id)], decide)


ENTRIES = Mapper(Entries, data_map.CACHE.path, key="channel_id")
path = ENTRIES.path
"""A channel's document."""


def _of(channel_id: str, docs: Docs) -> Entries:
    """What a channel's document holds. One that cannot be read is as good as none."""
    doc = docs[path(channel_id)]
    read = partial(ENTRIES.read, channel_id, doc.data if doc else None)
    return or_told(read) or Entries(channel_id=channel_id)


def _read(text: str) -> dict[str, Entry]:
    return {
        key: Entry(value=value, fetched_at=datetime.fromtimestamp(at, UTC), generation=generation, etag=etag)
        for key, (at, generation, etag, value) in json.loads(text).items()
        if kind_of(key) in LIFE
    }


def _written(entries: Mapping[str, Entry]) -> str:
    return json.dumps({key: each.parts() for key, each in entries.items()})


def _write(held: Entries, now: datetime) -> Write:
    """What stores the entries: those that may be kept, the newest first, as many as a document holds."""
    kept, size = dict[str, Entry](), 2
    for key, each in sorted(held.entries.items(), key=lambda item: item[1].fetched_at, reverse=True):
        size += len(key) + len(json.dumps(each.parts())) + 6
        if size > _BYTES_MAX or data_map.CACHE.expiry(each.fetched_at) <= now:
            break
        kept[key] = each
    fields = ENTRIES.fields(replace(held, entries=kept))
    about = {"expires_at": data_map.CACHE.expiry(now), "channel_id": held.channel_id}
    return Write(path(held.channel_id), fields | about)
