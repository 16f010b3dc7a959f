"""Reads a bulk report file into rows, or refuses it.

A file is one channel's one Pacific day. Its header is found by name; its rows are checked one by one before any of
them is stored, because one bad row would make BigQuery refuse a whole load with many reports in it.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from shared.errors import CorruptData
from shared.warehouse.report_types import DATE, FLOAT, INTEGER, STRING, ReportType


@dataclass(frozen=True, kw_only=True)
class ReportRef:
    """One report that YouTube has issued. `day` is Pacific; a newer create_time replaces an older one's rows."""

    report_id: str
    channel_id: str
    report_type: str
    job_id: str
    day: date
    create_time: datetime
    download_url: str


def read_rows(lines: Iterable[str], report_type: ReportType, ref: ReportRef, load_id: str) -> Iterator[list[str]]:
    """The file's rows as CSV fields of the report type's raw table: load, report, columns, extra.

    A header without rows is a day without data, and yields nothing. Raises CorruptData, naming line and column,
    when a column is missing, a value does not parse, or the file is about another channel or day.
    """
    reader = csv.reader(lines)
    records = _records(reader, ref)
    header = [name.strip().lower() for name in next(records, [])]
    if not header:
        raise CorruptData(f"Report {ref.report_id} is empty: it has not even a header.", reason="reportEmpty")
    missing = [name for name in report_type.columns if name not in header]
    if missing:
        raise CorruptData(
            f"Report {ref.report_id} lacks the columns {', '.join(missing)}.", reason="reportColumnMissing"
        )
    take = [(header.index(name), name, _PARSERS[kind]) for name, kind in report_type.columns.items()]
    extra = [(index, name) for index, name in enumerate(header) if name not in report_type.columns]
    for values in records:
        if len(values) != len(header):
            raise CorruptData(
                f"Report {ref.report_id}, line {reader.line_num}: {len(values)} values for {len(header)} columns.",
                reason="reportRowBroken",
            )
        row = [load_id, ref.report_id]
        for index, name, parse in take:
            try:
                row.append(parse(values[index]))
            except ValueError as error:
                raise CorruptData(
                    f"Report {ref.report_id}, line {reader.line_num}: {name} {error}.", reason="reportRowBroken"
                ) from error
        row.append(json.dumps({name: values[i] for i, name in extra}) if extra else "")
        _same_subject(row, ref, reader.line_num)
        yield row


def _records(reader: Any, ref: ReportRef) -> Iterator[list[str]]:
    """The file's records, blank lines left out. Raises CorruptData for what is no CSV or no UTF-8."""
    try:
        yield from (values for values in reader if values)
    except (csv.Error, UnicodeDecodeError) as error:
        raise CorruptData(
            f"Report {ref.report_id}, after line {reader.line_num}: {error}.", reason="reportUnreadable"
        ) from error


def _same_subject(row: list[str], ref: ReportRef, line: int) -> None:
    if row[2] != ref.day.isoformat() or row[3] != ref.channel_id:
        raise CorruptData(
            f"Report {ref.report_id}, line {line}: it is about {row[3]} on {row[2]}, "
            f"not {ref.channel_id} on {ref.day}.",
            reason="reportSubject",
        )


def _day(text: str) -> str:
    """YouTube writes 20261120 or 2026-11-20."""
    digits = text.replace("-", "")
    if len(digits) != 8 or not digits.isdecimal():
        raise ValueError(f"is no date: {text!r}")
    return date.fromisoformat(digits).isoformat()


def _count(text: str) -> str:
    # As BigQuery reads it: Python's int() also takes 1_000, Arabic digits and numbers beyond 64 bits.
    if text and not _COUNT.fullmatch(text):
        raise ValueError(f"is no whole number: {text!r}")
    return text


def _number(text: str) -> str:
    if text and not _NUMBER.fullmatch(text):
        raise ValueError(f"is no number: {text!r}")
    return text


def _string(text: str) -> str:
    if "\0" in text:  # BigQuery refuses the whole load for one
        raise ValueError("holds a zero byte")
    return text


_COUNT = re.compile(r"-?[0-9]{1,18}")
_NUMBER = re.compile(r"-?([0-9]{1,18}(\.[0-9]{0,50})?|\.[0-9]{1,50})([eE][-+]?[0-9]{1,2})?")

_PARSERS: dict[str, Callable[[str], str]] = {DATE: _day, INTEGER: _count, FLOAT: _number, STRING: _string}
