"""Loads the reports of one message: downloaded into a staging table, judged, named in the manifest, and noted.

Pub/Sub delivers at least once. What the warehouse's manifest names is not loaded again, whatever else was
forgotten. Nothing is waited for: what has to wait is handed on with a time. Why a report is not in the warehouse
decides what becomes of it:

    too fast, or this turn ends   handed on, in a message of its own
    BigQuery takes no more now    handed on; what is downloaded by then, as its staging table
    BigQuery refuses the load     handed on in two halves, until one report is left, whose fault it is
    no answer, a file cut short   the message is delivered again, once everything else of it is loaded
    no quota, connection dead,    retried later: the next collecting runs dispatch it again
    or the operator has to act
    the report itself is wrong    noted with its reason, tried again tomorrow
    the channel is gone           dropped, and what there was of it is erased
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import Enum
from typing import Any

from shared.access.disconnect import ERASE
from shared.clock import Clock
from shared.cloud.bigquery import answering
from shared.cloud.firestore import Client
from shared.collection import gone, messages, offers, packs, places
from shared.collection.coverage import Outcome
from shared.collection.reports import NOT_CONNECTED
from shared.errors import CorruptData, NotFound, QuotaRefused, RateLimited, Transient, YtempireError
from shared.monitoring.log import log
from shared.tokens.grants import not_connected
from shared.warehouse.load import Load, ReportFile, Staged
from shared.warehouse.manifest import already_loaded, publish
from shared.warehouse.report_types import report_type
from shared.warehouse.rows import NEW_COLUMNS, ReportRef
from shared.warehouse.statements import Warehouse

Download = Callable[[ReportRef, ReportFile], object]
"""Writes one report's plain CSV into a file, or raises; a file that was cut is Transient."""

DOWNLOADS_AT_ONCE = 8
_SLOWEST = timedelta(minutes=2)  # what a download that was begun in time may take beyond its turn
_STAGED_ANEW = timedelta(minutes=5)
_TABLES = 15  # staging tables that one load takes: a message's reports at 60 a minute, and some more
_TURN_OVER = "turnOver"


class Disposition(Enum):
    """What becomes of a report that could not be loaded."""

    HAND_ON = "hand on"
    REDELIVER = "redeliver"
    RETRY_LATER = "retry later"
    UNREADABLE = "unreadable"
    DROP = "drop"


_BY_ERROR: tuple[tuple[type[YtempireError], Disposition], ...] = (
    (NotFound, Disposition.UNREADABLE),
    (CorruptData, Disposition.UNREADABLE),
    (RateLimited, Disposition.HAND_ON),
    (QuotaRefused, Disposition.RETRY_LATER),
    (Transient, Disposition.REDELIVER),
    (YtempireError, Disposition.RETRY_LATER),
)
"""The first that fits decides."""
_LOGGED = {
    Disposition.UNREADABLE: ("ERROR", "a report cannot be read"),
    Disposition.DROP: ("NOTICE", "a report of a channel that is gone is dropped"),
}


def disposition(error: YtempireError) -> Disposition:
    """What an error says about the report that met it."""
    if error.reason == NOT_CONNECTED:
        return Disposition.DROP
    return next(found for kind, found in _BY_ERROR if isinstance(error, kind))


@dataclass(frozen=True)
class Later:
    """A message that goes on with some of the work, at a time or at once."""

    kind: str
    message: Mapping[str, Any]
    at: datetime | None = None


@dataclass
class _Turn:
    """What has come of a message so far. failed: why reports are not loaded. held: channels' connections."""

    held: Mapping[str, str]
    outcomes: list[Outcome] = field(default_factory=list)
    failed: dict[ReportRef, YtempireError] = field(default_factory=dict)
    later: list[Later] = field(default_factory=list)

    def hand_on(self, staged: Sequence[Staged], at: datetime | None) -> None:
        self.later.append(Later(messages.STAGED, messages.staged_message(staged), at))

    def fail(self, refs: Iterable[ReportRef], error: YtempireError) -> None:
        self.failed.update(dict.fromkeys(refs, error))


@dataclass(frozen=True, kw_only=True)
class ReportLoading:
    """Loads reports. report_types: those that are collected. turn: for how long it begins downloads."""

    client: Client
    warehouse: Warehouse
    report_types: Collection[str]
    clock: Clock
    turn: timedelta = timedelta(minutes=2)

    def load(
        self, refs: Sequence[ReportRef], download: Download, before: Sequence[Staged] | None = None
    ) -> Sequence[Later]:
        """Load reports of one type with those that earlier turns downloaded, once none has to wait; what is left.

        before: those; None for reports without a place in the order of downloads: the rest may wait for hours, so
        what has come is loaded. Raises the first passing fault (no answer, a file that was cut) once everything
        else is loaded and noted.
        """
        every = [*refs, *_refs(before or ())]
        # Read first: what is stored for another connection than the one that stands afterwards is taken back.
        held = places.connections(places.places(self.client))
        turn = _Turn({channel: held[channel] for channel in _channels(every) if channel in held})
        turn.fail([ref for ref in refs if ref.channel_id not in turn.held], not_connected())
        try:
            missing = self._unknown([ref for ref in every if ref.channel_id in turn.held], turn)
            fetched = [ref for ref in refs if ref in missing]
        except RateLimited as error:
            turn.fail(refs, error)
            missing, fetched = set(every), []
        ready = [left for each in before or () if (left := _still(each, missing, held)).reports]
        if fetched and (staged := self._staged(fetched, download, turn)) is not None:
            ready.append(staged)
        waits = any(disposition(error) is Disposition.HAND_ON for error in turn.failed.values())
        if before is not None and waits and len(ready) < _TABLES:
            return self._ended(every, turn, ready)
        if ready:
            self._publish(ready, turn)
        return self._ended(every, turn, None if before is None else ())

    def go_on(self, staged: Sequence[Staged]) -> Sequence[Later]:
        """Load reports that wait in staging tables. Answers and raises as `load`."""
        turn = _Turn({report.ref.channel_id: report.connection for each in staged for report in each.reports})
        refs = _refs(staged)
        try:
            if self._unknown(refs, turn):
                self._publish(staged, turn)
        except RateLimited as error:
            turn.hand_on(staged, error.retry_at)
        return self._ended(refs, turn)

    def _unknown(self, refs: Sequence[ReportRef], turn: _Turn) -> set[ReportRef]:
        """The reports that the manifest does not name; the others are loaded."""
        with answering(self.clock):
            named = already_loaded(self.warehouse, {ref: turn.held[ref.channel_id] for ref in refs})
        known = {ref: load for ref in refs if (load := named.get(ref.report_id)) and load[0] > ref.newer_than}
        turn.outcomes += [Outcome(ref=ref, load_id=load, rows=rows) for ref, (load, rows) in known.items()]
        return set(refs) - known.keys()

    def _staged(self, refs: Sequence[ReportRef], download: Download, turn: _Turn) -> Staged | None:
        """Download reports into a staging table; None when there is nothing to publish."""
        load = Load(self.warehouse, report_type(refs[0].report_type), self.clock)
        try:
            load.open()
            self._fetch(load, refs, download, turn)
            staged = load.close()
        except (CorruptData, Transient) as error:
            load.drop()
            left = [ref for ref in refs if ref not in turn.failed]
            if isinstance(error, CorruptData):
                self._split(left, error, turn)
            else:
                turn.fail(left, error)
            return None
        if load.new:
            offers.tell_columns(self.client, load.report_type.id, load.new)
        return staged if staged.reports else None

    def _fetch(self, load: Load, refs: Sequence[ReportRef], download: Download, turn: _Turn) -> None:
        deadline = self.clock() + self.turn

        def fetch(ref: ReportRef) -> YtempireError | None:
            if self.clock() >= deadline:
                return RateLimited("This turn is over.", reason=_TURN_OVER)
            try:
                file = load.file(ref, turn.held[ref.channel_id], deadline + _SLOWEST)
                download(ref, file)
                file.finish()
            except YtempireError as error:
                return error
            return None

        with ThreadPoolExecutor(DOWNLOADS_AT_ONCE) as pool:
            errors = zip(refs, pool.map(fetch, refs), strict=True)
            turn.failed.update({ref: error for ref, error in errors if error is not None})

    def _split(self, refs: Sequence[ReportRef], error: CorruptData, turn: _Turn) -> None:
        """Hand reports on in two halves: one of them spoils the load; one that was alone is the culprit."""
        if len(refs) == 1 and not turn.failed:
            turn.fail(refs, error)
            return
        log("WARNING", "a load is split", reports=len(refs), reason=error.reason, detail=error.message)
        middle = len(refs) // 2
        for half in filter(None, (refs[:middle], refs[middle:])):
            turn.later.append(Later(messages.KIND, messages.message(half)))

    def _publish(self, staged: Sequence[Staged], turn: _Turn) -> None:
        try:
            published = publish(self.warehouse, staged, self.clock)
        except RateLimited as error:
            turn.hand_on(staged, error.retry_at)
            return
        except NotFound as error:  # a staging table waited for too long; the reports are downloaded again
            again = RateLimited(error.message, reason=error.reason, retry_at=self.clock() + _STAGED_ANEW)
            turn.fail(_refs(staged), again)
            return
        turn.failed.update(published.wrong)
        for done in published.loaded:
            ref = done.ref
            turn.outcomes.append(Outcome(ref=ref, rows=done.row_count, load_id=done.load_id))
            for finding in done.findings:
                if not finding.startswith(NEW_COLUMNS):  # `offers` tells each of them once
                    about = {"report": ref.report_id, "channel": ref.channel_id, "day": ref.day}
                    log("WARNING", "a report is odd", **about, finding=finding)

    def _ended(
        self, refs: Sequence[ReportRef], turn: _Turn, waiting: Sequence[Staged] | None = None
    ) -> Sequence[Later]:
        """Note what became of the reports; what is handed on. Raises the first passing fault.

        waiting: staging tables that are handed on with the rest; None for a rest without a place in the order.
        """
        found = {ref: disposition(error) for ref, error in turn.failed.items()}
        unreadable = (ref for ref, each in found.items() if each is Disposition.UNREADABLE)
        outcomes = [*turn.outcomes, *(Outcome(ref=ref, reason=turn.failed[ref].reason) for ref in unreadable)]
        # A turn that stored nothing has nothing to note.
        left = self._note(refs, outcomes, turn) if outcomes or not waiting else set()
        found |= {ref: Disposition.DROP for ref in found if ref.channel_id in left}
        for ref, each in found.items():
            severity, message = _LOGGED.get(each, ("NOTICE", "a report waits"))
            log(severity, message, report=ref.report_id, channel=ref.channel_id, day=ref.day,
                reason=turn.failed[ref].reason, detail=turn.failed[ref].message)  # fmt: skip
        passing = [ref for ref, each in found.items() if each is Disposition.REDELIVER]
        # Delivered again, the message would download what is handed on a second time.
        if passing and not (turn.later or waiting):
            raise turn.failed[passing[0]]
        rest = [ref for ref, each in found.items() if each in {Disposition.HAND_ON, Disposition.REDELIVER}]
        if rest:
            times = [at for ref in rest if (at := turn.failed[ref].retry_at) is not None]
            turn.later.append(Later(messages.KIND, messages.message(rest, waiting), max(times, default=None)))
        return turn.later

    def _note(self, refs: Sequence[ReportRef], outcomes: Sequence[Outcome], turn: _Turn) -> set[str]:
        """Note what became of the reports, take back those of ended connections; answers their channels."""
        kind, found = refs[0].report_type, places.places(self.client)
        standing = places.connections(found)
        left = (_channels(refs) - standing.keys()) | self._take_back(turn, standing)
        there = {name: place for name, place in found.items() if name not in left}
        packs.record(self.client, there, kind, outcomes, now=self.clock(), report_types=self.report_types)
        return left

    def _take_back(self, turn: _Turn, standing: Mapping[str, str]) -> set[str]:
        """Erase what is stored for connections that have ended meanwhile; answers their channels."""
        ended = gone.over(turn.held.items(), standing)
        for channel_id, connection in ended:
            try:
                with answering(self.clock):
                    gone.erase(self.warehouse, self.client, channel_id, connection)
            except RateLimited as error:  # BigQuery's queue of deletions is full
                turn.later.append(Later(ERASE, {"channel_id": channel_id, "receipt": connection}, error.retry_at))
        return {channel_id for channel_id, _ in ended}


def _refs(staged: Iterable[Staged]) -> list[ReportRef]:
    return [report.ref for each in staged for report in each.reports]


def _still(staged: Staged, missing: set[ReportRef], held: Mapping[str, str]) -> Staged:
    """What of a staging table is not loaded, and was downloaded through a connection that stands."""
    there = (each for each in staged.reports if held.get(each.ref.channel_id) == each.connection)
    return replace(staged, reports=tuple(each for each in there if each.ref in missing))


def _channels(refs: Iterable[ReportRef]) -> set[str]:
    return {ref.channel_id for ref in refs}
