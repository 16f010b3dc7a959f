"""Everything that becomes rows: a message's reports are downloaded, loaded together, named, and noted.

Pub/Sub delivers at least once. What the warehouse's manifest names is not loaded again, whatever else was
forgotten. Why a report could not be fetched decides what becomes of it:

    too fast                      waited for, then handed on in a message of its own
    no answer, a file cut short   the message is delivered again, once everything else of it is loaded
    no budget, connection dead,   it waits: the completeness ledger hands it over again later
    or the operator has to act
    the report itself is wrong    noted with its reason, tried again tomorrow
    the channel is gone           dropped, and what there was of it is erased
"""

from __future__ import annotations

import io
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, BinaryIO, cast

from shared import channels
from shared.clock import Clock
from shared.collection.completeness import Ledger, Outcome
from shared.collection.gone import take_back
from shared.collection.patience import Patience
from shared.collection.reports import NOT_CONNECTED
from shared.errors import CorruptData, NotFound, QuotaRefused, RateLimited, Transient, YtempireError
from shared.monitoring.log import log
from shared.warehouse.families import family
from shared.warehouse.load import Load, already_loaded
from shared.warehouse.rows import ReportRef

if TYPE_CHECKING:
    from google.cloud import bigquery, firestore

Download = Callable[[ReportRef, BinaryIO], object]
"""Writes one report's plain CSV into a file, or raises; a file that was cut is Transient."""

_DOWNLOADS_AT_ONCE = 8
_MEMORY_BYTES = 2 * 2**20  # a report beyond this waits on disk


class Fate(Enum):
    """What becomes of a report that could not be loaded."""

    HAND_ON = "hand on"
    REDELIVER = "redeliver"
    WAIT = "wait"
    UNREADABLE = "unreadable"
    DROP = "drop"


def fate(error: YtempireError) -> Fate:
    """What an error says about the report that met it."""
    if isinstance(error, NotFound) and error.reason == NOT_CONNECTED:
        return Fate.DROP
    if isinstance(error, NotFound | CorruptData):
        return Fate.UNREADABLE
    if isinstance(error, RateLimited):
        return Fate.HAND_ON
    if isinstance(error, Transient) and not isinstance(error, QuotaRefused):
        return Fate.REDELIVER
    return Fate.WAIT


@dataclass(frozen=True)
class Loaded:
    """What became of a message: an outcome a report, and the reports to hand on because time ran out."""

    outcomes: tuple[Outcome, ...]
    rest: tuple[ReportRef, ...]


@dataclass(frozen=True)
class ReportIngest:
    """Loads reports. new_load_id: a fresh id for each load. patience: how long it waits for rate limits in all."""

    warehouse: bigquery.Client
    dataset: str
    state: firestore.Client
    download: Download
    clock: Clock
    new_load_id: Callable[[], str]
    sleep: Callable[[float], None] = time.sleep
    patience: timedelta = timedelta(minutes=3)

    def load(self, refs: Sequence[ReportRef]) -> Loaded:
        """Load reports of one type.

        Raises the first passing fault (no answer, a file that was cut) once everything else is loaded and noted.
        """
        known = already_loaded(self.warehouse, self.dataset, [ref.report_id for ref in refs])
        outcomes = [
            Outcome(ref=ref, load_id=known[ref.report_id][0], rows=known[ref.report_id][1])
            for ref in refs
            if ref.report_id in known
        ]
        missing = [ref for ref in refs if ref.report_id not in known]
        failed: list[tuple[ReportRef, YtempireError]] = []
        if missing:
            outcomes += self._load_missing(missing, failed)
        outcomes += [
            Outcome(ref=ref, reason=error.reason) for ref, error in failed if fate(error) is Fate.UNREADABLE
        ]
        Ledger(self.state).record(outcomes)
        named = {ref.channel_id for ref in refs}
        gone = take_back(self.warehouse, self.dataset, self.state, named, clock=self.clock)
        for channel_id in _whole(refs, outcomes):
            if channel_id not in gone:
                channels.record_sync(self.state, channel_id, [refs[0].report_type], self.clock())
        fates = [(ref, error, Fate.DROP if ref.channel_id in gone else fate(error)) for ref, error in failed]
        for ref, error, what in fates:
            _tell(ref, error, what)
        again = [error for _, error, what in fates if what is Fate.REDELIVER]
        if again:
            raise again[0]
        rest = [ref for ref, _, what in fates if what is Fate.HAND_ON]
        return Loaded(tuple(outcomes), tuple(rest))

    def _load_missing(
        self, refs: Sequence[ReportRef], failed: list[tuple[ReportRef, YtempireError]]
    ) -> list[Outcome]:
        load = Load(self.warehouse, self.dataset, family(refs[0].report_type), self.new_load_id(), self.clock)
        for ref, fetched in self._fetched(refs):
            try:
                if isinstance(fetched, YtempireError):
                    raise fetched
                with fetched:
                    load.add(ref, io.TextIOWrapper(fetched, encoding="utf-8-sig", newline=""))
            except YtempireError as error:
                failed.append((ref, error))
        loaded = load.publish()
        return [Outcome(ref=report.ref, rows=report.row_count, load_id=report.load_id) for report in loaded]

    def _fetched(self, refs: Iterable[ReportRef]) -> Iterator[tuple[ReportRef, BinaryIO | YtempireError]]:
        """Each report with its file or its error; a few at once, so that few wait in memory."""
        patience = Patience(self.clock() + self.patience, self.clock, self.sleep)
        rest = iter(refs)
        with ThreadPoolExecutor(_DOWNLOADS_AT_ONCE) as pool:
            while group := list(islice(rest, _DOWNLOADS_AT_ONCE)):
                yield from zip(group, pool.map(partial(self._fetch, patience=patience), group), strict=True)

    def _fetch(self, ref: ReportRef, *, patience: Patience) -> BinaryIO | YtempireError:
        file = cast("BinaryIO", tempfile.SpooledTemporaryFile(_MEMORY_BYTES))  # noqa: SIM115 - the caller closes it
        try:
            patience(lambda: self.download(ref, file))
        except YtempireError as error:
            file.close()
            return error
        file.seek(0)
        return file


def _tell(ref: ReportRef, error: YtempireError, what: Fate) -> None:
    severity, message = {
        Fate.UNREADABLE: ("ERROR", "a report cannot be read"),
        Fate.DROP: ("NOTICE", "a report of a channel that is gone is dropped"),
    }.get(what, ("NOTICE", "a report waits"))
    log(severity, message, report=ref.report_id, channel=ref.channel_id, day=ref.day, reason=error.reason,
        detail=error.message)  # fmt: skip


def _whole(refs: Iterable[ReportRef], outcomes: Iterable[Outcome]) -> list[str]:
    """The channels of which nothing was postponed."""
    done = {outcome.ref.report_id for outcome in outcomes}
    postponed = {ref.channel_id for ref in refs if ref.report_id not in done}
    return sorted({ref.channel_id for ref in refs} - postponed)
