"""`python -m infra.bench [--only PREFIX] [--json PATH]`; exit status 1 when a row does not hold its limit."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from infra.bench import Line, all_rows, run


def main() -> int:
    """Measure one row after another, then print the table."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--only", default="", help="rows whose name begins with this")
    parser.add_argument("--json", type=Path, help="write the table there as JSON too")
    asked = parser.parse_args()
    chosen = [each for each in all_rows() if each.name.startswith(asked.only)]
    if not chosen:
        print(f"no row begins with {asked.only!r}", file=sys.stderr)
        return 1
    console, lines = _console(), []
    for number, each in enumerate(chosen, start=1):
        console.print(f"[dim]{number}/{len(chosen)} {each.name}: {each.about}[/]", soft_wrap=True)
        lines.append(run(each))
    console.print(_table(lines))
    for line in lines:
        if line.error:
            console.print(Text(f"{line.row.name}: {line.error}", style="red"), soft_wrap=True)
    if asked.json:
        asked.json.write_text(json.dumps([line.as_json() for line in lines], indent=1) + "\n")
    return 0 if all(line.holds for line in lines) else 1


def _console() -> Console:
    """As wide as the screen; where there is none, as wide as the table."""
    return Console() if sys.stdout.isatty() else Console(width=150)


def _table(lines: list[Line]) -> Table:
    drawn = Table()
    drawn.add_column("row", no_wrap=True)
    for heading in ("value", "unit", "floor", "x floor", "peer", "x peer", "limit", "holds"):
        drawn.add_column(heading, justify="right", no_wrap=True)
    for line in lines:
        measured = line.measured
        drawn.add_row(
            line.row.name,
            _figure(measured.value if measured else None),
            line.row.unit,
            _figure(measured.floor if measured else None),
            _figure(line.ratio_to_floor),
            _figure(measured.peer if measured else None),
            _figure(line.ratio_to_peer),
            str(line.row.limit or ""),
            "[green]yes[/]" if line.holds else "[bold red]NO[/]",
        )
    return drawn


def _figure(number: float | None) -> str:
    if number is None:
        return ""
    return f"{number:,.0f}" if abs(number) >= 100 else f"{number:.3g}"


if __name__ == "__main__":
    sys.exit(main())
