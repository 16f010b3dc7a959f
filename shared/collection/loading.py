"""Loads the reports of one message: downloaded, loaded together, named in the manifest, and noted.

Pub/Sub delivers at least once. What the warehouse's manifest names is not loaded again, whatever else was
forgotten. Why a report could not be fetched decides what becomes of it:

    too fast                      waited for, then requeued in a message of its own
    no answer, a file cut short   the message is delivered again, once everything else of it is loaded
    no quota, connection dead,    retried later: the next collecting runs dispatch it again
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
from shared.collection import gone, waiting
from shared.collection.coverage import Coverage, Outcome
from shared.collection.reports import NOT_CONNECTED
from shared.errors import CorruptData, NotFound, QuotaRefused, RateLimited, Transient, YtempireError
from shared.monitoring.log import log
from shared.warehouse.load import Load, already_loaded, new_load_id
from shared.warehouse.report_types import report_type
from shared.warehouse.rows import ReportRef
from shared.warehouse.schema import Warehouse

if TYPE_CHECKING:
    from google.cloud.firestore import Client

Download = Callable[[ReportRef, BinaryIO], object]
"""Writes one report's plain CSV into a file, or raises; a file that was cut is Transient."""

_DOWNLOADS_AT_ONCE = 8
_MEMORY_BYTES = 2 * 2**20  # a report beyond this waits on disk


class Disposition(Enum):
    """What becomes of a report that could not be loaded."""

    REQUEUE = "requeue"
    REDELIVER = "redeliver"
    RETRY_LATER = "retry later"
    UNREADABLE = "unreadable"
    DROP = "drop"


def disposition(error: YtempireError) -> Disposition:
    """What an error says about the report that met it."""
    if isinstance(error, NotFound) and error.reason == NOT_CONNECTED:
        return Disposition.DROP
    if isinstance(error, NotFound | CorruptData):
        return Disposition.UNREADABLE
    if isinstance(error, RateLimited):
        return Disposition.REQUEUE
    if isinstance(error, Transient) and not isinstance(error, QuotaRefused):
        return Disposition.REDELIVER
    return Disposition.RETRY_LATER


@dataclass(frozen=True)
class _Failure:
    """A report that could not be loaded, and why."""

    ref: ReportRef
    error: YtempireError

    @property
    def disposition(self) -> Disposition:
        """What becomes of the report, if its channel is still connected."""
        return disposition(self.error)


@dataclass(frozen=True)
class Loaded:
    """What became of a message: an outcome a report, and the reports to requeue because time ran out."""

    outcomes: tuple[Outcome, ...]
    rest: tuple[ReportRef, ...]


@dataclass(frozen=True, kw_only=True)
class ReportLoading:
    """Loads reports. rate_limit_time: how long it waits for rate limits in all."""

    client: Client
    warehouse: Warehouse
    clock: Clock
    sleep: Callable[[float], None] = time.sleep
    rate_limit_time: timedelta = timedelta(minutes=3)

    def load(self, refs: Sequence[ReportRef], download: Download) -> Loaded:
        """Load reports of one type.

        Raises the first passing fault (no answer, a file that was cut) once everything else is loaded and noted.
        """
        known = already_loaded(self.warehouse, [ref.report_id for ref in refs])
        outcomes = [
            Outcome(ref=ref, load_id=known[ref.report_id][0], rows=known[ref.report_id][1])
            for ref in refs
            if ref.report_id in known
        ]
        loaded, failures = self._load_missing([ref for ref in refs if ref.report_id not in known], download)
        outcomes += loaded
        outcomes += [
            Outcome(ref=failure.ref, reason=failure.error.reason)
            for failure in failures
            if failure.disposition is Disposition.UNREADABLE
        ]
        return Loaded(tuple(outcomes), self._note(refs, outcomes, failures))

    def _note(
        self, refs: Sequence[ReportRef], outcomes: Sequence[Outcome], failures: Sequence[_Failure]
    ) -> tuple[ReportRef, ...]:
        """Note what became of the reports, take back those of channels that are gone; the reports to requeue."""
        Coverage(self.client).record(outcomes)
        left = gone.take_back(self.warehouse, self.client, {ref.channel_id for ref in refs}, clock=self.clock)
        for channel_id in _whole(refs, outcomes):
            if channel_id not in left:
                channels.record_sync(self.client, channel_id, [refs[0].report_type], self.clock())
        final = [
            (failure, Disposition.DROP if failure.ref.channel_id in left else failure.disposition)
            for failure in failures
        ]
        for failure, what in final:
            _log(failure, what)
        for failure, what in final:
            if what is Disposition.REDELIVER:
                raise failure.error
        return tuple(failure.ref for failure, what in final if what is Disposition.REQUEUE)

    def _load_missing(self, refs: Sequence[ReportRef], download: Download) -> tuple[list[Outcome], list[_Failure]]:
        if not refs:
            return [], []
        load = Load(self.warehouse, report_type(refs[0].report_type), new_load_id(self.clock()), self.clock)
        failures: list[_Failure] = []
        for ref, fetched in self._fetched(refs, download):
            try:
                if isinstance(fetched, YtempireError):
                    raise fetched
                with fetched:
                    load.add(ref, io.TextIOWrapper(fetched, encoding="utf-8-sig", newline=""))
            except YtempireError as error:
                failures.append(_Failure(ref, error))
        loaded = load.publish()
        outcomes = [Outcome(ref=report.ref, rows=report.row_count, load_id=report.load_id) for report in loaded]
        return outcomes, failures

    def _fetched(
        self, refs: Iterable[ReportRef], download: Download
    ) -> Iterator[tuple[ReportRef, BinaryIO | YtempireError]]:
        """Each report with its file or its error; a few at once, so that few wait in memory."""
        wait = partial(
            waiting.repeated, deadline=self.clock() + self.rate_limit_time, clock=self.clock, sleep=self.sleep
        )

        def fetch(ref: ReportRef) -> BinaryIO | YtempireError:
            file = cast("BinaryIO", tempfile.SpooledTemporaryFile(_MEMORY_BYTES))  # noqa: SIM115 - the caller closes it
            try:
                wait(partial(download, ref, file))
            except YtempireError as error:
                file.close()
                return error
            file.seek(0)
            return file

        rest = iter(refs)
        with ThreadPoolExecutor(_DOWNLOADS_AT_ONCE) as pool:
            while group := list(islice(rest, _DOWNLOADS_AT_ONCE)):
                yield from zip(group, pool.map(fetch, group), strict=True)


def _log(failure: _Failure, what: Disposition) -> None:
    severity, message = {
        Disposition.UNREADABLE: ("ERROR", "a report cannot be read"),
        Disposition.DROP: ("NOTICE", "a report of a channel that is gone is dropped"),
    }.get(what, ("NOTICE", "a report waits"))
    log(severity, message, report=failure.ref.report_id, channel=failure.ref.channel_id, day=failure.ref.day,
        reason=failure.error.reason, detail=failure.error.message)  # fmt: skip


def _whole(refs: Iterable[ReportRef], outcomes: Iterable[Outcome]) -> list[str]:
    """The channels of which nothing was postponed."""
    done = {outcome.ref.report_id for outcome in outcomes}
    postponed = {ref.channel_id for ref in refs if ref.report_id not in done}
    return sorted({ref.channel_id for ref in refs} - postponed)
