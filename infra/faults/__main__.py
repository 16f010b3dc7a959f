"""`python -m infra.faults OUTCOMES`: print the list; exit status 1 unless the tests ran and every line passed."""

from __future__ import annotations

import json
import sys
from itertools import groupby
from pathlib import Path

from rich.console import Console
from rich.text import Text

from infra.faults import Line, Outcome, fault_list, with_outcomes

_COLOURS = {Outcome.PASSED: "green", Outcome.FAILED: "bold red", Outcome.NO_TEST: "yellow"}
_RAN = {0, 1, 5}  # pytest's exit statuses for: all passed, some failed, nothing selected


def main() -> int:
    """Read what tests/conftest.py wrote, and print it by line."""
    told = json.loads(Path(sys.argv[1]).read_text())
    lines, console = with_outcomes(fault_list().values(), told["tests"]), Console(highlight=False)
    for group, members in groupby(lines, key=lambda line: line.group):
        console.print(f"\n[bold]{group}[/]")
        for line in members:
            _print(console, line)
    counts = {outcome: sum(line.outcome is outcome for line in lines) for outcome in Outcome}
    console.print("\n" + ", ".join(f"{count} {outcome.value}" for outcome, count in counts.items()))
    if told["broken"]:
        console.print(f"Not read, so their tests are missing: {', '.join(told['broken'])}", style="bold red")
        return 1
    if told["exit_status"] not in _RAN:
        console.print(
            f"The tests did not run to their end: pytest answered {told['exit_status']}.", style="bold red"
        )
        return 1
    return 0 if counts[Outcome.PASSED] == len(lines) else 1


def _print(console: Console, line: Line) -> None:
    tests = f" ({line.tests} tests)" if line.tests > 1 else ""
    outcome = (f"{line.outcome.value + tests:22}", _COLOURS[line.outcome])
    console.print(Text.assemble(f"  {line.number:3}  ", outcome, line.text), soft_wrap=True)
    for test in line.failures:
        console.print(Text(f"       {test}", style="red"), soft_wrap=True)


if __name__ == "__main__":
    sys.exit(main())
