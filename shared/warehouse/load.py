"""Takes report files into BigQuery: many files in one load job, in a staging table of texts.

Load: open  >  a ReportFile for each report's bytes  >  close  >  Staged  >  `manifest.publish`

BigQuery allows some 1,500 load jobs a table and day, and refuses a whole job for one bad row. So a load goes into
a table of its own, of texts: there is nothing to count, and next to nothing to refuse. The lines go up while they
are made, in pieces, because a function's disk is its memory; those of several reports may alternate. The table is
opened before anything is downloaded, so a BigQuery that takes no more is met first. What is never taken from it is
gone with the table a day later.
"""

from __future__ import annotations

import threading
import uuid
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from shared.clock import Clock
from shared.cloud.bigquery import TIMEOUT, answering, call_options
from shared.errors import CorruptData, Unavailable
from shared.warehouse.report_types import ReportType
from shared.warehouse.rows import Order, ReportLines, ReportRef
from shared.warehouse.statements import Warehouse

if TYPE_CHECKING:
    from google.cloud.bigquery import LoadJob
    from google.resumable_media.requests import ResumableUpload

PIECE = 4 * 2**20  # bytes of one request; Google takes multiples of 256 KiB
JOB_SECONDS = 120
_KEPT = timedelta(days=1)
_UPLOAD_SECONDS = 20.0  # for the repetitions of one piece
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


def positions(report_type: ReportType) -> list[str]:
    """A staging table's columns: the report type's in the load's order, what we do not know, the report."""
    return [*(f"c{number}" for number in range(1, len(report_type.columns) + 1)), "extra", "report_id"]


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
    """What lies in a staging table (None: no report had a row). order: the columns that c1, c2, ... stand for."""

    report_type: str
    table: str | None
    order: Order
    reports: tuple[StagedReport, ...]


class Load:
    """One load of one report type. Safe for threads. new: columns of its files that are not declared."""

    def __init__(self, warehouse: Warehouse, report_type: ReportType, clock: Clock) -> None:
        self.report_type, self.clock = report_type, clock
        self.new: set[str] = set()
        self._warehouse, self._began = warehouse, clock()
        self._load_id = new_load_id(self._began)
        self._table = f"staged_{self._load_id.replace('-', '_')}"
        self._order: Order = ()
        self._read: list[StagedReport] = []
        self._noting, self._sending = threading.Lock(), threading.Lock()
        self._pending = Pending()
        self._written = False
        self._upload: ResumableUpload | None = None

    def open(self) -> None:
        """Make the table and begin its load job. Raises RateLimited when BigQuery takes no more for now."""
        from google.cloud import bigquery

        columns = positions(self.report_type)
        schema = [bigquery.SchemaField(name, "STRING") for name in columns]
        table = bigquery.Table(self._warehouse.full_name(self._table), schema=schema)
        table.expires = self._began + _KEPT
        with answering(self.clock):
            self._warehouse.client.create_table(table, exists_ok=True, **call_options())
            self._upload = self._begun(schema)
        # A header line to skip: without one, an engine may guess that the first row is one.
        self._pending.put((",".join(columns) + "\n").encode())

    def file(self, ref: ReportRef, connection: str, until: datetime) -> ReportFile:
        """What takes one report's bytes, downloaded through a connection, no longer than until an instant."""
        return ReportFile(self, ref, connection, until)

    def agree(self, wanted: Order) -> Order:
        """The order of the columns in this load: the first file's."""
        with self._noting:
            self._order = self._order or wanted
            return self._order

    def write(self, lines: bytes) -> None:
        """Send some whole lines. Raises Unavailable or RateLimited."""
        with self._sending:
            self._written = self._written or bool(lines)
            self._pending.put(lines)
            while len(self._pending) > PIECE:
                self._send_piece()

    def note(self, read: StagedReport, new: Iterable[str]) -> None:
        """Count a report whose lines have all been written. new: its columns that are not declared."""
        with self._noting:
            self._read.append(read)
            self.new.update(new)

    def close(self) -> Staged:
        """Send the rest and wait for the load job; what can be published.

        Raises CorruptData (reason "loadRefused") for lines that BigQuery does not take, Unavailable, RateLimited.
        """
        from google.api_core.exceptions import BadRequest

        if self._written and self._read:
            client = self._warehouse.client
            try:
                with self._sending, answering(self.clock):
                    job: LoadJob = client.job_from_resource(self._send_piece().json())  # type: ignore[assignment]
                    job.result(retry=call_options()["retry"], timeout=JOB_SECONDS)
            except BadRequest as error:
                raise CorruptData(f"BigQuery refuses a load: {error.message}", reason="loadRefused") from error
        else:
            self.drop()
        table = self._table if self._written else None
        return Staged(report_type=self.report_type.id, table=table, order=self._order, reports=tuple(self._read))

    def drop(self) -> None:
        """Delete the staging table of a load that comes to nothing."""
        drop(self._warehouse, self._table)

    def _begun(self, schema: list[Any]) -> ResumableUpload:
        """The upload at whose end the load job starts. The client's own reads 100 MB at once, and wants a file."""
        from google.cloud import bigquery
        from google.resumable_media import RetryStrategy
        from google.resumable_media.requests import ResumableUpload

        client = self._warehouse.client
        config = bigquery.LoadJobConfig(
            source_format=bigquery.SourceFormat.CSV,
            schema=schema,
            write_disposition=bigquery.WriteDisposition.WRITE_APPEND,
            skip_leading_rows=1,
            allow_quoted_newlines=True,
        )
        table = bigquery.TableReference.from_string(self._warehouse.full_name(self._table))
        # The job's id names the load, so that an operator finds one by the other.
        job = bigquery.LoadJob(self._load_id, None, table, client, config).to_api_repr()
        root = client._connection.get_api_base_url_for_mtls()
        url = f"{root}/upload/bigquery/v2/projects/{client.project}/jobs?uploadType=resumable"
        upload = ResumableUpload(url, PIECE)
        upload._retry_strategy = RetryStrategy(max_cumulative_retry=_UPLOAD_SECONDS)
        upload.initiate(client._http, self._pending, job, "text/csv", stream_final=False, timeout=TIMEOUT)
        return upload

    def _send_piece(self) -> Any:
        assert self._upload is not None
        with answering(self.clock):
            return self._upload.transmit_next_chunk(self._warehouse.client._http, timeout=TIMEOUT)


class Pending:
    """What was written and is not sent yet, as the file from which the upload reads."""

    def __init__(self) -> None:
        self._waiting, self._sent = bytearray(), 0

    def __len__(self) -> int:
        return len(self._waiting)

    def put(self, more: bytes) -> None:
        self._waiting += more

    def read(self, size: int) -> bytes:
        taken = bytes(self._waiting[:size])
        del self._waiting[:size]
        self._sent += len(taken)
        return taken

    def tell(self) -> int:
        return self._sent


class ReportFile:
    """One report's file, written as its bytes come. Raises CorruptData, and Unavailable after its time.

    A download that starts over may empty it again, as long as nothing has gone on to the load. Lines of a file
    that does not come to its end count for nothing: it is never named.
    """

    def __init__(self, load: Load, ref: ReportRef, connection: str, until: datetime) -> None:
        self._load, self._ref, self._connection, self._until = load, ref, connection, until
        self.restart()

    def restart(self) -> None:
        """Forget what has come: a download starts over."""
        self._lines = ReportLines(self._load.report_type, self._ref, self._load.agree)
        self._held = bytearray()

    def write(self, chunk: bytes) -> int:
        """Take some bytes of the file."""
        if self._load.clock() > self._until:
            raise Unavailable(f"Report {self._ref.report_id} takes too long.", reason="slowDownload")
        self._held += self._lines.feed(chunk)
        if len(self._held) > _HELD:
            self._hand_over()
        return len(chunk)

    def finish(self) -> None:
        """The file is whole: its last lines go to the load, and the report counts."""
        self._held += self._lines.finish()
        self._hand_over()
        read = StagedReport(
            ref=self._ref,
            connection=self._connection,
            rows=self._lines.rows,
            checksum=self._lines.checksum,
            findings=tuple(self._lines.findings),
        )
        self._load.note(read, self._lines.new)

    def _hand_over(self) -> None:
        self._load.write(bytes(self._held))
        self._held.clear()


def drop(warehouse: Warehouse, table: str) -> None:
    """Delete a staging table; one that cannot be deleted now is gone in a day."""
    import requests
    from google.api_core.exceptions import GoogleAPIError

    with suppress(GoogleAPIError, requests.exceptions.RequestException):
        warehouse.client.delete_table(warehouse.full_name(table), not_found_ok=True, **call_options())
