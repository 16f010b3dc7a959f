"""Connected channels as the rest of the system sees them: `channels/<channel id>`.

Who owns it, what it is called, what it can do and why not, what state its connection is in, and when each report
type was last collected. No secrets: those are in `grants`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from shared import data_map
from shared.cloud.calls import call_options
from shared.cloud.firestore import listing
from shared.monitoring.readable import readable
from shared.records import Mapper
from shared.tokens.decision import not_connected
from shared.tokens.health import CONNECTED, TROUBLED

if TYPE_CHECKING:
    from google.cloud.firestore import Client

COLLECTION = data_map.CHANNELS.path
WORKING = (CONNECTED, TROUBLED)
"""States in which work for a channel makes sense."""


@dataclass(frozen=True)
class Capability:
    """Whether a connection can do one thing, and if not, why.

    reason: "granted"; "unticked" (asked for, and not given); "notAsked" (never asked for).
    """

    have: bool
    reason: str


@dataclass(frozen=True, kw_only=True)
class Channel:
    """One connected channel. last_sync: report type -> when it was last collected whole."""

    channel_id: str
    user_id: str
    google_account: str | None = None
    title: str
    uploads_playlist: str | None = None
    state: str
    state_reason: str = ""
    state_since: datetime
    capabilities: Mapping[str, Capability] = field(default_factory=dict)
    connected_at: datetime
    last_sync: Mapping[str, datetime] = field(default_factory=dict)
    warnings: Mapping[str, datetime] = field(default_factory=dict)

    def can(self, feature: str) -> bool:
        """Whether this connection may do what the feature needs."""
        capability = self.capabilities.get(feature)
        return capability is not None and capability.have

    def collected(self, report_types: Iterable[str]) -> datetime | None:
        """Since when all of these are collected: the oldest collection of one; None while one never was."""
        times = [self.last_sync.get(report_type) for report_type in report_types]
        return min((at for at in times if at is not None), default=None) if all(times) else None

    @property
    def working(self) -> bool:
        """Whether collecting for it makes sense now."""
        return self.state in WORKING


CHANNELS = Mapper(Channel, COLLECTION, key="channel_id")


def path(channel_id: str) -> str:
    """A channel's document."""
    return f"{COLLECTION}/{channel_id}"


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
    from google.cloud.firestore_v1.base_query import FieldFilter

    query: Any = client.collection(COLLECTION).order_by(data_map.ID)
    if states is not None:
        query = query.where(filter=FieldFilter("state", "in", list(states)))
    return readable(CHANNELS, listing(query))


def gone(client: Client, channel_ids: Iterable[str]) -> list[str]:
    """Those that are not connected. One that is stored and cannot be read is not among them."""
    references = [client.document(path(channel_id)) for channel_id in channel_ids]
    found = client.get_all(references, [], **call_options()) if references else ()
    return [each.id for each in found if not each.exists]


def record_sync(client: Client, channel_id: str, report_types: Iterable[str], at: datetime) -> None:
    """Remember that report types were collected whole. A channel that is gone by then is no error."""
    _note(client, channel_id, {f"last_sync.`{report_type}`": at for report_type in report_types})


def set_capability(client: Client, channel_id: str, feature: str, capability: Capability) -> None:
    """Record what YouTube answered about a feature, e.g. revenue of a channel that is not monetised."""
    _note(client, channel_id, {f"capabilities.`{feature}`": asdict(capability)})


def _note(client: Client, channel_id: str, changes: Mapping[str, Any]) -> None:
    from google.api_core import exceptions

    try:
        client.document(path(channel_id)).update(dict(changes), **call_options())
    except exceptions.NotFound:
        return
