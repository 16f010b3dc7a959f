"""Where each channel's coverage is packed, and for which connection: one document for all channels.

    reports/places    packs: {"7": the channels of pack 7, each with its connection, as one text}

What is listed and loaded of a channel is stored for the connection that stands here. A disconnect first ends it,
then takes the channel out of its pack, and then from here; so whoever has written, and still finds the place as it
was, knows that a disconnect comes later, and finds what was written.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
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


_Packs = dict[int, dict[str, str]]
"""Each pack's channels, with their connections."""


def _packs_in(docs: Docs) -> tuple[_Packs, set[int]]:
    """What the document says; and the packs of which it cannot be read."""
    doc, found, damaged = docs[PATH], _Packs(), set[int]()
    stored: Mapping[str, Any] = {} if doc is None else doc.data.get("packs", {})
    for number, packed in stored.items():
        try:
            found[int(number)] = _MEMBERS.read(packed)
        except UNREADABLE as error:
            log("ERROR", f"pack {number} of {PATH} cannot be read", detail=repr(error))
            damaged.add(int(number))
    return found, damaged


def _places_in(packs: _Packs) -> dict[str, Place]:
    return {channel: Place(pack, at) for pack, members in packs.items() for channel, at in members.items()}


def _writes(before: _Packs, after: _Packs) -> list[Write]:
    changed = {pack: members for pack, members in after.items() if members != before.get(pack)}
    fields = {f"packs.`{pack}`": _MEMBERS.write(members) for pack, members in changed.items()}
    return [Write(PATH, fields)] if fields else []


def places(client: Client) -> dict[str, Place]:
    """Every channel's place. One read."""
    return _places_in(_packs_in(Store(client).run(reading([PATH])))[0])


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
    lost = {pack: dict.fromkeys(_packed(client, pack), "") for pack in _packs_in(seen)[1]}

    def taken(docs: Docs) -> Change[tuple[dict[str, Place], set[str]]]:
        before, damaged = _packs_in(docs)
        recovered = {pack: members for pack, members in lost.items() if pack in damaged}
        after = {pack: dict(members) for pack, members in (before | recovered).items()}
        known, new = _places_in(after), set()
        for channel, connection in wanted.items():
            place = known.get(channel)
            if place is None or place.connection != connection:
                new.add(channel)
                full = damaged | {pack for pack, members in after.items() if len(members) >= SIZE}
                pack = place.pack if place else next(pack for pack in count() if pack not in full)
                after.setdefault(pack, {})[channel] = connection
        found = _places_in(after)
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
        before, _ = _packs_in(docs)
        place = _places_in(before).get(channel_id)
        if place is None or place.connection not in only:
            return Change(None)
        members = dict(before[place.pack])
        change(members)
        return Change(place.pack, _writes(before, {place.pack: members}))

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
