"""Coverage as it lies in its packs: put there for a test, changed for one channel, and looked at."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from datetime import date
from typing import Any

from shared.collection import gone, packs, places
from shared.collection.coverage import Days
from shared.collection.jobs import Job
from shared.collection.packs import Part
from shared.collection.statistics import state
from shared.data_map import REPORTS


def place(client: Any, *channels: str) -> None:
    """Give channels a place for their connections, "c" if they are not connected."""
    found = gone.connections(client, channels)
    places.take(client, {channel: found.get(channel) or "c" for channel in channels})


def put(client: Any, job: Job) -> None:
    """Store a reporting job."""
    pack = _pack(client, job.channel_id)
    packs.change(client, job.report_type, pack, [], lambda _: (None, {job.channel_id: Part(job, {})}))


def change(client: Any, channel: str, kind: str, days: Collection[date], decide: Callable[[Days], Any]) -> Any:
    """Change a channel's days."""
    return packs.change_days(client, _pack(client, channel), (channel, kind), days, decide)


def days(client: Any, channel: str, kind: str, wanted: Collection[date]) -> Days:
    """What is known of a channel in the months of some days."""
    found: Days = change(client, channel, kind, wanted, lambda days: (days, {}))
    return found


def forget(client: Any, channel: str) -> None:
    """Do what a disconnect does."""
    places.forget(client, channel, places.places(client)[channel].connection)


def forgotten(client: Any, receipt: str, channel: str) -> None:
    """Take a channel out of all that it shares with others."""
    places.forget(client, channel, receipt)
    state.forget(client, channel)


def stored(client: Any) -> Mapping[str, set[str]]:
    """Of which channels there is anything, by document."""
    found = {each.id: set((each.to_dict() or {}).get("channels", {})) for each in _documents(client)}
    return {name: channels for name, channels in found.items() if channels}


def spoil(client: Any, channel: str, kind: str, month: str = "") -> None:
    """Make a channel's part of a document unreadable."""
    where = client.document(places.path(kind, _pack(client, channel), month))
    where.update({f"channels.`{channel}`": b"spoilt"})


def _documents(client: Any) -> list[Any]:
    return [each for each in client.collection(REPORTS.path).stream() if each.id != "places"]


def _pack(client: Any, channel: str) -> int:
    if channel not in places.places(client):
        place(client, channel)
    return places.places(client)[channel].pack
