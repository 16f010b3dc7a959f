"""Connected channels as the rest of the system sees them: `channels/<channel id>`.

Who owns it, what it is called, what it can do and why not, what state its connection is in, what YouTube refuses
for it, and when each report type was last collected. No secrets: those are in `grants`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal

from shared import data_map
from shared.cloud.calls import call_options
from shared.cloud.firestore import Client, documents, listing, note, update, where
from shared.cloud.steps import Change, Docs, Write
from shared.monitoring.readable import readable
from shared.records import Mapper
from shared.tokens.grants import not_connected
from shared.tokens.health import CONNECTED, TROUBLED

COLLECTION = data_map.CHANNELS.path
Look = Literal["collect_at", "analytics_at", "probe_at"]
"""The fields that say from when on a run looks at a channel: at its reports, its figures, what it is allowed."""
PROBED_EVERY = timedelta(days=7)
"""How often what a connection is allowed is probed, where nobody has used it."""
WORKING = (CONNECTED, TROUBLED)
"""States in which work for a channel makes sense."""


@dataclass(frozen=True)
class Capability:
    """Whether a connection can do one thing, and if not, why.

    reason: "granted"; "unticked" (asked for, and not given); "notAsked" (never asked for); of one that was granted
    and is lost, "withdrawn" or what YouTube said.
    """

    have: bool
    reason: str

    @property
    def lost(self) -> bool:
        """Whether it was granted, and works no more."""
        return not self.have and self.reason not in {"unticked", "notAsked"}


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """That YouTube lets one of its APIs tell nothing about a channel. reason: the row of the policy.

    until: when the API is asked again; None: not before the owner has connected the channel again.
    """

    reason: str
    since: datetime
    until: datetime | None


@dataclass(frozen=True, kw_only=True)
class VideosRead:
    """How far a channel's videos are read by night.

    at: since when all of them, and the channel itself, are read; None while something never was. videos: how many
    there are, as far as is known.
    """

    at: datetime | None
    videos: int


@dataclass(frozen=True, kw_only=True)
class Askable:
    """What of a channel decides whether YouTube is asked about it.

    listed_at: since when all its report types are listed and nothing of them is on its way; None while one never
    was. refusals: by API, as methods' ids begin.
    """

    channel_id: str
    state: str
    capabilities: Mapping[str, Capability] = field(default_factory=dict)
    connected_at: datetime | None = None
    listed_at: datetime | None = None
    refusals: Mapping[str, Refusal] = field(default_factory=dict)
    videos_read: VideosRead | None = None

    def can(self, feature: str) -> bool:
        capability = self.capabilities.get(feature)
        return capability is not None and capability.have

    @property
    def working(self) -> bool:
        """Whether collecting for it makes sense now."""
        return self.state in WORKING

    def may_ask(self, api: str, now: datetime) -> bool:
        """Whether an API of YouTube is asked about it now."""
        refusal = self.refusals.get(api)
        return self.working and (refusal is None or (refusal.until is not None and refusal.until <= now))


@dataclass(frozen=True, kw_only=True)
class Channel(Askable):
    """One connected channel.

    synced_at: since when all its report types are loaded.
    collect_at: from when on the hourly run looks whether its reports are overdue; None where none are to come.
    analytics_at: from when on the hourly run asks the Analytics API about it; None: not at all.
    probe_at: from when on the daily run probes what it is allowed. lost_at: since when a capability is lost.
    """

    user_id: str
    google_account: str | None = None
    title: str
    uploads_playlist: str | None = None
    state_reason: str = ""
    state_since: datetime
    connected_at: datetime
    synced_at: datetime | None = None
    collect_at: datetime | None = None
    analytics_at: datetime | None = None
    probe_at: datetime | None = None
    lost_at: datetime | None = None
    warnings: Mapping[str, datetime] = field(default_factory=dict)


CHANNELS = Mapper(Channel, COLLECTION, key="channel_id")
ASKABLE = Mapper(Askable, COLLECTION, key="channel_id")
path = CHANNELS.path
"""A channel's document."""


def connection_of(channel_id: str, connected_at: datetime) -> str:
    """A connection's id: the same until its channel is disconnected, another one when it is connected again."""
    return hashlib.sha256(f"{channel_id}@{connected_at.isoformat()}".encode()).hexdigest()[:24]


def get(client: Client, channel_id: str) -> Channel:
    """One channel. Raises NotFound (reason "notConnected") when it is not connected."""
    fields = client.document(path(channel_id)).get(**call_options()).to_dict()
    if fields is None:
        raise not_connected()
    return CHANNELS.read(channel_id, fields)


def list_all(client: Client, *, states: Iterable[str] | None = None) -> Iterator[Channel]:
    """Channels in the order of their ids; those in some states, if asked. What cannot be read is left out."""
    return readable(CHANNELS, listing(_in(client, states)))


def askable(client: Client, *, feature: str, api: str) -> Iterator[Askable]:
    """Working channels, with no more than what says whether an API is asked about their reports."""
    return _working(client, f"capabilities.`{feature}`", f"refusals.`{api}`", "listed_at", "connected_at")


def reading(client: Client, *, api: str) -> Iterator[Askable]:
    """Working channels, with no more than what says whether their videos are read now."""
    return _working(client, f"refusals.`{api}`", "videos_read")


def _working(client: Client, *fields: str) -> Iterator[Askable]:
    """Reading all of 10,000 channels takes four times as long; so little of each comes in larger pages."""
    return readable(ASKABLE, listing(_in(client, WORKING).select(("state", *fields)), page=1_000))


def _in(client: Client, states: Iterable[str] | None) -> Any:
    query = client.collection(COLLECTION).order_by(data_map.ID)
    return query if states is None else where(query, ("state", "in", list(states)))


def several(client: Client, channel_ids: Sequence[str]) -> dict[str, Channel]:
    """Those of these channels that are connected and can be read, by id, in the order given. One read each."""
    found = readable(CHANNELS, documents(client, COLLECTION, channel_ids))
    known = {each.channel_id: each for each in found}
    return {channel_id: known[channel_id] for channel_id in channel_ids if channel_id in known}


def due(client: Client, look: Look, now: datetime) -> Iterator[Channel]:
    """Channels that are to be looked at now, the earliest first."""
    return readable(CHANNELS, listing(where(client.collection(COLLECTION), (look, "<=", now)).order_by(look)))


def gone(client: Client, channel_ids: Iterable[str]) -> list[str]:
    """Those that are not connected. One that is stored and cannot be read is not among them."""
    asked = set(channel_ids)
    return sorted(asked - {each.id for each in documents(client, COLLECTION, asked, [])})


def record_listed(
    client: Client, channel_id: str, *, listed_at: datetime, synced_at: datetime | None, collect_at: datetime
) -> None:
    """Remember since when all report types are listed, and loaded, and from when on the hourly run looks again."""
    note(client, path(channel_id), {"listed_at": listed_at, "synced_at": synced_at, "collect_at": collect_at})


def look_again(client: Client, channel_id: str, look: Look, at: datetime | None) -> None:
    """Remember from when on a channel is looked at; None: not at all."""
    note(client, path(channel_id), {look: at})


def set_refusal(client: Client, channel_id: str, api: str, refusal: Refusal) -> None:
    """Remember that YouTube tells nothing about a channel through an API."""
    note(client, path(channel_id), {f"refusals.`{api}`": asdict(refusal)})


def end_refusal(client: Client, channel_id: str, api: str) -> None:
    """Remember that an API tells of a channel again."""
    from google.cloud.firestore import DELETE_FIELD

    note(client, path(channel_id), {f"refusals.`{api}`": DELETE_FIELD})


def set_capabilities(
    client: Client, channel_id: str, found: Mapping[str, Capability], now: datetime, *, probe_at: datetime | None
) -> None:
    """Record what YouTube or Google answered about capabilities, unless the owner has connected again since `now`.

    probe_at: when what it is allowed is probed again; None: at the next run.
    """
    where_it_is = path(channel_id)

    def decide(docs: Docs) -> Change[None]:
        stored = docs[where_it_is]
        if stored is None or stored.data["state_since"] > now:
            return Change(None)
        held = {name: Capability(**each) for name, each in stored.data.get("capabilities", {}).items()}
        held |= found
        lost = any(each.lost for each in held.values())
        fields = {"capabilities": {name: asdict(each) for name, each in held.items()}, "probe_at": probe_at or now}
        since = stored.data.get("lost_at") or now
        return Change(None, [Write(where_it_is, {**fields, "lost_at": since if lost else None})])

    update(client, [where_it_is], decide)
