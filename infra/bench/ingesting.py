"""One way through a report of a million rows, in a process of its own: `python -m infra.bench.ingesting WAY FILE`.

Prints {"seconds", "peak_mib", "rows"} as JSON: seconds of CPU, which is what a function has little of, and memory
above what the process had before it began.

    gunzip   unpacked and counted, the floor of whatever reads it
    ours     unpacked, checked and made into the lines that a load job takes
    csv      unpacked and read by Python's csv, every number parsed, written for a load job again
    polars, duckdb
             read with numbers parsed, and written for a load job
"""

from __future__ import annotations

import csv
import importlib
import importlib.util
import io
import json
import random
import sys
import time
import zlib
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from pathlib import Path

from shared.warehouse.load import PIECE, Pending
from shared.warehouse.report_types import FLOAT, INTEGER, REPORT_TYPES
from shared.warehouse.rows import ReportLines, ReportRef

KIND = REPORT_TYPES["channel_basic_a3"]
DAY, CHANNEL = date(2026, 11, 1), "UC" + "x" * 22
PEERS = tuple(name for name in ("polars", "duckdb") if importlib.util.find_spec(name))
"""The libraries among the ways that are installed here."""
_CHUNK = 65_536
_DISTINCT = 10_000


def write_report(path: Path, rows: int) -> None:
    """A packed report of so many rows, much like a real one: few countries, many videos, mostly small numbers."""
    head = (",".join(KIND.columns) + "\n").encode()
    some = "".join(map(_row, range(_DISTINCT))).encode()  # far more than the packer looks back
    packer = zlib.compressobj(4, zlib.DEFLATED, 31)
    with path.open("wb") as file:
        file.write(packer.compress(head))
        for _ in range(rows // _DISTINCT):
            file.write(packer.compress(some))
        file.write(packer.flush())


def _row(number: int) -> str:
    rng = random.Random(number)  # noqa: S311 - the same numbers in every run
    subject = [f"{DAY:%Y%m%d}", CHANNEL, f"{rng.getrandbits(60):011x}"[:11], "on_demand", "subscribed", "DE"]
    metrics = [
        str(int(rng.expovariate(0.05))) if kind == INTEGER else f"{rng.expovariate(0.02):.2f}"
        for kind in KIND.columns.values()
        if kind in {INTEGER, FLOAT}
    ]
    return ",".join(subject + metrics) + "\n"


def _unpacked(path: Path) -> Iterator[bytes]:
    unpack = zlib.decompressobj(31)
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            yield unpack.decompress(chunk)
    yield unpack.flush()


def _gunzip(path: Path) -> int:
    return sum(chunk.count(b"\n") for chunk in _unpacked(path)) - 1


def _ours(path: Path) -> int:
    ref = ReportRef(
        report_id="1234567890",
        channel_id=CHANNEL,
        report_type=KIND.id,
        job_id="job",
        day=DAY,
        create_time=datetime(2026, 11, 4, tzinfo=UTC),
        download_url="",
    )
    report, pending = ReportLines(KIND, ref, lambda order: order), Pending()

    def take(made: bytes) -> None:
        pending.put(made)
        while len(pending) > PIECE:
            pending.read(PIECE)

    for chunk in _unpacked(path):
        take(report.feed(chunk))
    take(report.finish())
    return report.rows


def _csv(path: Path) -> int:
    parsers: list[Callable[[str], object]] = [
        {INTEGER: int, FLOAT: float}.get(kind, str) for kind in KIND.columns.values()
    ]
    sink, rows = io.StringIO(), 0
    writer = csv.writer(sink)
    reader = csv.reader(_text_lines(path))
    next(reader)
    for values in reader:
        writer.writerow([parse(value) for parse, value in zip(parsers, values, strict=True)])
        rows += 1
        if rows % 10_000 == 0:
            sink.seek(0)
            sink.truncate()
    return rows


def _text_lines(path: Path) -> Iterator[str]:
    rest = b""
    for chunk in _unpacked(path):
        *whole, rest = (rest + chunk).split(b"\n")
        yield from (line.decode() + "\n" for line in whole)


def _polars(path: Path) -> int:
    frame = importlib.import_module("polars").read_csv(path)
    frame.write_csv("/dev/null")
    return int(frame.height)


def _duckdb(path: Path) -> int:
    duckdb = importlib.import_module("duckdb")
    found = duckdb.execute(f"COPY (SELECT * FROM read_csv('{path}')) TO '/dev/null' (FORMAT CSV)").fetchall()
    return int(found[0][0])


WAYS: dict[str, Callable[[Path], int]] = {
    "gunzip": _gunzip,
    "ours": _ours,
    "csv": _csv,
    "polars": _polars,
    "duckdb": _duckdb,
}


def main() -> None:
    """Go one way, and tell how it went."""
    way, path = WAYS[sys.argv[1]], Path(sys.argv[2])
    if sys.argv[1] in PEERS:
        __import__(sys.argv[1])
    # A process begins with its parent's peak, so that of `getrusage` says nothing here.
    Path("/proc/self/clear_refs").write_text("5")
    before = _peak_mib()
    began = time.process_time()
    rows = way(path)
    seconds = time.process_time() - began
    print(json.dumps({"seconds": seconds, "peak_mib": _peak_mib() - before, "rows": rows}))


def _peak_mib() -> float:
    """The most memory that this process has held since its peak was cleared."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM:"))


if __name__ == "__main__":
    main()
