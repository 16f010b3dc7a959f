"""A report of a million rows, from its packed file to the lines that a load job takes; other ways to read it."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

from infra.bench import Limit, Measured, row
from infra.bench.ingesting import PEERS, write_report

_ROWS = 1_000_000
_ROUNDS = 3


@cache
def _figures(*ways: str) -> dict[str, dict[str, float]]:
    """What each way took, turn about; the best of a few rounds, and the most memory."""
    found: dict[str, dict[str, float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "report.csv.gz"
        write_report(path, _ROWS)
        for _ in range(_ROUNDS):
            for way in ways:
                command = [sys.executable, "-m", "infra.bench.ingesting", way, str(path)]
                told = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
                assert told["rows"] == _ROWS
                best = found.setdefault(way, told)
                best["seconds"] = min(best["seconds"], told["seconds"])
                best["peak_mib"] = max(best["peak_mib"], told["peak_mib"])
    return found


def _seconds(way: str) -> Measured:
    figures = _figures("gunzip", "ours", "csv", *PEERS)
    return Measured(value=figures[way]["seconds"], floor=figures["gunzip"]["seconds"])


@row("ingest.million_rows", unit="s", limit=Limit(bound=2.5, of="ratio_to_floor"))
def million_rows() -> Measured:
    """CPU from a packed report to lines ready to load; the floor is unpacking it, the peer Python's csv"""
    figures = _figures("gunzip", "ours", "csv", *PEERS)
    ours = _seconds("ours")
    return Measured(value=ours.value, floor=ours.floor, peer=figures["csv"]["seconds"])


@row("ingest.million_rows_memory", unit="MiB", limit=Limit(bound=256))
def million_rows_memory() -> Measured:
    """Memory above idle for the same; the peer is Python's csv"""
    figures = _figures("gunzip", "ours", "csv", *PEERS)
    return Measured(value=figures["ours"]["peak_mib"], peer=figures["csv"]["peak_mib"])


def _register(name: str) -> None:
    def other_way() -> Measured:
        return _seconds(name)

    other_way.__doc__ = f"the same with {name}, every number parsed, for comparison"
    row(f"ingest.million_rows_{name}", unit="s")(other_way)


for _each in PEERS:  # those that are installed; nothing here needs them
    _register(_each)
