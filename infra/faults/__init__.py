"""The fault list with each line's outcome, from the tests that are marked with its number."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum

import yaml

from infra.deployment import ROOT

LIST = ROOT / "tests" / "faults" / "faults.yaml"


class Outcome(Enum):
    """What a line's tests say together."""

    PASSED = "passed"
    FAILED = "failed"
    NO_TEST = "no test yet"


@dataclass(frozen=True, kw_only=True)
class Line:
    """One fault. tests: how many showed it; failures: those that failed."""

    number: int
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


def fault_list() -> dict[int, Line]:
    """The declared faults by number, in order. Raises ValueError when one comes twice or out of order."""
    groups = yaml.safe_load(LIST.read_text())
    lines = [
        Line(number=n, group=group, text=text) for group, faults in groups.items() for n, text in faults.items()
    ]
    numbers = [line.number for line in lines]
    if numbers != sorted(set(numbers)):
        raise ValueError("faults.yaml: each line has a number of its own, in order")
    return {line.number: line for line in lines}


def with_outcomes(lines: Iterable[Line], results: Mapping[str, Mapping[str, object]]) -> list[Line]:
    """The lines with what the tests said. results: test id to {"faults": [n, ...], "passed": bool}."""
    told = []
    for line in lines:
        mine = {test: result for test, result in results.items() if line.number in _numbers(result)}
        failures = tuple(sorted(test for test, result in mine.items() if not result["passed"]))
        told.append(Line(number=line.number, group=line.group, text=line.text, tests=len(mine), failures=failures))
    return told


def _numbers(result: Mapping[str, object]) -> list[int]:
    numbers = result["faults"]
    assert isinstance(numbers, list)
    return numbers
