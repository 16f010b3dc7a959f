"""The completeness certificate of a channel and month: what is certified of it.

For each report type and day it says what YouTube had listed, which file counts (its SHA-256), what the manifest
says of it, and a digest of its rows as they lie in the warehouse. Each entry's hash goes into the next one's, so
one value stands for all of them. Everything here is pure; `shared/collection/certifying.py` reads and
writes, `shared/collection/verifying.py` compares.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from shared.data_map import CERTIFICATES as STORED
from shared.records import Mapper
from shared.warehouse.tables import REPORT_LOADS

Key = tuple[str, str]
"""A report type and a Pacific day, as it is written: 2026-11-01."""


@dataclass(frozen=True, kw_only=True)
class Entry:
    """What is certified of one day. listed: every report that YouTube had listed for it.

    report_id, load_id: what counts. checksum: of its file. record: the hash of its row in the manifest. digest: of
    its rows in the warehouse.
    """

    report_type: str
    day: str
    listed: Sequence[str]
    report_id: str
    load_id: str
    rows: int
    checksum: str
    record: str
    digest: str

    @property
    def key(self) -> Key:
        return self.report_type, self.day


@dataclass(frozen=True, kw_only=True)
class Certificate:
    """A channel's month as it is stored. written: the entries as JSON. value: what stands for all of them."""

    name: str
    channel_id: str
    month: str
    issued_at: datetime
    value: str
    written: str

    @cached_property
    def entries(self) -> dict[Key, Entry]:
        """What is certified, by report type and day; nothing when it cannot be read, which `intact` says."""
        try:
            return {entry.key: entry for entry in (Entry(**each) for each in json.loads(self.written))}
        except (ValueError, TypeError):
            return {}

    @property
    def intact(self) -> bool:
        """Whether its entries come to its value."""
        return chained(self.channel_id, self.month, self.entries.values()) == self.value


CERTIFICATES = Mapper(Certificate, STORED.path, key="name")


def name_of(channel_id: str, month: str) -> str:
    return f"{channel_id}:{month}"


def issued(channel_id: str, month: str, entries: Iterable[Entry], now: datetime) -> Certificate:
    """The certificate of a channel and month."""
    ordered = sorted(entries, key=lambda entry: entry.key)
    return Certificate(
        name=name_of(channel_id, month),
        channel_id=channel_id,
        month=month,
        issued_at=now,
        value=chained(channel_id, month, ordered),
        written=_text([vars(entry) for entry in ordered]),
    )


def chained(channel_id: str, month: str, entries: Iterable[Entry]) -> str:
    """The one value of a channel and month: each entry's hash is made with the one before it."""
    value = _sha256(_text([channel_id, month]))
    for entry in sorted(entries, key=lambda entry: entry.key):
        value = _sha256(_text([value, vars(entry)]))
    return value


def record_of(row: Mapping[str, Any]) -> str:
    """The hash of one row of the manifest, over all of its columns."""
    return _sha256(_text([row[name] for name in REPORT_LOADS.columns]))


def _text(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), default=str)


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


NO_ROWS = (0, _sha256(""))


@dataclass(frozen=True, kw_only=True)
class Listed:
    """What the coverage says of a day. as_written: whether this program has written it so."""

    ids: tuple[str, ...]
    as_written: bool


@dataclass(frozen=True, kw_only=True)
class Found:
    """What there is of a channel's month: the manifest's rows that count, the coverage, and the stored rows.

    digests: how many rows a report's load has, and their digest; nothing for a load without rows.
    """

    loads: Mapping[Key, Mapping[str, Any]]
    listed: Mapping[Key, Listed]
    digests: Mapping[tuple[str, str], tuple[int, str]]

    def stored(self, report_id: str, load_id: str) -> tuple[int, str]:
        """How many rows a report's load has in the warehouse, and their digest."""
        return self.digests.get((report_id, load_id), NO_ROWS)


def certified(key: Key, found: Found) -> Entry | None:
    """The entry of a day that is loaded; None where warehouse and coverage do not say the same of it."""
    load, listed = found.loads[key], found.listed.get(key)
    rows, digest = found.stored(load["report_id"], load["load_id"])
    if listed is None or not listed.as_written or load["report_id"] not in listed.ids or rows != load["row_count"]:
        return None
    return Entry(
        report_type=key[0],
        day=key[1],
        listed=listed.ids,
        report_id=load["report_id"],
        load_id=load["load_id"],
        rows=rows,
        checksum=load["checksum"],
        record=record_of(load),
        digest=digest,
    )
