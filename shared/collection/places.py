"""Where each channel's coverage is packed, and for which connection: one document for all channels.

    reports/places    packs: {"7": the channels of pack 7, each with its connection, as one text}

What is listed and loaded of a channel is stored for the connection that stands here. A disconnect first ends it,
then takes the channel out of its pack, and then from here; so whoever has written, and still finds the place as it
was, knows that a disconnect comes later, and finds what was written.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import count
from typing import Any, NamedTuple

from shared.cloud.firestore import Client, Store, listing, note, update, where
from shared.cloud.steps import Change, Docs, Write, reading
from shared.data_map import REPORTS
from shared.monitoring.log import log
from shared.records import UNREADABLE, compact

PATH = f"{REPORTS.path}/places"
SIZE = 25
"""Channels of a pack: their documents of a month stay well below Firestore's 1 MiB, and one task lists them."""


class Place(NamedTuple):
    """A channel's pack, and the connection that things are stored for; "" while one ends."""

    pack: int
    connection: str


Places = Mapping[str, Place]
"""By channel."""

_MEMBERS = compact(str, lambda connection: (connection,))


@dataclass
class _Packs:
    """What the document says: each pack's channels, and the packs of which that cannot be read."""

    members: dict[int, dict[str, str]]
    damaged: set[int]

    def places(self) -> dict[str, Place]:
        return {
            channel: Place(pack, connection)
            for pack, channels in self.members.items()
            for channel, connection in channels.items()
        }

    def roomy(self) -> int:
        taken = {pack for pack, channels in self.members.items() if len(channels) >= SIZE} | self.damaged
        return next(pack for pack in count() if pack not in taken)


def _packs_in(docs: Docs) -> _Packs:
    doc, found = docs[PATH], _Packs({}, set())
    stored: Mapping[str, Any] = {} if doc is None else doc.data.get("packs", {})
    for number, packed in stored.items():
        try:
            found.members[int(number)] = _MEMBERS.read(packed)
        except UNREADABLE as error:
            log("ERROR", f"pack {number} of {PATH} cannot be read", detail=repr(error))
            found.damaged.add(int(number))
    return found


def _writes(before: _Packs, after: _Packs) -> list[Write]:
    changed = [pack for pack, members in after.members.items() if members != before.members.get(pack)]
    fields = {f"packs.`{pack}`": _MEMBERS.write(after.members[pack]) for pack in changed}
    return [Write(PATH, fields)] if fields else []


def places(client: Client) -> dict[str, Place]:
    """Every channel's place. One read."""
    return _packs_in(Store(client).run(reading([PATH]))).places()


def connections(found: Places) -> dict[str, str]:
    """The connections that stand."""
    return {channel: place.connection for channel, place in found.items() if place.connection}


def left(client: Client, held: Places) -> set[str]:
    """The channels whose place is no longer what it was."""
    found = places(client) if held else {}
    return {channel for channel, place in held.items() if found.get(channel) != place}


def take(client: Client, wanted: Mapping[str, str]) -> tuple[dict[str, Place], set[str]]:
    """Give channels a place for their connections; their places, and which of them had none for these.

    One read, and a write when there are such. wanted: connections by channel.
    """
    seen = Store(client).run(reading([PATH]))
    lost = {pack: dict.fromkeys(_packed(client, pack), "") for pack in _packs_in(seen).damaged}

    def taken(docs: Docs) -> Change[tuple[dict[str, Place], set[str]]]:
        before = _packs_in(docs)
        recovered = {pack: members for pack, members in lost.items() if pack in before.damaged}
        after = _Packs({pack: dict(each) for pack, each in (before.members | recovered).items()}, before.damaged)
        known, new = after.places(), set()
        for channel, connection in wanted.items():
            place = known.get(channel)
            if place is None or place.connection != connection:
                new.add(channel)
                pack = after.roomy() if place is None else place.pack
                after.members.setdefault(pack, {})[channel] = connection
        found = after.places()
        return Change(({channel: found[channel] for channel in wanted}, new), _writes(before, after))

    return update(client, (PATH,), taken, seen=seen)


def _packed(client: Client, pack: int) -> set[str]:
    """The channels of a pack, from its documents."""
    found = listing(where(client.collection(REPORTS.path), ("pack", "==", pack)), page=20)
    return {channel for each in found for channel in (each.to_dict() or {}).get("channels", {})}


def end(client: Client, channel_id: str, connection: str) -> int | None:
    """Say that a connection ends; the channel's pack, None when this connection has no place."""
    return _change(client, channel_id, (connection, ""), lambda members: members.update({channel_id: ""}))


def _change(
    client: Client, channel_id: str, only: Iterable[str], change: Callable[[dict[str, str]], object]
) -> int | None:
    """Change a channel's pack, if the channel is there for one of these connections; answers the pack."""

    def changed(docs: Docs) -> Change[int | None]:
        before = _packs_in(docs)
        place = before.places().get(channel_id)
        if place is None or place.connection not in only:
            return Change(None)
        members = dict(before.members[place.pack])
        change(members)
        after = _Packs({**before.members, place.pack: members}, before.damaged)
        return Change(place.pack, _writes(before, after))

    return update(client, (PATH,), changed)


def forget(client: Client, channel_id: str, connection: str) -> None:
    """Delete what is known of a channel's reports for a connection that ends. Safe to repeat."""
    pack = end(client, channel_id, connection)
    if pack is not None:
        take_out(client, pack, channel_id)
        _change(client, channel_id, ("",), lambda members: members.pop(channel_id))


def take_out(client: Client, pack: int, channel_id: str) -> None:
    """Delete what a pack has of a channel."""
    from google.cloud.firestore import DELETE_FIELD

    for report_type, month in documents_of(client, pack, channel_id):
        note(client, path(report_type, pack, month), {field(channel_id): DELETE_FIELD})


def documents_of(client: Client, pack: int, channel_id: str) -> list[tuple[str, str]]:
    """The report types and months of which a pack has something of a channel."""
    of_pack = where(client.collection(REPORTS.path), ("pack", "==", pack))
    found = listing(of_pack.select(["pack", field(channel_id)]))
    named = (each.id.split(":") for each in found if (each.to_dict() or {}).get("channels"))
    return [(report_type, "".join(month)) for report_type, _, *month in named]


def path(report_type: str, pack: int, month: str = "") -> str:
    """Where the jobs of a pack are, or its days of a month."""
    return f"{REPORTS.path}/{report_type}:{pack}" + (f":{month}" if month else "")


def field(channel_id: str) -> str:
    """Which field of a pack's document is a channel's."""
    return f"channels.`{channel_id}`"
