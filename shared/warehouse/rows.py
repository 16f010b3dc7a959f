"""Turns a bulk report file, as its bytes come, into lines for a staging table, or refuses it.

A file is one channel's one Pacific day. Only its shape is looked at here: header, number of columns, encoding.
What the values mean, BigQuery judges (`sql/statements/judge_staged.sql`), so no number is parsed in Python: a
block of lines without quotes gets the report's id after each line by one replacement. Any other block goes
through Python's CSV reader.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from shared.errors import CorruptData
from shared.warehouse.report_types import ReportType

NEW_COLUMNS = "the file has columns that are not declared:"
_BOM = b"\xef\xbb\xbf"
_COMMAS = bytes(byte == ord(",") for byte in range(256))
_OPEN_MAX = 2**20  # bytes without an end of a record; no header and no record of YouTube's is as long


@dataclass(frozen=True, kw_only=True)
class ReportRef:
    """One report that YouTube has issued. `day` is Pacific; a newer create_time replaces an older one's rows.

    newer_than: a load id; only a load with a greater one counts as having loaded the report.
    """

    report_id: str
    channel_id: str
    report_type: str
    job_id: str
    day: date
    create_time: datetime
    download_url: str
    newer_than: str = ""


Order = tuple[str, ...]
"""The report type's columns, in the order in which they stand in the lines of one load."""


class ReportLines:
    """One report's file as lines of a staging table: the columns in one order, `extra`, the report's id.

    agree: given the order that suits this file, answers the order of the load that its lines go to.
    findings: what should be told about a file that is loaded all the same. new: its columns that are not declared.
    rows, checksum: of what has come.
    """

    def __init__(self, report_type: ReportType, ref: ReportRef, agree: Callable[[Order], Order]) -> None:
        self._type, self._ref, self._agree = report_type, ref, agree
        self._hash = hashlib.sha256()
        self._open = b""  # what has come of a record whose end has not
        self._line = 1
        self._header: list[str] = []
        self._end: bytes | None = None  # what ends a line of a block; None: not by blocks
        self._places: list[int | None] = []
        self._extra: list[tuple[int, str]] = []
        self.findings: list[str] = []
        self.new: tuple[str, ...] = ()
        self.rows = 0

    @property
    def checksum(self) -> str:
        """SHA-256 of the unpacked file: whoever downloads the report again can tell whether it is the same."""
        return f"sha256:{self._hash.hexdigest()}"

    def feed(self, chunk: bytes) -> bytes:
        """The lines that are complete with these bytes. Raises CorruptData for what cannot be a report."""
        self._hash.update(chunk)
        block = self._open + chunk
        end = _end_of_records(block)
        self._open = block[end:]
        if len(self._open) > _OPEN_MAX:
            raise self._corrupt("a record does not end", "reportUnreadable")
        return self._lines(block[:end])

    def finish(self) -> bytes:
        """The last line, when nothing ends it. Raises CorruptData for a file without a header."""
        rest, self._open = self._open, b""
        if rest and rest.count(b'"') % 2:
            raise self._corrupt("a quoted text does not end", "reportUnreadable")
        lines = self._lines(rest + b"\n" if rest else b"")
        if not self._header:
            words = f"Report {self._ref.report_id} is empty: it has not even a header."
            raise CorruptData(words, reason="reportEmpty")
        return lines

    def _lines(self, block: bytes) -> bytes:
        if block and not self._header:
            first, _, block = block.removeprefix(_BOM).lstrip(b"\r\n").partition(b"\n")
            if first:
                self._read_header(next(self._records(first + b"\n"), []))
        if not block:
            return b""
        lines = self._by_block(block)
        if lines is None:
            lines = self._by_record(block)
            self._line += block.count(b"\n")
        return lines

    def _read_header(self, names: Sequence[str]) -> None:
        header = [name.strip().lower() for name in names]
        columns = self._type.columns
        missing = [name for name in columns if name not in header]
        twice = [name for name in columns if header.count(name) > 1]
        needed = [name for name in missing if name in self._type.needed]
        if needed:
            words = f"Report {self._ref.report_id} lacks the columns {', '.join(needed)}."
            raise CorruptData(words, reason="reportColumnMissing")
        if twice:  # which of the two is right, nobody knows
            words = f"Report {self._ref.report_id} names the columns {', '.join(twice)} twice."
            raise CorruptData(words, reason="reportColumnTwice")
        if missing:
            self.findings.append(f"the file lacks {', '.join(missing)}")
        known = [name for name in header if name in columns]
        order = self._agree((*known, *missing))
        self._header = header
        self._extra = _named_apart((place, name) for place, name in enumerate(header) if name not in columns)
        self.new = tuple(name for _, name in self._extra)
        if self.new:
            self.findings.append(f"{NEW_COLUMNS} {', '.join(self.new)}")
        self._places = [header.index(name) if name in header else None for name in order]
        if order == (*known, *missing) and not self._extra:
            self._end = b"," * (len(missing) + 2) + quoted(self._ref.report_id).encode() + b"\n"

    def _by_block(self, block: bytes) -> bytes | None:
        """The lines of a block of which nothing has to be looked at: no quotes, no odd bytes, one record a line.

        None for any other. One with a column too many in a line and one too few in another passes here; BigQuery
        refuses it.
        """
        if self._end is None or b'"' in block:
            return None
        if b"\r" in block:
            block = block.replace(b"\r\n", b"\n")
        if b"\r" in block or b"\0" in block:
            return None
        made = block.replace(b"\n", self._end)
        # By what the replacements added, and by a sum of bytes: `count` takes longer than all the rest.
        count = (len(made) - len(block)) // (len(self._end) - 1)
        if _commas(block) != count * (len(self._header) - 1):
            return None
        if not block.isascii():
            self._text(block)
        self.rows += count
        self._line += count
        return made

    def _by_record(self, block: bytes) -> bytes:
        if b"\0" in block:  # BigQuery refuses the whole load for one
            raise self._corrupt("it holds a zero byte", "reportRowBroken")
        lines = []
        for values in self._records(block):
            if len(values) != len(self._header):
                raise self._corrupt(f"{len(values)} values for {len(self._header)} columns", "reportRowBroken")
            extra = json.dumps({name: values[place] for place, name in self._extra}) if self._extra else ""
            row = [*("" if place is None else values[place] for place in self._places), extra, self._ref.report_id]
            lines.append(",".join(map(quoted, row)) + "\n")
        self.rows += len(lines)
        return "".join(lines).encode()

    def _records(self, block: bytes) -> Iterator[list[str]]:
        """The records of some lines, blank lines left out; line ends within a text are the text's."""
        try:
            yield from (values for values in csv.reader(io.StringIO(self._text(block), newline="\n")) if values)
        except csv.Error as error:
            raise self._corrupt(str(error), "reportUnreadable") from error

    def _text(self, block: bytes) -> str:
        try:
            return block.decode()
        except UnicodeDecodeError as error:
            raise self._corrupt(str(error), "reportUnreadable") from error

    def _corrupt(self, what: str, reason: str) -> CorruptData:
        return CorruptData(f"Report {self._ref.report_id}, after line {self._line}: {what}.", reason=reason)


def _commas(block: bytes) -> int:
    """How many commas there are. Adler-32's lower half is 1 and the sum of the bytes, modulo 65,521."""
    ones = memoryview(block.translate(_COMMAS))
    return sum((zlib.adler32(ones[at : at + 65_519]) & 0xFFFF) - 1 for at in range(0, len(ones), 65_519))


def _end_of_records(block: bytes) -> int:
    """Where the last complete record ends: after a line's end that is not inside a quoted text."""
    end = block.rfind(b"\n") + 1
    while b'"' in block and block.count(b'"', 0, end) % 2:
        end = block.rfind(b"\n", 0, block.rfind(b'"', 0, end)) + 1
    return end


def _named_apart(columns: Iterable[tuple[int, str]]) -> list[tuple[int, str]]:
    """Columns by different names: the second of a name is `name 2`."""
    seen: dict[str, int] = {}
    apart = []
    for place, name in columns:
        seen[name] = seen.get(name, 0) + 1
        apart.append((place, name if seen[name] == 1 else f"{name} {seen[name]}"))
    return apart


def quoted(text: str) -> str:
    """A CSV field, in quotes where BigQuery needs them. Python's writer left out a bare CR before 3.12."""
    return '"' + text.replace('"', '""') + '"' if any(mark in text for mark in ',"\r\n') else text
