"""Loads report files into BigQuery: many files in few jobs, visible all at once.

BigQuery allows some 1,500 load jobs a table and day, and a network's first day brings thousands of files. So a
load gathers many reports on local disk, goes up in as few jobs as its size allows, and is then named in the
manifest by one statement. Only that statement makes anything visible, and it skips reports that another delivery
has named already, so every step may die or be repeated.
"""

from __future__ import annotations

import codecs
import csv
import hashlib
import json
import tempfile
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import IO

from shared.clock import Clock, format_instant
from shared.cloud.bigquery import TIMEOUT, call_options
from shared.warehouse.report_types import ReportType
from shared.warehouse.rows import ReportRef, read_rows
from shared.warehouse.schema import raw_columns
from shared.warehouse.statements import LOADS_OF_REPORTS, NAME_LOADS, Warehouse, run

_JOB_BYTES = 32 * 2**20  # a function's disk is its memory
_UPLOAD_RETRIES = 3  # pauses of 1, 2 and 4 s; the upload knows no other limit
_JOB_SECONDS = 240


def new_load_id(instant: datetime) -> str:
    """An id that no other load has, in the order of time."""
    return f"{instant.astimezone(UTC):%Y%m%dT%H%M%S%f}-{uuid.uuid4().hex}"


def load_id_for(load_id: str, connection: str) -> str:
    """A load's id in the rows of one connection, which it ends with: so they are found when that has ended."""
    return f"{load_id}-{connection}"


@dataclass(frozen=True, kw_only=True)
class LoadedReport:
    """What the manifest says of one report."""

    ref: ReportRef
    load_id: str
    row_count: int
    checksum: str


@dataclass
class Load:
    """One load of one report type: `add` reports, then `publish`. Not shared between threads."""

    warehouse: Warehouse
    report_type: ReportType
    load_id: str
    clock: Clock
    _added: list[LoadedReport] = field(default_factory=list)
    _spool: IO[bytes] | None = None
    _jobs: int = 0

    def add(self, ref: ReportRef, lines: Iterable[str], *, connection: str) -> LoadedReport:
        """Take one report's lines into the load. connection: the one that it was downloaded through.

        Raises CorruptData for a file that cannot be read; the load is then as it was before.
        """
        spool = self._open_spool()
        start = spool.tell()
        load_id = load_id_for(self.load_id, connection)
        digest = hashlib.sha256()
        count = 0
        writer = csv.writer(codecs.getwriter("utf-8")(spool), lineterminator="\n")
        try:
            for row in read_rows(_digested(lines, digest.update), self.report_type, ref, load_id):
                writer.writerow(row)
                count += 1
        except BaseException:
            spool.seek(start)
            spool.truncate()
            raise
        loaded = LoadedReport(ref=ref, load_id=load_id, row_count=count, checksum=digest.hexdigest())
        self._added.append(loaded)
        if spool.tell() > _JOB_BYTES:
            self._send()
        return loaded

    def publish(self) -> list[LoadedReport]:
        """Send what is left and name every added report in the manifest, at once.

        Answers what was added. A report that the manifest knew already keeps its older entry.
        """
        self._send()
        if self._added:
            _name_in_manifest(self.warehouse, self._added, at=self.clock())
        return self._added

    def _open_spool(self) -> IO[bytes]:
        if self._spool is None:
            self._spool = tempfile.TemporaryFile()  # noqa: SIM115 - closed by _send
            # A header line to skip: without one, an engine may guess that the first row is one.
            self._spool.write(
                (",".join(["load_id", "report_id", *self.report_type.columns, "extra"]) + "\n").encode()
            )
        return self._spool

    def _send(self) -> None:
        if self._spool is None:
            return
        from google.cloud import bigquery

        spool, self._spool = self._spool, None
        self._jobs += 1
        config = bigquery.LoadJobConfig(
            source_format=bigquery.SourceFormat.CSV,
            schema=raw_columns(self.report_type),
            write_disposition=bigquery.WriteDisposition.WRITE_APPEND,
            skip_leading_rows=1,
            allow_quoted_newlines=True,
        )
        with spool:
            spool.seek(0)
            # The job's id names the load, so that an operator finds one by the other.
            self.warehouse.client.load_table_from_file(
                spool,
                self.warehouse.full_name(self.report_type.table),
                job_config=config,
                job_id=f"{self.load_id}-{self._jobs}",
                num_retries=_UPLOAD_RETRIES,
                timeout=TIMEOUT,
            ).result(retry=call_options()["retry"], timeout=_JOB_SECONDS)


def _digested(lines: Iterable[str], update: Callable[[bytes], object]) -> Iterator[str]:
    for line in lines:
        update(line.encode())
        yield line


def _name_in_manifest(warehouse: Warehouse, reports: list[LoadedReport], *, at: datetime) -> None:
    """Make loaded reports visible: one row each in the manifest, unless the report has one already."""
    rows = [
        {
            "report_id": report.ref.report_id,
            "load_id": report.load_id,
            "channel_id": report.ref.channel_id,
            "report_type": report.ref.report_type,
            "job_id": report.ref.job_id,
            "day": report.ref.day.isoformat(),
            "create_time": format_instant(report.ref.create_time),
            "row_count": report.row_count,
            "checksum": report.checksum,
            "loaded_at": format_instant(at),
        }
        for report in reports
    ]
    ids = [report.ref.report_id for report in reports]
    run(warehouse, NAME_LOADS, entries=json.dumps(rows), ids=ids)


def already_loaded(warehouse: Warehouse, wanted: Mapping[str, str]) -> dict[str, tuple[str, int]]:
    """Of these reports, those that the manifest names: report id to (load id, row count).

    wanted: report id to connection. What another connection has loaded is not known here: it may be erased soon.
    """
    return {
        row["report_id"]: (row["load_id"], row["row_count"])
        for row in run(warehouse, LOADS_OF_REPORTS, ids=wanted)
        if row["load_id"].endswith(wanted[row["report_id"]])
    }
