"""What is known of all videos' counts, packed: an outline of all channels, and their videos by the thousand.

    video_counts/outline     who reads now, what today has cost, and of each channel what a choice looks at
    video_counts/<number>    some channels' videos: when each was read, what it counted, how it grows

Some 31 channels are read every five minutes: a document each would be 9,000 writes a day, one a video 450,000.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from functools import partial
from itertools import count
from typing import Annotated, Any, NamedTuple

from shared.cloud.firestore import Client, Store, listing, update
from shared.cloud.steps import Change, Doc, Docs, Write, reading
from shared.collection.statistics import law
from shared.collection.statistics.law import Fifty, Video
from shared.data_map import VIDEO_COUNTS
from shared.monitoring.log import log
from shared.monitoring.readable import or_told
from shared.records import UNREADABLE, Codec, Mapper, compact

OUTLINE = f"{VIDEO_COUNTS.path}/outline"
FIFTIES_A_PACK = 120  # some 135 KB: sixty packs are one commit
VIDEOS_MAX = 5_000  # of a channel; the quietest of more are read by night alone


class Entry(NamedTuple):
    """A channel in the outline. until: the minute before which it is left alone, after a refusal."""

    pack: int
    until: int = 0
    fifties: tuple[Fifty, ...] = ()


class Counted(NamedTuple):
    """A channel in its pack. connection: the one that its counts are read for."""

    connection: str
    videos: Mapping[str, Video]


Pack = dict[str, Counted]


@dataclass(frozen=True, kw_only=True)
class Outline:
    """Everything that a run begins with.

    run, run_until: who reads now, and until when nobody else does. day, spent: the Pacific day, and its calls.
    heard_at, looked_at: up to where notifications and nightly readings were heeded. entries: by channel.
    """

    run: str = ""
    run_until: datetime | None = None
    day: date | None = None
    spent: int = 0
    heard_at: datetime | None = None
    looked_at: datetime | None = None
    entries: Annotated[Mapping[str, Entry], Codec(partial(_lenient, OUTLINE, _ENTRIES), _ENTRIES.write)] = field(
        default_factory=dict
    )
    name: str = "outline"

    def roomy_pack(self, fifties: int) -> int:
        """A pack that has room for a channel."""
        sizes = Counter[int]()
        for each in self.entries.values():
            sizes[each.pack] += max(1, len(each.fifties))
        return next(pack for pack in count() if not sizes[pack] or sizes[pack] + fifties <= FIFTIES_A_PACK)


OUTLINES = Mapper(Outline, VIDEO_COUNTS.path, key="name")


def path(pack: int) -> str:
    return f"{VIDEO_COUNTS.path}/{pack}"


def outline_in(doc: Doc | None) -> Outline:
    """The outline of a document. One that cannot be read is empty; who knows no channel listens to everything."""
    outline = or_told(partial(OUTLINES.read, "outline", doc.data if doc else {})) or Outline()
    return outline if outline.entries else replace(outline, heard_at=None, looked_at=None)


def outline_write(outline: Outline) -> Write:
    return Write(OUTLINE, OUTLINES.fields(outline))


def pack_in(number: int, doc: Doc | None) -> Pack:
    """The channels of a pack's document; none, if it cannot be read."""
    return _lenient(path(number), _PACK, doc.data.get("packed") if doc else None)


def pack_write(number: int, pack: Pack) -> Write:
    return Write(path(number), {"packed": _PACK.write(pack)})


def forget(client: Client, channel_id: str) -> None:
    """Take a channel out of the outline and its pack. One that is not there changes nothing."""
    entry = outline_in(Store(client).run(reading([OUTLINE]))[OUTLINE]).entries.get(channel_id)
    if entry is None:
        return

    def forgotten(docs: Docs) -> Change[None]:
        outline, pack = outline_in(docs[OUTLINE]), pack_in(entry.pack, docs[path(entry.pack)])
        entries = {name: each for name, each in outline.entries.items() if name != channel_id}
        pack.pop(channel_id, None)
        return Change(None, [outline_write(replace(outline, entries=entries)), pack_write(entry.pack, pack)])

    update(client, (OUTLINE, path(entry.pack)), forgotten)


def recovered(client: Client, now: int) -> dict[str, Entry]:
    """The entries of an outline that was lost, from all packs."""
    return {
        channel_id: Entry(int(each.id), fifties=tuple(law.outline(counted.videos, now)))
        for each in listing(client.collection(VIDEO_COUNTS.path), page=20)
        if each.id.isdigit()
        for channel_id, counted in pack_in(int(each.id), Doc(each.to_dict() or {}, None)).items()
    }


def _lenient(name: str, codec: Codec, packed: Any) -> dict[str, Any]:
    """What is packed; nothing, if it cannot be read."""
    try:
        return codec.read(packed) if packed else {}
    except UNREADABLE as error:
        log("ERROR", f"{name} cannot be read and begins anew", detail=repr(error))
        return {}


def _entry(pack: int, until: int, fifties: Iterable[tuple[float, int]]) -> Entry:
    return Entry(pack, until, tuple((rate, at) for rate, at in fifties))


def _counted(connection: str, videos: Mapping[str, Iterable[Any]]) -> Counted:
    return Counted(connection, {name: Video(*each) for name, each in videos.items()})


_ENTRIES, _PACK = compact(_entry, list), compact(_counted, list)
