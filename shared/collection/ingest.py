"""Everything that becomes rows: a message's reports are downloaded, loaded together, named, and noted.

Pub/Sub delivers at least once. What the warehouse's manifest names is not loaded again, whatever else was
forgotten; a report that cannot be fetched now leaves the message unacknowledged after the others were loaded; a
report that can never be read is noted with its reason, so that it stops nobody.
"""

from __future__ import annotations

import io
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, BinaryIO, cast

from shared.access import channels
from shared.clock import Clock
from shared.collection.completeness import Ledger, Outcome
from shared.errors import CorruptData, Terminal, Transient, Unavailable, YtempireError
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
class ReportIngest:
    """Loads reports. new_load_id: a fresh id for each load."""

    warehouse: bigquery.Client
    dataset: str
    state: firestore.Client
    download: Download
    clock: Clock
    new_load_id: Callable[[], str]

    def load(self, refs: Sequence[ReportRef]) -> list[Outcome]:
        """Load reports of one type; answers what became of each.

        Raises Unavailable when some could not be fetched now; those that could are loaded and noted by then.
        """
        known = already_loaded(self.warehouse, self.dataset, [ref.report_id for ref in refs])
        outcomes = [
            Outcome(ref=ref, load_id=known[ref.report_id][0], rows=known[ref.report_id][1])
            for ref in refs
            if ref.report_id in known
        ]
        missing = [ref for ref in refs if ref.report_id not in known]
        postponed: list[YtempireError] = []
        if missing:
            outcomes += self._load_missing(missing, postponed)
        Ledger(self.state).record(outcomes)
        for channel_id in _whole(refs, outcomes):
            channels.record_sync(self.state, channel_id, SOURCE, self.clock())
        if postponed:
            raise Unavailable(
                f"{len(postponed)} of {len(refs)} reports could not be fetched: {postponed[0].message}",
                reason="reportsPostponed",
                retry_at=postponed[0].retry_at,
            )
        return outcomes

    def _load_missing(self, refs: Sequence[ReportRef], postponed: list[YtempireError]) -> list[Outcome]:
        load = Load(self.warehouse, self.dataset, family(refs[0].report_type), self.new_load_id(), self.clock)
        unreadable = []
        for ref, fetched in self._fetched(refs):
            try:
                if isinstance(fetched, YtempireError):
                    raise fetched
                with fetched:
                    load.add(ref, io.TextIOWrapper(fetched, encoding="utf-8-sig", newline=""))
            except Transient as error:
                postponed.append(error)
            except (Terminal, UnicodeDecodeError) as error:
                reason = error.reason if isinstance(error, Terminal) else CorruptData.default_reason
                log("ERROR", "a report cannot be read", report=ref.report_id, channel=ref.channel_id,
                    day=ref.day, reason=reason, detail=str(error))  # fmt: skip
                unreadable.append(Outcome(ref=ref, reason=reason))
        loaded = [
            Outcome(ref=report.ref, rows=report.row_count, load_id=report.load_id) for report in load.publish()
        ]
        return loaded + unreadable

    def _fetched(self, refs: Iterable[ReportRef]) -> Iterator[tuple[ReportRef, BinaryIO | YtempireError]]:
        """Each report with its file or its error; a few at once, so that few wait in memory."""
        rest = iter(refs)
        with ThreadPoolExecutor(_DOWNLOADS_AT_ONCE) as pool:
            while group := list(islice(rest, _DOWNLOADS_AT_ONCE)):
                yield from zip(group, pool.map(self._fetch, group), strict=True)

    def _fetch(self, ref: ReportRef) -> BinaryIO | YtempireError:
        file = cast("BinaryIO", tempfile.SpooledTemporaryFile(_MEMORY_BYTES))  # noqa: SIM115 - the caller closes it
        try:
            self.download(ref, file)
        except YtempireError as error:
            file.close()
            return error
        file.seek(0)
        return file


def _whole(refs: Iterable[ReportRef], outcomes: Iterable[Outcome]) -> list[str]:
    """The channels of which nothing was postponed."""
    done = {outcome.ref.report_id for outcome in outcomes}
    postponed = {ref.channel_id for ref in refs if ref.report_id not in done}
    return sorted({ref.channel_id for ref in refs} - postponed)
