"""Streams one load's lines into a table of its own, by one load job.

BigQuery allows some 1,500 load jobs a table and day, and refuses a whole job for one bad row. So a load goes into
a staging table of texts, which no other load touches: there is nothing to count, and next to nothing to refuse.
The lines go up while they are made, in pieces, because a function's disk is its memory; those of several reports
may alternate. The table is opened before anything is downloaded, so a BigQuery that takes no more is met first.
What is never taken from it is gone with the table a day later.
"""

from __future__ import annotations

import threading
from collections import deque
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from shared.clock import Clock
from shared.cloud.bigquery import TIMEOUT, answering, call_options
from shared.errors import CorruptData
from shared.warehouse.report_types import ReportType
from shared.warehouse.statements import Warehouse

if TYPE_CHECKING:
    from google.cloud.bigquery import LoadJob
    from google.resumable_media.requests import ResumableUpload

PIECE = 4 * 2**20  # bytes of one request; Google takes multiples of 256 KiB
KEPT = timedelta(days=1)
_JOB_SECONDS = 120
_UPLOAD_SECONDS = 20.0  # for the repetitions of one piece


def positions(report_type: ReportType) -> list[str]:
    """A staging table's columns: the report type's in the load's order, what we do not know, the report."""
    return [*(f"c{number}" for number in range(1, len(report_type.columns) + 1)), "extra", "report_id"]


class Staging:
    """One load's file on its way into a new table. Safe for threads. written: whether any line went up."""

    def __init__(self, warehouse: Warehouse, report_type: ReportType, load_id: str, clock: Clock) -> None:
        self._warehouse, self._type, self._load_id, self._clock = warehouse, report_type, load_id, clock
        self.table = f"staged_{load_id.replace('-', '_')}"
        self.written = False
        self._pending = Pending()
        self._upload: ResumableUpload | None = None
        self._lock = threading.Lock()

    def open(self, now: datetime) -> None:
        """Make the table and begin its load job. Raises RateLimited when BigQuery takes no more for now."""
        from google.cloud import bigquery

        columns = [bigquery.SchemaField(name, "STRING") for name in positions(self._type)]
        table = bigquery.Table(self._warehouse.full_name(self.table), schema=columns)
        table.expires = now + KEPT
        with answering(self._clock):
            self._warehouse.client.create_table(table, exists_ok=True, **call_options())
            self._upload = self._begun(self._job(columns))
        # A header line to skip: without one, an engine may guess that the first row is one.
        self._pending.put((",".join(positions(self._type)) + "\n").encode())

    def write(self, lines: bytes) -> None:
        """Take some whole lines. Raises Unavailable or RateLimited."""
        with self._lock:
            self.written = True
            self._pending.put(lines)
            while len(self._pending) > PIECE:
                self._send_piece()

    def close(self) -> None:
        """Send the rest and wait for the load job.

        Raises CorruptData (reason "loadRefused") for lines that BigQuery does not take, Unavailable, RateLimited.
        """
        from google.api_core.exceptions import BadRequest

        client = self._warehouse.client
        try:
            with self._lock, answering(self._clock):
                job: LoadJob = client.job_from_resource(self._send_piece().json())  # type: ignore[assignment]
                job.result(retry=call_options()["retry"], timeout=_JOB_SECONDS)
        except BadRequest as error:
            raise CorruptData(f"BigQuery refuses a load: {error.message}", reason="loadRefused") from error

    def _job(self, columns: list[Any]) -> LoadJob:
        from google.cloud import bigquery

        config = bigquery.LoadJobConfig(
            source_format=bigquery.SourceFormat.CSV,
            schema=columns,
            write_disposition=bigquery.WriteDisposition.WRITE_APPEND,
            skip_leading_rows=1,
            allow_quoted_newlines=True,
        )
        table = bigquery.TableReference.from_string(self._warehouse.full_name(self.table))
        # The job's id names the load, so that an operator finds one by the other.
        return bigquery.LoadJob(self._load_id, None, table, self._warehouse.client, config)

    def _begun(self, job: LoadJob) -> ResumableUpload:
        """The upload that starts a job when it ends. The client's own reads 100 MB at once, and wants a file."""
        from google.resumable_media import RetryStrategy
        from google.resumable_media.requests import ResumableUpload

        client = self._warehouse.client
        root = client._connection.get_api_base_url_for_mtls()
        url = f"{root}/upload/bigquery/v2/projects/{client.project}/jobs?uploadType=resumable"
        upload = ResumableUpload(url, PIECE)
        upload._retry_strategy = RetryStrategy(max_cumulative_retry=_UPLOAD_SECONDS)
        upload.initiate(
            client._http, self._pending, job.to_api_repr(), "text/csv", stream_final=False, timeout=TIMEOUT
        )
        return upload

    def _send_piece(self) -> Any:
        assert self._upload is not None
        with answering(self._clock):
            return self._upload.transmit_next_chunk(self._warehouse.client._http, timeout=TIMEOUT)


class Pending:
    """What was written and is not sent yet, as the file from which the upload reads."""

    def __init__(self) -> None:
        self._parts: deque[memoryview] = deque()
        self._length = self._sent = 0

    def __len__(self) -> int:
        return self._length

    def put(self, more: bytes) -> None:
        self._parts.append(memoryview(more))
        self._length += len(more)

    def read(self, size: int) -> bytes:
        taken, left = [], size
        while self._parts and left:
            part = self._parts.popleft()
            taken.append(part[:left])
            if len(part) > left:
                self._parts.appendleft(part[left:])
            left -= len(taken[-1])
        self._length -= size - left
        self._sent += size - left
        return b"".join(taken)

    def tell(self) -> int:
        return self._sent
