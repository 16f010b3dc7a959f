"""What is known of all videos' counts, packed: an outline of all channels, and their videos by the thousand.

    video_counts/outline     who reads now, what today has cost, and of each channel what a choice looks at
    video_counts/<number>    some channels' videos: when each was read, what it counted, how it grows

Some 31 channels are read every five minutes: a document each would be 9,000 writes a day, one a video 450,000.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from functools import partial
from itertools import count
from typing import Annotated, Any, NamedTuple

from shared.cloud.firestore import Client, Store, listing, update
from shared.cloud.steps import Change, Doc, Docs, Listing, Together, Write, only, reading
from shared.collection import readings, videos
from shared.collection.statistics import law
from shared.collection.statistics.law import Fifty, Video, rate_at
from shared.data_map import VIDEO_COUNTS, VIDEO_READINGS, VIDEOS
from shared.errors import CorruptData
from shared.monitoring.log import log
from shared.monitoring.readable import or_told
from shared.records import UNREADABLE, Codec, Mapper, compact

OUTLINE = f"{VIDEO_COUNTS.path}/outline"
_NOTICES, _CHANNELS = 300, 20  # of one run: what there is besides is the next one's
_EVER = datetime.fromtimestamp(0, UTC)
_OVERLAP = timedelta(minutes=2)  # clocks differ, and a write takes its time
_YOUNG = 2 * 24 * 60  # minutes for which a video that no nightly listing has yet is not taken for gone
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
    try:
        outline = OUTLINES.read("outline", doc.data if doc else {})
    except CorruptData as error:
        log("ERROR", f"{OUTLINE} cannot be read and begins anew", detail=error.message)
        return Outline()
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


@dataclass(frozen=True, kw_only=True)
class News:
    """What was heard since the last run. new: by channel, videos and the minutes of their publication.

    listed: by channel, all of its videos. heard_at, looked_at: from where the next run listens.
    """

    new: Mapping[str, Mapping[str, int]]
    listed: Mapping[str, frozenset[str]]
    heard_at: datetime | None
    looked_at: datetime | None


def news(client: Client, heard_at: datetime | None, looked_at: datetime | None, now: datetime) -> News:
    """What is new since these instants; where there is none, all that nights list, and the youngest."""
    notices = Listing(
        VIDEOS.path,
        above=("heard_at", heard_at or now - timedelta(minutes=_YOUNG)),
        order="heard_at",
        limit=_NOTICES,
        only=("channel_id", "published", "state", "heard_at"),
    )
    nightly = Listing(
        VIDEO_READINGS.path, above=("looked_at", looked_at or _EVER), order="looked_at", limit=_CHANNELS
    )
    heard, looked = Store(client).run(only(Together((notices, nightly))))
    new = defaultdict[str, dict[str, int]](dict)
    for video_id, doc in heard.items():
        published = doc.data.get("published")
        if doc.data["state"] != videos.Change.DELETED and published is not None:
            new[doc.data["channel_id"]][video_id] = minute(published)
    heard_at, looked_at = _next(heard, "heard_at", _NOTICES, now), _next(looked, "looked_at", _CHANNELS, now)
    return News(new=new, listed=dict(_listed(looked)), heard_at=heard_at, looked_at=looked_at)


def minute(instant: datetime) -> int:
    """An instant in minutes since 1970."""
    return int(instant.timestamp() // 60)


def merged(
    known: Mapping[str, Video], new: Mapping[str, int], listed: Collection[str] | None, now: int
) -> dict[str, Video]:
    """A channel's videos after what was heard. listed: all of them; None when they were not listed anew."""
    kept = {
        name: each
        for name, each in known.items()
        if listed is None or name in listed or now - each.published < _YOUNG
    }
    found = (
        {name: Video() for name in listed or ()} | {name: Video(published=at) for name, at in new.items()} | kept
    )
    if len(found) <= VIDEOS_MAX:
        return found
    order = sorted(found, key=lambda name: (found[name].read > 0, -rate_at(found[name], now)))
    return {name: found[name] for name in order[:VIDEOS_MAX]}


def _next(found: Mapping[str, Doc], field: str, limit: int, now: datetime) -> datetime:
    """From where the next run listens: from the last one, if there may be more."""
    last = max((doc.data[field] for doc in found.values()), default=now)
    return last if len(found) >= limit else now - _OVERLAP


def _listed(documents: Mapping[str, Doc]) -> Iterator[tuple[str, frozenset[str]]]:
    for doc in documents.values():
        stored = or_told(partial(readings.stored, doc.data["channel_id"], doc.data))
        if stored is not None:
            yield stored.channel_id, frozenset(stored.videos)
