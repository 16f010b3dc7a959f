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
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
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
from shared.tokens.decision import not_connected
from shared.warehouse.load import Load, already_loaded, new_load_id
from shared.warehouse.report_types import report_type
from shared.warehouse.rows import ReportRef
from shared.warehouse.statements import Warehouse

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


_BY_ERROR: tuple[tuple[type[YtempireError], Disposition], ...] = (
    (NotFound, Disposition.UNREADABLE),
    (CorruptData, Disposition.UNREADABLE),
    (RateLimited, Disposition.REQUEUE),
    (QuotaRefused, Disposition.RETRY_LATER),
    (Transient, Disposition.REDELIVER),
    (YtempireError, Disposition.RETRY_LATER),
)
"""The first that fits decides."""


def disposition(error: YtempireError) -> Disposition:
    """What an error says about the report that met it."""
    if error.reason == NOT_CONNECTED:
        return Disposition.DROP
    return next(found for kind, found in _BY_ERROR if isinstance(error, kind))


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
    rate_limit_time: timedelta = timedelta(minutes=3)

    def load(self, refs: Sequence[ReportRef], download: Download) -> Loaded:
        """Load reports of one type.

        Raises the first passing fault (no answer, a file that was cut) once everything else is loaded and noted.
        """
        # Read first: what is stored for another connection than the one that stands afterwards is taken back.
        held = {channel: each for channel, each in gone.connections(self.client, _channels(refs)).items() if each}
        present = [ref for ref in refs if ref.channel_id in held]
        known = already_loaded(self.warehouse, {ref.report_id: held[ref.channel_id] for ref in present})
        outcomes = [
            Outcome(ref=ref, load_id=known[ref.report_id][0], rows=known[ref.report_id][1])
            for ref in present
            if ref.report_id in known
        ]
        failed: dict[ReportRef, YtempireError] = {
            ref: not_connected() for ref in refs if ref.channel_id not in held
        }
        missing = [ref for ref in present if ref.report_id not in known]
        outcomes += self._load_missing(missing, download, held, failed)
        outcomes += [
            Outcome(ref=ref, reason=error.reason)
            for ref, error in failed.items()
            if disposition(error) is Disposition.UNREADABLE
        ]
        left = self._note(refs, outcomes, held)
        dispositions = {
            ref: Disposition.DROP if ref.channel_id in left else disposition(error)
            for ref, error in failed.items()
        }
        for ref, found in dispositions.items():
            _log(ref, failed[ref], found)
        for ref, found in dispositions.items():
            if found is Disposition.REDELIVER:
                raise failed[ref]
        rest = (ref for ref, found in dispositions.items() if found is Disposition.REQUEUE)
        return Loaded(tuple(outcomes), tuple(rest))

    def _note(self, refs: Sequence[ReportRef], outcomes: Sequence[Outcome], held: Mapping[str, str]) -> set[str]:
        """Note what became of the reports, take back those of ended connections; answers their channels."""
        Coverage(self.client).record(outcomes)
        left = gone.forget(self.client, _channels(refs)) | gone.take_back(self.warehouse, self.client, held)
        for channel_id in _whole(refs, outcomes):
            if channel_id not in left:
                channels.record_sync(self.client, channel_id, [refs[0].report_type], self.clock())
        return left

    def _load_missing(
        self,
        refs: Sequence[ReportRef],
        download: Download,
        held: Mapping[str, str],
        failed: dict[ReportRef, YtempireError],
    ) -> list[Outcome]:
        if not refs:
            return []
        load = Load(self.warehouse, report_type(refs[0].report_type), new_load_id(self.clock()), self.clock)
        for ref, fetched in self._fetched(refs, download):
            try:
                if isinstance(fetched, YtempireError):
                    raise fetched
                with fetched:
                    lines = io.TextIOWrapper(fetched, encoding="utf-8-sig", newline="")
                    load.add(ref, lines, connection=held[ref.channel_id])
            except YtempireError as error:
                failed[ref] = error
        return [Outcome(ref=done.ref, rows=done.row_count, load_id=done.load_id) for done in load.publish()]

    def _fetched(
        self, refs: Iterable[ReportRef], download: Download
    ) -> Iterator[tuple[ReportRef, BinaryIO | YtempireError]]:
        """Each report with its file or its error; a few at once, so that few wait in memory."""
        fetch = partial(_fetch, download, deadline=self.clock() + self.rate_limit_time, clock=self.clock)
        rest = iter(refs)
        with ThreadPoolExecutor(_DOWNLOADS_AT_ONCE) as pool:
            while group := list(islice(rest, _DOWNLOADS_AT_ONCE)):
                yield from zip(group, pool.map(fetch, group), strict=True)


def _channels(refs: Iterable[ReportRef]) -> set[str]:
    return {ref.channel_id for ref in refs}


def _fetch(download: Download, ref: ReportRef, *, deadline: datetime, clock: Clock) -> BinaryIO | YtempireError:
    file = cast("BinaryIO", tempfile.SpooledTemporaryFile(_MEMORY_BYTES))  # noqa: SIM115 - the caller closes it
    try:
        waiting.repeated(partial(download, ref, file), deadline=deadline, clock=clock)
    except YtempireError as error:
        file.close()
        return error
    file.seek(0)
    return file


def _log(ref: ReportRef, error: YtempireError, found: Disposition) -> None:
    severity, message = {
        Disposition.UNREADABLE: ("ERROR", "a report cannot be read"),
        Disposition.DROP: ("NOTICE", "a report of a channel that is gone is dropped"),
    }.get(found, ("NOTICE", "a report waits"))
    log(severity, message, report=ref.report_id, channel=ref.channel_id, day=ref.day, reason=error.reason,
        detail=error.message)  # fmt: skip


def _whole(refs: Iterable[ReportRef], outcomes: Iterable[Outcome]) -> list[str]:
    """The channels of which nothing was postponed."""
    done = {outcome.ref.report_id for outcome in outcomes}
    postponed = {ref.channel_id for ref in refs if ref.report_id not in done}
    return sorted({ref.channel_id for ref in refs} - postponed)
