"""Everything that becomes rows: a message's reports are downloaded, loaded together, named, and noted.

Pub/Sub delivers at least once. What the warehouse's manifest names is not loaded again, whatever else was
forgotten. What cannot be fetched now is told apart: too fast (wait a moment, then hand the rest on); a budget that
is spent (the completeness ledger sends the report again later); any other passing fault (the message is delivered
again). A report that can never be read is noted with its reason and stops nobody.
"""

from __future__ import annotations

import io
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, BinaryIO, cast

from shared.access import channels
from shared.clock import Clock
from shared.collection.completeness import Ledger, Outcome
from shared.errors import CorruptData, QuotaRefused, RateLimited, Terminal, Transient, YtempireError
from shared.monitoring.log import log
from shared.warehouse.families import family
from shared.warehouse.load import Load, already_loaded
from shared.warehouse.rows import ReportRef

if TYPE_CHECKING:
    from google.cloud import bigquery, firestore

Download = Callable[[ReportRef, BinaryIO], None]
"""Writes one report's plain CSV into a file, or raises; a file that was cut is Transient."""

SOURCE = "reports"
_DOWNLOADS_AT_ONCE = 8
_MEMORY_BYTES = 2 * 2**20  # a report beyond this waits on disk


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
    patience: timedelta = timedelta(minutes=5)

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
        postponed: list[tuple[ReportRef, Transient]] = []
        if missing:
            outcomes += self._load_missing(missing, postponed)
        Ledger(self.state).record(outcomes)
        for channel_id in _whole(refs, outcomes):
            channels.record_sync(self.state, channel_id, SOURCE, self.clock())
        rest = tuple(ref for ref, error in postponed if isinstance(error, RateLimited))
        fault = next((e for _, e in postponed if not isinstance(e, RateLimited | QuotaRefused)), None)
        if fault is not None:
            raise fault
        for ref, error in postponed:
            log("NOTICE", "a report waits", report=ref.report_id, channel=ref.channel_id, reason=error.reason)
        return Loaded(tuple(outcomes), rest)

    def _load_missing(
        self, refs: Sequence[ReportRef], postponed: list[tuple[ReportRef, Transient]]
    ) -> list[Outcome]:
        load = Load(self.warehouse, self.dataset, family(refs[0].report_type), self.new_load_id(), self.clock)
        unreadable = []
        for ref, fetched in self._fetched(refs):
            try:
                if isinstance(fetched, YtempireError):
                    raise fetched
                with fetched:
                    load.add(ref, io.TextIOWrapper(fetched, encoding="utf-8-sig", newline=""))
            except Transient as error:
                postponed.append((ref, error))
            except (Terminal, UnicodeDecodeError) as error:
                reason = error.reason if isinstance(error, Terminal) else CorruptData.default_reason
                log(
                    "ERROR",
                    "a report cannot be read",
                    report=ref.report_id,
                    channel=ref.channel_id,
                    day=ref.day,
                    reason=reason,
                    detail=str(error),
                )
                unreadable.append(Outcome(ref=ref, reason=reason))
        loaded = [
            Outcome(ref=report.ref, rows=report.row_count, load_id=report.load_id) for report in load.publish()
        ]
        return loaded + unreadable

    def _fetched(self, refs: Iterable[ReportRef]) -> Iterator[tuple[ReportRef, BinaryIO | YtempireError]]:
        """Each report with its file or its error; a few at once, so that few wait in memory."""
        until = self.clock() + self.patience
        rest = iter(refs)
        with ThreadPoolExecutor(_DOWNLOADS_AT_ONCE) as pool:
            while group := list(islice(rest, _DOWNLOADS_AT_ONCE)):
                yield from zip(group, pool.map(partial(self._fetch, until=until), group), strict=True)

    def _fetch(self, ref: ReportRef, *, until: datetime) -> BinaryIO | YtempireError:
        file = cast("BinaryIO", tempfile.SpooledTemporaryFile(_MEMORY_BYTES))  # noqa: SIM115 - the caller closes it
        while True:
            try:
                self.download(ref, file)
            except RateLimited as error:
                wait = _wait(error, now=self.clock(), until=until)
                if wait is not None:
                    self.sleep(wait)
                    continue
                file.close()
                return error
            except YtempireError as error:
                file.close()
                return error
            file.seek(0)
            return file


def _wait(error: RateLimited, *, now: datetime, until: datetime) -> float | None:
    """Seconds to wait for a rate limit, or None when that takes longer than there is patience."""
    at = error.retry_at or now + timedelta(seconds=1)
    return max((at - now).total_seconds(), 0.05) if at <= until and now < until else None


def _whole(refs: Iterable[ReportRef], outcomes: Iterable[Outcome]) -> list[str]:
    """The channels of which nothing was postponed."""
    done = {outcome.ref.report_id for outcome in outcomes}
    postponed = {ref.channel_id for ref in refs if ref.report_id not in done}
    return sorted({ref.channel_id for ref in refs} - postponed)
