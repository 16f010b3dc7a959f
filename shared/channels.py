"""Connected channels as the rest of the system sees them: `channels/<channel id>`.

Who owns it, what it is called, what it can do and why not, what state its connection is in, and when each report
type was last collected. No secrets: those are in `grants`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from shared.cloud.firestore import patience
from shared.data_map import CHANNELS
from shared.errors import NotFound
from shared.tokens.health import CONNECTED, TROUBLED

if TYPE_CHECKING:
    from google.cloud.firestore import Client

COLLECTION = CHANNELS.path
WORKING = (CONNECTED, TROUBLED)
"""States in which work for a channel makes sense."""


@dataclass(frozen=True)
class Capability:
    """Whether a connection can do one thing, and if not, why.

    reason: "granted"; "unticked" (asked for, and not given); "notAsked" (never asked for).
    """

    have: bool
    reason: str


@dataclass(frozen=True)
class Channel:
    """One connected channel. last_sync: report type -> when it was last collected whole."""

    channel_id: str
    user_id: str
    google_account: str | None
    title: str
    uploads_playlist: str | None
    state: str
    state_reason: str
    state_since: datetime
    capabilities: Mapping[str, Capability]
    connected_at: datetime
    last_sync: Mapping[str, datetime]
    warnings: Mapping[str, datetime]

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


def get(client: Client, channel_id: str) -> Channel:
    """One channel. Raises NotFound (reason "notConnected") when it is not connected."""
    snapshot = client.document(COLLECTION, channel_id).get(**patience())
    fields = snapshot.to_dict()
    if fields is None:
        raise NotFound("This channel is not connected.", reason="notConnected")
    return read(channel_id, fields)


def list_all(
    client: Client, *, user_id: str | None = None, states: Iterable[str] | None = None
) -> Iterator[Channel]:
    """Channels in the order of their ids; of one user, or in some states, if asked."""
    from google.cloud.firestore_v1.base_query import FieldFilter  # noqa: PLC0415 - Firestore is loaded by then

    query: Any = client.collection(COLLECTION)
    if user_id is not None:
        query = query.where(filter=FieldFilter("user_id", "==", user_id))
    if states is not None:
        query = query.where(filter=FieldFilter("state", "in", list(states)))
    for snapshot in sorted(query.stream(**patience()), key=lambda found: found.id):
        yield read(snapshot.id, snapshot.to_dict())


def record_sync(client: Client, channel_id: str, report_types: Iterable[str], at: datetime) -> None:
    """Remember that report types were collected whole. A channel that is gone by then is no error."""
    from google.api_core import exceptions  # noqa: PLC0415

    try:
        changes = {f"last_sync.`{report_type}`": at for report_type in report_types}
        client.document(COLLECTION, channel_id).update(changes, **patience())
    except exceptions.NotFound:
        return


def set_capability(client: Client, channel_id: str, feature: str, capability: Capability) -> None:
    """Record what YouTube answered about a feature, e.g. revenue of a channel that is not monetised."""
    from google.api_core import exceptions  # noqa: PLC0415

    change = {"have": capability.have, "reason": capability.reason}
    try:
        client.document(COLLECTION, channel_id).update({f"capabilities.`{feature}`": change}, **patience())
    except exceptions.NotFound:
        return


def read(channel_id: str, fields: Mapping[str, Any]) -> Channel:
    """A document's fields as a Channel."""
    return Channel(
        channel_id=channel_id,
        user_id=fields["user_id"],
        google_account=fields.get("google_account"),
        title=fields["title"],
        uploads_playlist=fields.get("uploads_playlist"),
        state=fields["state"],
        state_reason=fields.get("state_reason", ""),
        state_since=fields.get("state_since", fields["connected_at"]),
        capabilities={
            name: Capability(have=found["have"], reason=found["reason"])
            for name, found in fields.get("capabilities", {}).items()
        },
        connected_at=fields["connected_at"],
        last_sync=fields.get("last_sync", {}),
        warnings=fields.get("warnings", {}),
    )
