"""What the system must survive (the fault list) and do right (the table of cases), with what their tests say.

A test shows a line by its mark, `fault(19)` or `case("P1")`; how the lines look is told where they are kept,
tests/faults/.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from enum import Enum
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from infra.deployment import ROOT

FAULTS = ROOT / "tests" / "faults" / "faults.yaml"
CASES = ROOT / "tests" / "faults" / "cases.yaml"
LAST_FAULT = 75
"""Every number up to this one has its line."""
EVERY_CASE_IS_SHOWN = True
"""Whether a case without a test is a failure, as a fault without one is."""


class Outcome(Enum):
    """What a line's tests say together."""

    PASSED = "passed"
    FAILED = "failed"
    NO_TEST = "no test yet"


@dataclass(frozen=True, kw_only=True)
class Line:
    """One line. tests: how many showed it; failures: those that failed."""

    id: str
    group: str
    text: str
    tests: int = 0
    failures: tuple[str, ...] = ()

    @property
    def outcome(self) -> Outcome:
        """Failed if any test failed; passed if some ran."""
        if self.failures:
            return Outcome.FAILED
        return Outcome.PASSED if self.tests else Outcome.NO_TEST


@dataclass(frozen=True, kw_only=True)
class Case(Line):
    """One case: its text says what goes in. kind: the mistake that it is an example of; right: what comes out."""

    kind: str
    right: str


@cache
def fault_list() -> Mapping[str, Line]:
    """The declared faults by number, in order. Raises ValueError when one is missing, or comes twice."""
    lines = [Line(id=str(n), group=group, text=text) for group, n, text in _read(FAULTS)]
    numbers = [int(line.id) for line in lines]
    if numbers != sorted(set(numbers)) or numbers[:LAST_FAULT] != list(range(1, LAST_FAULT + 1)):
        raise ValueError("faults.yaml: each line has a number of its own, in order, and none is left out")
    return {line.id: line for line in lines}


@cache
def case_list() -> Mapping[str, Case]:
    """The declared cases by id, in order. Raises ValueError when one comes twice."""
    cases = [
        Case(id=id_, group=group, kind=case["kind"], text=case["given"], right=case["right"])
        for group, id_, case in _read(CASES)
    ]
    if len({case.id for case in cases}) != len(cases):
        raise ValueError("cases.yaml: each case has an id of its own")
    return {case.id: case for case in cases}


def _read(path: Path) -> list[tuple[str, Any, Any]]:
    groups = yaml.safe_load(path.read_text())
    return [(group, id_, line) for group, lines in groups.items() for id_, line in lines.items()]


MARKS: Mapping[str, Callable[[], Mapping[str, Line]]] = {"fault": fault_list, "case": case_list}
"""The marks by which tests show lines, and the lines that there are."""


def with_outcomes(lines: Iterable[Line], results: Mapping[str, Mapping[str, Any]]) -> list[Line]:
    """The lines with what the tests said. results: test id to {"shows": [line's id, ...], "passed": bool}."""
    told = []
    for line in lines:
        mine = {test: result for test, result in results.items() if line.id in result["shows"]}
        failures = tuple(sorted(test for test, result in mine.items() if not result["passed"]))
        told.append(replace(line, tests=len(mine), failures=failures))
    return told
