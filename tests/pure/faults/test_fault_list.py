"""The fault list: numbered, never shortened, and told from what its tests said."""

from __future__ import annotations

import json

import pytest

from infra.faults import Line, Outcome, fault_list, with_outcomes
from infra.faults.__main__ import main


def test_the_list_keeps_its_fifty_first_lines():
    assert list(fault_list())[:50] == list(range(1, 51))


def test_a_line_has_passed_when_all_its_tests_have_and_failed_when_one_has():
    lines = [Line(number=n, group="g", text="t") for n in (1, 2, 3)]
    results = {
        "test_a": {"faults": [1, 2], "passed": True},
        "test_b": {"faults": [2], "passed": False},
    }
    told = with_outcomes(lines, results)
    assert [line.outcome for line in told] == [Outcome.PASSED, Outcome.FAILED, Outcome.NO_TEST]
    assert told[1].failures == ("test_b",)
    assert [line.tests for line in told] == [1, 2, 0]


@pytest.mark.parametrize(
    ("shown", "passed", "status"),
    [(list(fault_list()), True, 0), (list(fault_list()), False, 1), (list(fault_list())[1:], True, 1)],
)
def test_the_printed_list_fails_when_a_line_failed_or_has_no_test(tmp_path, monkeypatch, shown, passed, status):
    told = {"tests": {"test_a": {"faults": shown, "passed": passed}}, "broken": [], "exit_status": 0}
    outcomes = tmp_path / "outcomes.json"
    outcomes.write_text(json.dumps(told))
    monkeypatch.setattr("sys.argv", ["infra.faults", str(outcomes)])
    assert main() == status
