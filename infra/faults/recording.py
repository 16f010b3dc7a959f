"""Notes what tests marked `fault(n)` or `case(id)` said. tests/conftest.py takes these pytest hooks in by name.

`pytest --outcomes=PATH` writes {"exit_status": n, "broken": [files that could not be read],
"tests": {test id: {"shows": [line's id, ...], "passed": bool}}}.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TypedDict

import pytest

from infra.faults import MARKS

_PROPERTY = "shows"


class Result(TypedDict):
    """One test's word on the lines that it shows."""

    shows: list[str]
    passed: bool


_results = pytest.StashKey[dict[str, Result]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Where to write."""
    parser.addoption(
        "--outcomes", type=Path, help="write what every test marked fault(n) or case(id) said to this file"
    )


def pytest_configure(config: pytest.Config) -> None:
    """Register what listens to reports, where reports arrive (under xdist: in the controller)."""
    config.stash[_results] = {}
    config.pluginmanager.register(_Recorder(config), "fault-outcomes")


def pytest_itemcollected(item: pytest.Item) -> None:
    """Let the lines that a test shows travel with its reports. Raises UsageError for one that no list has."""
    shows = []
    for name, lines in MARKS.items():
        named = [str(line) for mark in item.iter_markers(name) for line in mark.args]
        unknown = [line for line in named if line not in lines()]
        if unknown:
            raise pytest.UsageError(f"{item.nodeid}: there is no {name} {', '.join(unknown)}")
        shows += named
    if shows:
        item.user_properties.append((_PROPERTY, shows))


class _Recorder:
    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._broken: list[str] = []

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """A file that cannot be read hides the tests in it."""
        if report.failed:
            self._broken.append(report.nodeid)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Passed is what passed its call and failed nowhere."""
        shows = dict(report.user_properties).get(_PROPERTY)
        if not shows or (report.when != "call" and report.passed):
            return
        results = self._config.stash[_results]
        before = results.get(report.nodeid)
        passed = report.passed and (before is None or before["passed"])
        results[report.nodeid] = {"shows": list(shows), "passed": passed}  # type: ignore[call-overload]

    def pytest_sessionfinish(self, exitstatus: int) -> None:
        """Write the file that was asked for."""
        path: Path | None = self._config.getoption("--outcomes")
        if path is None or hasattr(self._config, "workerinput"):
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        told = {
            "exit_status": int(exitstatus),
            "broken": sorted(self._broken),
            "tests": self._config.stash[_results],
        }
        path.write_text(json.dumps(told, indent=1) + "\n")
