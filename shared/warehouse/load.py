"""Takes report files into BigQuery: many files in one load job, in a staging table of texts.

Load: open  >  a ReportFile for each report's bytes  >  close  >  Staged  >  `manifest.publish`
"""

from __future__ import annotations

import io
import threading
import uuid
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from shared.clock import Clock
from shared.cloud.bigquery import call_options
from shared.errors import Unavailable
from shared.warehouse.report_types import ReportType
from shared.warehouse.rows import Order, ReportLines, ReportRef
from shared.warehouse.staging import Staging
from shared.warehouse.statements import Warehouse

_HELD = 2**20  # bytes of a report's lines that wait for more, so that a small file that is refused leaves no trace


def new_load_id(instant: datetime) -> str:
    """An id that no other load has, in the order of time."""
    return f"{load_ids_from(instant)}-{uuid.uuid4().hex}"


def load_ids_from(instant: datetime) -> str:
    """What the ids of loads that begin at an instant or later are greater than."""
    return f"{instant.astimezone(UTC):%Y%m%dT%H%M%S%f}"


def load_id_for(load_id: str, connection: str) -> str:
    """A load's id in the rows of one connection, which it ends with: so they are found when that has ended."""
    return f"{load_id}-{connection}"


@dataclass(frozen=True, kw_only=True)
class StagedReport:
    """One report whose file was read to its end.

    connection: the one that it was downloaded through. rows: as many went up; findings: what is odd in its header.
    """

    ref: ReportRef
    connection: str
    rows: int
    checksum: str
    findings: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Staged:
    """What lies in a staging table: the reports, and the columns that c1, c2, ... stand for.

    table: None when no report had a row.
    """

    report_type: str
    table: str | None
    order: Order
    reports: tuple[StagedReport, ...]


@dataclass
class Load:
    """One load of one report type: `open`, a `ReportFile` a report, `close`. Safe for threads.

    new: columns of the files that are not declared.
    """

    warehouse: Warehouse
    report_type: ReportType
    clock: Clock
    new: set[str] = field(default_factory=set)
    _order: Order = ()
    _read: list[StagedReport] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self._began = self.clock()
        self._staging = Staging(self.warehouse, self.report_type, new_load_id(self._began), self.clock)

    def open(self) -> None:
        """Make the staging table. Raises RateLimited when BigQuery takes no more for now."""
        self._staging.open(self._began)

    def file(self, ref: ReportRef, connection: str, until: datetime) -> ReportFile:
        """What takes one report's bytes, downloaded through a connection, no longer than until an instant."""
        return ReportFile(self, ref, connection, until)

    def agree(self, wanted: Order) -> Order:
        """The order of the columns in this load: the first file's."""
        with self._lock:
            self._order = self._order or wanted
            return self._order

    def write(self, lines: bytes) -> None:
        """Send some whole lines. Raises Unavailable or RateLimited."""
        if lines:
            self._staging.write(lines)

    def note(self, read: StagedReport, new: Iterable[str]) -> None:
        """Count a report whose lines have all been written. new: its columns that are not declared."""
        with self._lock:
            self._read.append(read)
            self.new.update(new)

    def close(self) -> Staged:
        """End the load job; what can be published. Raises as `Staging.close`."""
        if self._staging.written and self._read:
            self._staging.close()
        else:
            self.drop()
        return Staged(
            report_type=self.report_type.id,
            table=self._staging.table if self._staging.written else None,
            order=self._order,
            reports=tuple(self._read),
        )

    def drop(self) -> None:
        """Delete the staging table of a load that comes to nothing."""
        drop(self.warehouse, self._staging.table)


class ReportFile(io.RawIOBase):
    """One report's file, written as its bytes come. Raises CorruptData, and Unavailable after its time.

    A download that starts over may empty it again, as long as nothing has gone on to the load. Lines of a file
    that does not come to its end count for nothing: it is never named.
    """

    def __init__(self, load: Load, ref: ReportRef, connection: str, until: datetime) -> None:
        super().__init__()
        self._load, self._ref, self._connection, self._until = load, ref, connection, until
        self._begin()

    def _begin(self) -> None:
        self._lines = ReportLines(self._load.report_type, self._ref, self._load.agree)
        self._held = bytearray()
        self._received = 0

    def write(self, chunk: Any) -> int:
        """Take some bytes of the file."""
        if self._load.clock() > self._until:
            raise Unavailable(f"Report {self._ref.report_id} takes too long.", reason="slowDownload")
        self._held += self._lines.feed(chunk)
        self._received += len(chunk)
        if len(self._held) > _HELD:
            self._hand_over()
        return len(chunk)

    def finish(self) -> None:
        """The file is whole: its last lines go to the load, and the report counts."""
        self._held += self._lines.finish()
        self._hand_over()
        findings = tuple(self._lines.findings)
        self._load.note(
            StagedReport(
                ref=self._ref,
                connection=self._connection,
                rows=self._lines.rows,
                checksum=self._lines.checksum,
                findings=findings,
            ),
            self._lines.new,
        )

    def _hand_over(self) -> None:
        self._load.write(bytes(self._held))
        self._held.clear()

    def tell(self) -> int:
        """How many bytes have come."""
        return self._received

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        """Only ever to where it began: a download that starts over."""
        assert (offset, whence) == (0, io.SEEK_SET)
        return 0

    def truncate(self, size: int | None = None, /) -> int:
        """Forget what has come, after `seek`."""
        del size
        self._begin()
        return 0


def drop(warehouse: Warehouse, table: str) -> None:
    """Delete a staging table; one that cannot be deleted now is gone in a day."""
    import requests
    from google.api_core.exceptions import GoogleAPIError

    with suppress(GoogleAPIError, requests.exceptions.RequestException):
        warehouse.client.delete_table(warehouse.full_name(table), not_found_ok=True, **call_options())
