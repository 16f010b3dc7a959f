"""Issues certificates, from what the warehouse has loaded and what the coverage has listed.

Once a day `ingest` certifies the days of channels that have had reports lately. A day about which warehouse and
coverage differ is not certified, and told; nor is anything added to a certificate that something else has changed.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Any

from shared.clock import Clock
from shared.cloud.calls import call_options
from shared.cloud.firestore import Client, DocumentSnapshot, Store, listing, update, where
from shared.cloud.steps import Change, Docs, Write, reading
from shared.collection import places
from shared.collection.coverage import window
from shared.collection.messages import ToIngest
from shared.collection.packs import months
from shared.data_map import CERTIFICATES as STORED
from shared.errors import CorruptData
from shared.monitoring.log import log
from shared.monitoring.readable import or_told
from shared.paging import groups
from shared.warehouse.certificate import CERTIFICATES, Certificate, Entry, Found, Key, Listed, certified, issued
from shared.warehouse.report_types import report_type
from shared.warehouse.statements import LOADS_THAT_COUNT, MONTHS_NAMED, Warehouse, row_digests, run

KIND = "certify"
"""The kind of message that asks `ingest` for certificates: of some channels, or of all that have had reports."""
AT_ONCE = 100  # channels: what is read of them is held in memory
_LATELY = timedelta(days=8)  # a message lives for seven days
_VERIFIED_AFTER = timedelta(days=7)  # a month, for the first time
EVER = datetime(2005, 1, 1, tzinfo=UTC)  # before YouTube

About = tuple[str, str]
"""A channel and a month."""


@dataclass(frozen=True, kw_only=True)
class Certifying:
    """Issues certificates. warehouse: with its tables in place."""

    client: Client
    warehouse: Callable[[], Warehouse]
    clock: Clock

    def plan(self, to_ingest: ToIngest) -> int:
        """Ask for the certificates of every channel that has had reports lately; how many those are."""
        channels = sorted({channel for channel, _ in self.named(self.clock() - _LATELY)})
        for some in groups(channels, AT_ONCE):
            to_ingest(KIND, {"channels": some})
        return len(channels)

    def issue(self, channels: Collection[str]) -> int:
        """Certify these channels' days that were loaded lately and are not certified; how many. Safe to repeat.

        What it wrote for a channel that was disconnected meanwhile is deleted again.
        """
        since = self.clock() - _LATELY
        lately = [each for each in self.named(since) if each[0] in channels]
        docs = self._docs(lately)
        held, new = self._held(docs), dict[About, dict[Key, Mapping[str, Any]]]()
        for about, of_month in self.loads(lately, since).items():
            missing = {key: load for key, load in of_month.items() if not _stands(key, load, held.get(about))}
            if missing:
                new[about] = missing
        found = self.found(new, "load_id", {load["load_id"] for each in new.values() for load in each.values()})
        count = 0
        for about, there in found.items():
            entries = {key: entry for key in there.loads if (entry := certified(key, there)) is not None}
            for kind, day in there.loads.keys() - entries.keys():
                log("WARNING", "a day is not certified", channel=about[0], report=kind, day=day)
            if entries or about not in held:  # of a month without a certified day it is verified why
                self._write(*about, entries, docs)
                count += len(entries)
        standing = places.connections(places.places(self.client)) if found else {}
        for channel in sorted({channel for channel, _ in found} - standing.keys()):
            for each in self.names(channel):
                each.reference.delete(**call_options())
        return count

    def named(self, since: datetime) -> set[About]:
        """The channels and months of which the manifest names reports that were loaded since."""
        first = date.min if since == EVER else window(since)[0]
        rows = run(self.warehouse(), MONTHS_NAMED, since=first, loaded_since=since)
        return {(row["channel_id"], row["month"]) for row in rows}

    def held(self, about: Collection[About]) -> dict[About, Certificate]:
        """The certificates of these channels' months, as far as there are any that can be read."""
        return self._held(self._docs(about))

    def _docs(self, about: Collection[About]) -> Docs:
        every = [f"{STORED.path}/{channel}:{month}" for channel, month in sorted(about)]
        return Store(self.client).run(reading(every)) if every else Docs({}, EVER)

    def _held(self, docs: Docs) -> dict[About, Certificate]:
        stored = [(path.rpartition("/")[2], doc) for path, doc in docs.items()]
        read = (or_told(partial(CERTIFICATES.read, name, doc.data)) for name, doc in stored if doc)
        return {(each.channel_id, each.month): each for each in read if each is not None}

    def loads(self, about: Collection[About], since: datetime) -> dict[About, dict[Key, Mapping[str, Any]]]:
        """The manifest's rows that count, of these channels' months, loaded since."""
        loads: dict[About, dict[Key, Mapping[str, Any]]] = {each: {} for each in about}
        if about:
            first, last = _days(month for _, month in about)
            channels = {channel for channel, _ in about}
            values: dict[str, Any] = {"since": first, "until": last, "loaded_since": since, "channels": channels}
            for row in run(self.warehouse(), LOADS_THAT_COUNT, **values):
                of_month = loads.get((row["channel_id"], f"{row['day']:%Y-%m}"))
                if of_month is not None:
                    of_month[row["report_type"], row["day"].isoformat()] = row
        return loads

    def found(
        self, days: Mapping[About, Mapping[Key, Any]], which: str, wanted: Collection[str]
    ) -> dict[About, Found]:
        """What there is of some days: their manifest's rows are given, coverage and stored rows are read."""
        names = {(*about, kind) for about, of_month in days.items() for kind, _ in of_month}
        listed: dict[About, dict[Key, Listed]] = {about: {} for about in days}
        for each in months(self.client, ((channel, kind, month) for channel, month, kind in sorted(names))):
            of_month = listed[each.channel_id, each.name.rpartition(":")[2]]
            for day, entry in each.days.items():
                ids = (entry.report_id, *entry.superseded)
                of_month[each.report_type, day] = Listed(ids=ids, as_written=each.as_written(day))
        digests: dict[tuple[str, str], tuple[int, str]] = {}
        for kind in sorted({kind for _, _, kind in names}):
            since, until = _days(month for _, month, other in names if other == kind)
            statement = row_digests(report_type(kind), which)
            for row in run(self.warehouse(), statement, since=since, until=until, wanted=wanted):
                digests[row["report_id"], row["load_id"]] = row["row_count"], row["digest"]
        loads = {
            about: {key: load for key, load in each.items() if load is not None} for about, each in days.items()
        }
        return {about: Found(loads=loads[about], listed=listed[about], digests=digests) for about in days}

    def _write(self, channel_id: str, month: str, entries: Mapping[Key, Entry], seen: Docs) -> None:
        name = f"{channel_id}:{month}"
        path = f"{STORED.path}/{name}"

        def decide(docs: Docs) -> Change[Certificate | None]:
            stored = docs[path]
            try:
                known = None if stored is None else CERTIFICATES.read(name, stored.data)
            except CorruptData:
                return Change(None)
            if known is not None and not known.intact:
                return Change(None)
            before = {} if known is None else known.entries
            new = issued(channel_id, month, {**before, **entries}.values(), self.clock())
            first = {} if known else {"verify_at": new.issued_at + _VERIFIED_AFTER}
            return Change(new, [Write(path, {**CERTIFICATES.fields(new), **first})])

        new = update(self.client, [path], decide, seen=Docs({path: seen[path]}, seen.at))
        if new is None:
            log("ERROR", "a certificate was changed, and is left as it is", channel=channel_id, month=month)
            return
        # In the log too, where whoever can change the database cannot change it.
        log("INFO", "a month is certified", channel=channel_id, month=month, value=new.value, days=len(entries))

    def names(self, channel: str | None) -> Iterator[DocumentSnapshot[Any]]:
        """The certificates of one channel, or of all; not their entries, which are too many for one memory."""
        every = self.client.collection(STORED.path)
        of_channel = every if channel is None else where(every, ("channel_id", "==", channel))
        return listing(of_channel.select(["channel_id"]))


def _stands(key: Key, load: Mapping[str, Any], held: Certificate | None) -> bool:
    entry = held.entries.get(key) if held is not None else None
    return entry is not None and (entry.report_id, entry.load_id) == (load["report_id"], load["load_id"])


def _days(of_months: Iterable[str]) -> tuple[date, date]:
    """The first day of the first of some months, and the last day of the last."""
    ordered = sorted(of_months)
    following = date.fromisoformat(f"{ordered[-1]}-01") + timedelta(days=31)
    return date.fromisoformat(f"{ordered[0]}-01"), following.replace(day=1) - timedelta(days=1)
