"""Judges staged reports, and names the right ones in the manifest, which is what makes them visible.

BigQuery judges each report in its staging table (numbers, dates, whose and which day's it is, rows that stand
twice); one that is wrong costs nobody else anything. The others' rows are appended to the report type's table
under a load id that ends with their connection's, and named by one statement. Only that statement makes anything
visible, and it skips reports that another delivery has named already, so every step may die or be repeated:
whoever goes on from a staging table takes a new load id.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from shared.clock import Clock, format_instant
from shared.cloud.bigquery import answering
from shared.errors import CorruptData, NotFound, Unavailable
from shared.warehouse import statements
from shared.warehouse.load import Staged, StagedReport, drop, load_id_for, new_load_id
from shared.warehouse.report_types import ReportType, report_type
from shared.warehouse.rows import Order, ReportRef
from shared.warehouse.statements import Warehouse, of_staged, run


@dataclass(frozen=True, kw_only=True)
class LoadedReport:
    """What the manifest says of one report."""

    ref: ReportRef
    load_id: str
    row_count: int
    checksum: str
    findings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Published:
    """What became of the staged reports: named in the manifest, or wrong, each with its reason."""

    loaded: tuple[LoadedReport, ...]
    wrong: Mapping[ReportRef, CorruptData]


def publish(warehouse: Warehouse, staged: Sequence[Staged], clock: Clock) -> Published:
    """Judge staged reports of one type, append the right ones' rows, and name those in the manifest, at once.

    A report that the manifest knew already keeps its older entry. Raises RateLimited while BigQuery takes no more:
    the staging tables stay, and are taken up again. Raises NotFound when one is gone,
    Unavailable when fewer rows were appended than there are.
    """
    load_id = new_load_id(clock())
    kind = report_type(staged[0].report_type)
    reports = [report for each in staged for report in each.reports]
    tables = {each.table: each.order for each in staged if each.table}
    with answering(clock):
        judged = _judged(warehouse, tables, reports, kind)
        rows = [(each, judged.get(each.ref.report_id)) for each in reports]
        wrong = {each.ref: error for each, row in rows if (error := _trouble(each, row)) is not None}
        loaded = tuple(_loaded(each, row, load_id) for each, row in rows if each.ref not in wrong)
        loads = [{"report_id": each.ref.report_id, "load_id": each.load_id} for each in loaded if each.row_count]
        if loads:
            take = of_staged(statements.TAKE_STAGED, tables, kind)
            taken = run(warehouse, take, table=kind.table, loads=json.dumps(loads)).num_dml_affected_rows
            if taken != sum(each.row_count for each in loaded):
                raise Unavailable(f"BigQuery took {taken} rows of load {load_id}.", reason="rowsMissing")
        if loaded:
            _name_in_manifest(warehouse, loaded, at=clock())
    for table in tables:
        drop(warehouse, table)
    return Published(loaded, wrong)


def _judged(
    warehouse: Warehouse, tables: Mapping[str, Order], reports: Sequence[StagedReport], kind: ReportType
) -> dict[str, Any]:
    """What BigQuery says of each report that has rows. Raises NotFound when it sees some of them not at all."""
    from google.api_core.exceptions import NotFound as Gone

    if not tables:
        return {}
    refs = [each.ref for each in reports]
    asked = [
        {"report_id": ref.report_id, "channel_id": ref.channel_id, "day": ref.day.isoformat()} for ref in refs
    ]
    judge = of_staged(statements.JUDGE_STAGED, tables, kind)
    try:
        judged = {row["report_id"]: row for row in run(warehouse, judge, reports=json.dumps(asked))}
    except Gone:
        judged = {}
    if not all(each.ref.report_id in judged for each in reports if each.rows):
        raise NotFound(f"One of the staging tables {', '.join(tables)} is gone.", reason="stagingGone")
    return judged


def _trouble(report: StagedReport, row: Any) -> CorruptData | None:
    if row is None:
        return None
    ref, counted, foreign = report.ref, row["row_count"], row["foreign_rows"]
    broken = f"{_names(row['broken'])} holds what is no number of its kind"
    troubles = (
        (counted != report.rows, "reportRowBroken", f"BigQuery reads {counted} rows in {report.rows} lines"),
        (foreign, "reportSubject", f"{foreign} rows are not about {ref.channel_id} on {ref.day}"),
        (row["broken"], "reportRowBroken", broken),
    )
    for wrong, reason, words in troubles:
        if wrong:
            return CorruptData(f"Report {ref.report_id}: {words}.", reason=reason)
    return None


_ODD = {
    "repeated": "{} rows stand there twice, counted once",
    "contradicting": "{} rows are about what another row is about, all of them counted",
    "partly_empty": "{} is empty in some rows",
}


def _loaded(report: StagedReport, row: Any, load_id: str) -> LoadedReport:
    odd = [words.format(_names(row[name])) for name, words in _ODD.items() if row and row[name]]
    return LoadedReport(
        ref=report.ref,
        load_id=load_id_for(load_id, report.connection),
        row_count=row["row_count"] - row["repeated"] if row else 0,
        checksum=report.checksum,
        findings=(*report.findings, *odd),
    )


def _names(said: object) -> str:
    return ", ".join(str(said).split())


def _name_in_manifest(warehouse: Warehouse, reports: Sequence[LoadedReport], *, at: datetime) -> None:
    """Make loaded reports visible: one row each in the manifest, unless the report has one already.

    One that was to be loaded again has one and gets another, which counts instead.
    """
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
            "findings": "; ".join(report.findings) or None,
        }
        for report in reports
    ]
    ids = [report.ref.report_id for report in reports if not report.ref.newer_than]
    run(
        warehouse,
        statements.NAME_LOADS,
        entries=json.dumps(rows),
        ids=ids,
        **_days(report.ref for report in reports),
    )


def already_loaded(warehouse: Warehouse, wanted: Mapping[ReportRef, str]) -> dict[str, tuple[str, int]]:
    """Of these reports, those that the manifest names: report id to (load id, row count).

    wanted: report to connection. What another connection has loaded is not known here: it may be erased soon.
    """
    if not wanted:
        return {}
    held = {ref.report_id: connection for ref, connection in wanted.items()}
    return {
        row["report_id"]: (row["load_id"], row["row_count"])
        for row in run(warehouse, statements.LOADS_OF_REPORTS, ids=held, **_days(wanted))
        if row["load_id"].endswith(held[row["report_id"]])
    }


def _days(refs: Iterable[ReportRef]) -> dict[str, Any]:
    """The days that some reports are about, as the manifest is partitioned."""
    days = sorted(ref.day for ref in refs)
    return {"first": days[0], "last": days[-1]}
