"""The coverage as Firestore holds it: for each report type, the channels of a pack together.

    reports/<report type>:<pack>              channels: each one's reporting job (`jobs`); at_risk: of how many
    reports/<report type>:<pack>:<yyyy-mm>    channels: each one's days of a month (`coverage`)

A listing and a load are of one report type and mostly of one pack, so each reads and writes two or three
documents. Each channel's part is a text in a field of its own: one that cannot be read is nobody else's trouble.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from functools import partial
from typing import Any, NamedTuple

from shared import channels
from shared.cloud.firestore import Client, DocumentSnapshot, Store, documents, listing, update
from shared.cloud.steps import Change, Docs, Result, Write, reading
from shared.collection import places
from shared.collection.coverage import MONTHS, Day, Days, Month, Outcome, opened, recorded, unloaded
from shared.collection.jobs import JOBS, Job, name_of
from shared.collection.places import Places
from shared.collection.planner import STALE
from shared.data_map import REPORTS
from shared.monitoring.readable import or_told

_PAGE = 20  # documents of one call of a listing: each may have some 100 KB


class Part(NamedTuple):
    """What changes of a channel: its job, as it is then but for the days that change, and those."""

    job: Job | None
    days: Days


@dataclass(frozen=True, kw_only=True)
class Pack:
    """What is stored of a report type for a pack's channels. months: "" for the jobs; each a text by channel."""

    number: int
    report_type: str
    months: Mapping[str, Mapping[str, bytes]] = field(default_factory=dict)

    def __contains__(self, channel_id: str) -> bool:
        """Whether a channel has a job."""
        return channel_id in self.months.get("", {})

    def job(self, channel_id: str) -> Job | None:
        """A channel's job, if it has one. Raises CorruptData."""
        text = self.months.get("", {}).get(channel_id)
        return None if text is None else JOBS.unpacked(name_of(channel_id, self.report_type), text)

    def jobs(self) -> Iterator[Job]:
        """All jobs; one that cannot be read is told and left out."""
        for channel_id in self.months.get("", {}):
            job = or_told(partial(self.job, channel_id))
            if job is not None:
                yield job

    def month(self, channel_id: str, month: str) -> Month:
        """A channel's days of a month, as far as it has any. Raises CorruptData."""
        name, text = f"{channel_id}:{self.report_type}:{month}", self.months.get(month, {}).get(channel_id)
        if text is None:
            return Month(name=name, channel_id=channel_id, report_type=self.report_type)
        return MONTHS.unpacked(name, text)

    def days(self, channel_id: str) -> dict[date, Day]:
        """A channel's days in all months that were read. Raises CorruptData."""
        read = (self.month(channel_id, month) for month in self.months if month)
        return {date.fromisoformat(day): entry for month in read for day, entry in month.days.items()}

    def known(self, channel_id: str) -> tuple[Job | None, dict[date, Day]] | None:
        """A channel's job and days; None if they cannot be read, which is told."""
        return or_told(lambda: (self.job(channel_id), self.days(channel_id)))


Decide = Callable[[Pack], tuple[Result, Mapping[str, Part]]]
"""From what is stored to a result and what changes, by channel. May be asked again, with something newer."""


def read(client: Client, report_type: str, pack: int) -> tuple[Pack, Docs]:
    """The jobs of a pack, and its document for a change that follows. One read."""
    docs = Store(client).run(reading([places.path(report_type, pack)]))
    return _pack(report_type, pack, [], docs), docs


def change(
    client: Client,
    report_type: str,
    pack: int,
    days: Collection[date],
    decide: Decide[Result],
    *,
    seen: Docs | None = None,
) -> Result:
    """Apply a decision about a report type and some of a pack's channels; it sees the months of `days`, whole.

    One read and one write for the jobs and each month, all or none. seen: the jobs' document, as read just now.
    """
    months = _months(days)
    paths = [places.path(report_type, pack, month) for month in ["", *months]]
    if seen is not None and months:
        stored = Store(client).run(reading(paths[1:]))
        seen = Docs({**stored, **seen}, stored.at)

    def decided(docs: Docs) -> Change[Result]:
        stored = _pack(report_type, pack, months, docs)
        result, parts = decide(stored)
        return Change(result, _writes(stored, parts))

    return update(client, paths, decided, seen=seen)


def change_days(
    client: Client,
    pack: int,
    about: tuple[str, str],
    days: Collection[date],
    decide: Callable[[Days], tuple[Result, Days]],
) -> Result:
    """Apply a decision about the days of one channel and report type. Raises CorruptData."""
    channel_id, report_type = about

    def decided(stored: Pack) -> tuple[Result, Mapping[str, Part]]:
        result, changed = decide(stored.days(channel_id))
        return result, {channel_id: Part(stored.job(channel_id), changed)} if changed else {}

    return change(client, report_type, pack, days, decided)


Moved = tuple[Job | None, Job]
"""A job before and after a change."""


def record(
    client: Client,
    found: Places,
    report_type: str,
    outcomes: Iterable[Outcome],
    *,
    now: datetime,
    report_types: Collection[str],
) -> None:
    """Note what became of reports of one type, one of those that are collected.

    Nothing is noted of channels without a place, nor of one whose coverage cannot be read, which is told.
    """
    by_pack = defaultdict[int, dict[str, list[Outcome]]](lambda: defaultdict(list))
    for outcome in outcomes:
        if place := found.get(outcome.ref.channel_id):
            by_pack[place.pack][outcome.ref.channel_id].append(outcome)

    def decide(about: Mapping[str, list[Outcome]], stored: Pack) -> tuple[dict[str, Moved], dict[str, Part]]:
        moved, parts = dict[str, Moved](), dict[str, Part]()
        for channel_id, some in about.items():
            if (known := stored.known(channel_id)) is None:
                continue
            job, changed = known[0], recorded(some, known[1])
            if job is not None:
                after = opened(job, changed).settled(now)
                moved[channel_id], job = (job, after), after
            if changed or (job and job.listed_at == now):
                parts[channel_id] = Part(job, changed)
        return moved, parts

    for pack, about in sorted(by_pack.items()):
        days = {each.ref.day for some in about.values() for each in some}
        moved = change(client, report_type, pack, days, partial(decide, about))
        note_settled(client, pack, report_type, moved, report_types)


def unload(client: Client, channel_id: str, connection: str) -> None:
    """Take back that reports are loaded which a connection has loaded; the next run dispatches them."""
    place = places.places(client).get(channel_id)
    if place is not None:
        for report_type, month in places.documents_of(client, place.pack, channel_id):
            if month:
                first, decide = date.fromisoformat(f"{month}-01"), lambda days: (None, unloaded(connection, days))
                change_days(client, place.pack, (channel_id, report_type), [first], decide)


def jobs(client: Client, channel_ids: Iterable[str], report_types: Iterable[str]) -> list[Job]:
    """The jobs of some channels, as far as there are any that can be read. One read, and one a type and pack."""
    every = places.places(client)
    asked = {channel_id: every[channel_id].pack for channel_id in channel_ids if channel_id in every}
    packs = sorted(set(asked.values()))
    names = (places.path(kind, pack).rpartition("/")[2] for kind in report_types for pack in packs)
    found = documents(client, REPORTS.path, names) if asked else ()
    return [job for each in found for job in _jobs_in(each) if job.channel_id in asked]


def every(client: Client) -> tuple[list[Job], list[tuple[int, str]]]:
    """All jobs of all channels; and the strays, channels that a pack has and that have no place there.

    A run died before it could take those back. One read, and one for each report type and pack.
    """
    # No other documents have what they are ordered by.
    found = list(listing(client.collection(REPORTS.path).order_by("at_risk"), page=_PAGE))
    placed = places.places(client)  # read afterwards: whoever was packed by then has had a place before
    packed = {(_number(each), name) for each in found for name in _channels(each)}
    strays = {(pack, name) for pack, name in packed if name not in placed or placed[name].pack != pack}
    every_job = ((_number(each), job) for each in found for job in _jobs_in(each))
    return [job for pack, job in every_job if (pack, job.channel_id) not in strays], sorted(strays)


def _number(found: DocumentSnapshot[Any]) -> int:
    """The pack of a document of jobs."""
    return int(found.id.rpartition(":")[2])


def _channels(found: DocumentSnapshot[Any]) -> Mapping[str, bytes]:
    channels: Mapping[str, bytes] = (found.to_dict() or {}).get("channels", {})
    return channels


def _jobs_in(found: DocumentSnapshot[Any]) -> Iterator[Job]:
    report_type = found.id.partition(":")[0]
    return Pack(number=_number(found), report_type=report_type, months={"": _channels(found)}).jobs()


def months(client: Client, about: Iterable[tuple[str, str, str]]) -> Iterator[Month]:
    """Days of channels, by report type and month, as far as they can be read. One read, and one a document."""
    wanted, placed = defaultdict[tuple[str, int, str], list[str]](list), places.places(client)
    for channel_id, report_type, month in about:
        if place := placed.get(channel_id):
            wanted[report_type, place.pack, month].append(channel_id)
    names = {places.path(*each).rpartition("/")[2]: each for each in wanted}
    for doc in documents(client, REPORTS.path, names):
        report_type, number, month = names[doc.id]
        pack = Pack(number=number, report_type=report_type, months={month: _channels(doc)})
        for channel_id in wanted[report_type, number, month]:
            found = or_told(partial(pack.month, channel_id, month))
            if found is not None and found.days:
                yield found


def _months(days: Collection[date]) -> list[str]:
    """Every month from the first to the last of some days."""
    first, last = ((day.year * 12 + day.month - 1) for day in (min(days), max(days))) if days else (0, -1)
    return [f"{number // 12}-{number % 12 + 1:02}" for number in range(first, last + 1)]


def _pack(report_type: str, number: int, months: Iterable[str], docs: Docs) -> Pack:
    found = {month: docs[places.path(report_type, number, month)] for month in ["", *months]}
    texts = {month: {} if doc is None else doc.data.get("channels", {}) for month, doc in found.items()}
    return Pack(number=number, report_type=report_type, months=texts)


def _writes(stored: Pack, parts: Mapping[str, Part]) -> list[Write]:
    """What stores the parts that changed, a write a document."""
    texts = {month: dict[str, bytes]() for month in stored.months}
    for channel_id, part in parts.items():
        for month in texts.keys() - {""}:
            if days := {f"{day}": entry for day, entry in part.days.items() if f"{day:%Y-%m}" == month}:
                texts[month][channel_id] = MONTHS.packed(stored.month(channel_id, month).with_days(days))
        if part.job is not None:
            texts[""][channel_id] = JOBS.packed(opened(part.job, part.days))
    writes = []
    for month, changed in texts.items():
        if changed:
            fields: dict[str, Any] = {"pack": stored.number, "report_type": stored.report_type}
            fields |= {places.field(channel_id): text for channel_id, text in changed.items()}
            if not month:
                then = replace(stored, months={"": {**stored.months[""], **changed}})
                fields["at_risk"] = sum(job.at_risk for job in then.jobs())
            writes.append(Write(places.path(stored.report_type, stored.number, month), fields))
    return writes


Times = tuple[datetime | None, datetime | None]
"""Since when something is listed, and loaded; None while it never was."""


def note_settled(
    client: Client, pack: int, report_type: str, moved: Mapping[str, Moved], report_types: Iterable[str]
) -> None:
    """Note since when all report types of a pack's channels are listed, and loaded, where that changes with one's.

    The other types are read after that job was written, so of two that are the last at once, one sees both.
    """
    pairs = {name: (_times(before), _times(after)) for name, (before, after) in moved.items()}
    waiting = {name: pair for name, pair in pairs.items() if _differ(*pair)}
    for kind in reversed(tuple(report_types)):  # the last ones are listed last
        if kind != report_type and waiting:
            other, _ = read(client, kind, pack)
            times = {name: _times(or_told(partial(other.job, name))) for name in waiting}
            pairs = {name: (oldest(a, times[name]), oldest(b, times[name])) for name, (a, b) in waiting.items()}
            waiting = {
                name: pair for name, pair in pairs.items() if _differ(*pair)
            }  # else others' stay the oldest
    for channel_id, (_, (listed_at, synced_at)) in waiting.items():
        if listed_at is not None:
            channels.record_listed(
                client, channel_id, listed_at=listed_at, synced_at=synced_at, collect_at=listed_at + STALE
            )


def oldest(one: Times, other: Times) -> Times:
    """The older of two, for each; None where one never was."""
    return _older(one[0], other[0]), _older(one[1], other[1])


def _older(one: datetime | None, other: datetime | None) -> datetime | None:
    return min(one, other) if one and other else None


def _differ(one: Times, other: Times) -> bool:
    """Whether times are of other hours: types that are listed one after another move the oldest by minutes."""
    first, second = ([f"{at:%Y-%m-%dT%H}" if at else "" for at in each] for each in (one, other))
    return first != second


def _times(job: Job | None) -> Times:
    return (None, None) if job is None else (job.listed_at, job.synced_at)
