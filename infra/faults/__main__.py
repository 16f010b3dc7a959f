"""`python -m infra.faults OUTCOMES`: print both lists; exit status 1 unless the tests ran and all lines passed."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path

from rich.console import Console
from rich.text import Text

from infra.faults import EVERY_CASE_IS_SHOWN, Line, Outcome, case_list, fault_list, with_outcomes

_COLOURS = {Outcome.PASSED: "green", Outcome.FAILED: "bold red", Outcome.NO_TEST: "yellow"}
_RAN = {0, 1, 5}  # pytest's exit statuses for: all passed, some failed, nothing selected


def main() -> int:
    """Read what tests/conftest.py wrote, and print it by line."""
    told, console = json.loads(Path(sys.argv[1]).read_text()), Console(highlight=False)
    faults = with_outcomes(fault_list().values(), told["tests"])
    cases = with_outcomes(case_list().values(), told["tests"])
    _print(console, "faults", faults)
    _print(console, "cases", cases)
    if told["broken"]:
        console.print(f"Not read, so their tests are missing: {', '.join(told['broken'])}", style="bold red")
        return 1
    if told["exit_status"] not in _RAN:
        console.print(
            f"The tests did not run to their end: pytest answered {told['exit_status']}.", style="bold red"
        )
        return 1
    good = {Outcome.PASSED} if EVERY_CASE_IS_SHOWN else {Outcome.PASSED, Outcome.NO_TEST}
    whole = {line.outcome for line in faults} == {Outcome.PASSED} and {line.outcome for line in cases} <= good
    return 0 if whole else 1


def _print(console: Console, name: str, lines: Sequence[Line]) -> None:
    for group, members in groupby(lines, key=lambda line: line.group):
        console.print(f"\n[bold]{group}[/]")
        for line in members:
            _print_line(console, line)
    counts = {outcome: sum(line.outcome is outcome for line in lines) for outcome in Outcome}
    told = ", ".join(f"{count} {outcome.value}" for outcome, count in counts.items())
    console.print(f"\n{len(lines)} {name}: {told}")


def _print_line(console: Console, line: Line) -> None:
    tests = f" ({line.tests} tests)" if line.tests > 1 else ""
    outcome = (f"{line.outcome.value + tests:22}", _COLOURS[line.outcome])
    console.print(Text.assemble(f"  {line.id:>3}  ", outcome, line.text), soft_wrap=True)
    for test in line.failures:
        console.print(Text(f"       {test}", style="red"), soft_wrap=True)


if __name__ == "__main__":
    sys.exit(main())
