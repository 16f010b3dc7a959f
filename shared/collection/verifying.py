"""Compares certificates with what there is: which of what was certified no longer holds, and in which part.

Once a day `ingest` compares those that are due. The older a month is, the later; one that differs is compared
daily until it holds, and the watch alarms.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

from shared.cloud.calls import call_options
from shared.cloud.firestore import note, where
from shared.collection.certifying import EVER, Certifying
from shared.data_map import CERTIFICATES as STORED
from shared.monitoring.log import log
from shared.warehouse.certificate import Certificate, Entry, Found, Key, record_of

KIND = "verify"
"""The kind of message that asks `ingest` to verify what is due."""
DUE_AT_ONCE = 50  # certificates of a message: their entries are held in memory
_SOONEST, _LATEST, _AGAIN = timedelta(days=14), timedelta(days=180), timedelta(hours=20)
_SAID = 300  # characters of what differs
CERTIFIED_BY = timedelta(days=3)
"""How long after its load a day is certified at the latest: issuing is daily, and may be late."""


class Part(StrEnum):
    """What differs: each is stored apart from the others."""

    ROWS = "rows"
    FILE = "file's record"
    COVERAGE = "coverage's entry"
    CERTIFICATE = "certificate"


@dataclass(frozen=True)
class Difference:
    """Something that is not as it was certified. report_type, day: None where all of the month is meant."""

    part: Part
    says: str
    report_type: str | None = None
    day: str | None = None


@dataclass(frozen=True, kw_only=True)
class Verified:
    """A month, compared. value: its certificate's. days, waiting: so many are certified, or were loaded since."""

    channel_id: str
    month: str
    value: str | None
    days: int
    waiting: int
    differing: tuple[Difference, ...]


def verify(channel_id: str, month: str, held: Certificate | None, found: Found, now: datetime) -> Verified:
    """Compare a certificate with what there is. held: None where there is none.

    A day that was loaded since the certificate was issued is no difference, as long as manifest, rows and coverage
    agree about it.
    """
    entries, waiting = {} if held is None else held.entries, 0
    differing = list[Difference]()
    if held is not None and not (held.intact and (held.channel_id, held.month) == (channel_id, month)):
        differing.append(Difference(Part.CERTIFICATE, "its entries do not come to its value"))
    for key in sorted({*entries, *found.loads}):
        entry, load = entries.get(key), found.loads.get(key)
        if load is not None and (entry is None or _issued_again(entry, load, held, found)):
            waiting += 1
            differing += [Difference(*each, *key) for each in _of_waiting(key, load, found, now)]
        elif entry is not None:
            differing += [Difference(*each, *key) for each in _of_certified(entry, load, found)]
    return Verified(
        channel_id=channel_id,
        month=month,
        value=None if held is None else held.value,
        days=len(entries),
        waiting=waiting,
        differing=tuple(differing),
    )


def _issued_again(entry: Entry, load: Mapping[str, Any], held: Certificate | None, found: Found) -> bool:
    """Whether another issue or load counts, which came after the certificate, and which the coverage knows."""
    listed = found.listed.get(entry.key)
    return (
        (load["report_id"], load["load_id"]) != (entry.report_id, entry.load_id)
        and held is not None
        and load["loaded_at"] > held.issued_at
        and listed is not None
        and listed.ids[:1] == (load["report_id"],)
    )


def _of_waiting(key: Key, load: Mapping[str, Any], found: Found, now: datetime) -> Iterator[tuple[Part, str]]:
    rows, _ = found.stored(load["report_id"], load["load_id"])
    listed = found.listed.get(key)
    if rows != load["row_count"]:
        yield Part.ROWS, f"{rows} rows, the manifest says {load['row_count']}"
    if listed is not None and not listed.as_written:
        yield Part.COVERAGE, "it was changed"
    if now - load["loaded_at"] > CERTIFIED_BY:
        yield Part.CERTIFICATE, f"not certified since {load['loaded_at']:%Y-%m-%d}"


def _of_certified(entry: Entry, load: Mapping[str, Any] | None, found: Found) -> Iterator[tuple[Part, str]]:
    listed = found.listed.get(entry.key)
    if listed is None:
        yield Part.COVERAGE, "it is gone"
    elif not listed.as_written:
        yield Part.COVERAGE, "it was changed"
    elif gone := set(entry.listed) - set(listed.ids):
        yield Part.COVERAGE, f"it no longer lists {', '.join(sorted(gone))}"
    if load is None:
        yield Part.FILE, "it is gone"
    elif load["report_id"] != entry.report_id or load["load_id"] != entry.load_id:
        yield Part.FILE, f"load {load['load_id']} of report {load['report_id']} counts"
    elif record_of(load) != entry.record:
        yield Part.FILE, "it was changed"
    rows, digest = found.stored(entry.report_id, entry.load_id)
    if rows != entry.rows:
        yield Part.ROWS, f"{rows} rows, not {entry.rows}"
    elif digest != entry.digest:
        yield Part.ROWS, "other cells than were loaded"


def compared(certifying: Certifying, about: Sequence[tuple[str, str]]) -> Iterator[Verified]:
    held = certifying.held(about)
    loads = certifying.loads(about, EVER)
    every = {each: {**dict.fromkeys(held[each].entries if each in held else ()), **loads[each]} for each in about}
    found = certifying.found(every, "channel_id", {channel for channel, _ in about})
    now = certifying.clock()
    for each in about:
        yield verify(*each, held.get(each), found[each], now)


def verify_due(certifying: Certifying) -> bool:
    """Verify the months that are due, and note when they are next and what differs; whether more may be due."""
    client, now = certifying.client, certifying.clock()
    due = where(client.collection(STORED.path), ("verify_at", "<=", now)).order_by("verify_at")
    found = list(due.select(["differs_since", "verify_at"]).limit(DUE_AT_ONCE).stream(**call_options()))
    since = {tuple(each.id.split(":")): (each.to_dict() or {}).get("differs_since") for each in found}
    for month in sorted({month for _, month in since}):  # a query of one month scans no other's days
        for each in compared(certifying, sorted(about for about in since if about[1] == month)):
            says, about = told(each), (each.channel_id, month)
            fields: dict[str, Any] = {"verify_at": next_due(each, now), "differs": says or None}
            fields["differs_since"] = (since[about] or now) if says else None
            note(client, f"{STORED.path}/{each.channel_id}:{month}", fields)
            if says:
                words = "a month differs from its certificate"
                log("ERROR", words, channel=each.channel_id, month=month, says=says)
    return len(found) == DUE_AT_ONCE


def next_due(month: Verified, now: datetime) -> datetime:
    """When a month is next after it was verified: once it is twice as old, in bounds; daily while it differs."""
    age = now - datetime.strptime(month.month, "%Y-%m").replace(tzinfo=UTC)
    return now + (_AGAIN if month.differing else min(max(age, _SOONEST), _LATEST))


def told(month: Verified) -> str:
    """What differs, as an alarm says it: the first, and how many more; empty where nothing does."""
    if not month.differing:
        return ""
    first, more = month.differing[0], len(month.differing) - 1
    about = f"{first.report_type} {first.day}" if first.day else "all of it"
    words = f"{month.channel_id} {month.month}, {about}: {first.part}: {first.says}"[:_SAID]
    return words + (f" and {more} more" if more else "")
