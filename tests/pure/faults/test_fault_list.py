"""The fault list and the table of cases: never shortened, and told from what their tests said."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from infra import faults
from infra.faults import Line, Outcome, case_list, fault_list, with_outcomes
from infra.faults.__main__ import main
from infra.faults.recording import pytest_itemcollected

PUBLISHING = [f"P{n}" for n in range(1, 24)]
ACCESS = [f"A{n}" for n in range(1, 17)]
COLLECTING = [*(f"C{n}" for n in range(1, 9)), "C8b", "C8c", *(f"C{n}" for n in range(9, 13))]


def test_no_fault_is_left_out():
    assert list(fault_list())[: faults.LAST_FAULT] == [str(n) for n in range(1, faults.LAST_FAULT + 1)]


def test_a_fault_that_is_left_out_is_noticed(tmp_path, monkeypatch):
    shortened = tmp_path / "faults.yaml"
    shortened.write_text(faults.FAULTS.read_text().replace("  7: ", "  # 7: "))
    monkeypatch.setattr(faults, "FAULTS", shortened)
    with pytest.raises(ValueError, match="none is left out"):
        fault_list.__wrapped__()


def test_no_case_is_left_out():
    assert list(case_list()) == [*PUBLISHING, *ACCESS, *COLLECTING]


def test_a_line_has_passed_when_all_its_tests_have_and_failed_when_one_has():
    lines = [Line(id=id_, group="g", text="t") for id_ in ("1", "2", "P1")]
    results = {
        "test_a": {"shows": ["1", "2"], "passed": True},
        "test_b": {"shows": ["2"], "passed": False},
    }
    told = with_outcomes(lines, results)
    assert [line.outcome for line in told] == [Outcome.PASSED, Outcome.FAILED, Outcome.NO_TEST]
    assert told[1] == replace(lines[1], tests=2, failures=("test_b",))
    assert [line.tests for line in told] == [1, 2, 0]


@pytest.mark.parametrize(
    ("shown", "passed", "status"),
    [
        ([*fault_list(), *case_list()], True, 0),
        ([*fault_list(), *case_list()], False, 1),
        ([*list(fault_list())[1:], *case_list()], True, 1),
        ([*fault_list(), *list(case_list())[1:]], True, int(faults.EVERY_CASE_IS_SHOWN)),
    ],
)
def test_the_printed_lists_fail_when_a_line_failed_or_has_no_test(tmp_path, monkeypatch, shown, passed, status):
    told = {"tests": {"test_a": {"shows": shown, "passed": passed}}, "broken": [], "exit_status": 0}
    outcomes = tmp_path / "outcomes.json"
    outcomes.write_text(json.dumps(told))
    monkeypatch.setattr("sys.argv", ["infra.faults", str(outcomes)])
    assert main() == status


@pytest.mark.parametrize("mark", [pytest.mark.fault(4711), pytest.mark.case("P4711")], ids=lambda mark: mark.name)
def test_a_mark_for_a_line_that_no_list_has_is_refused(request, mark):
    request.node.add_marker(mark)
    with pytest.raises(pytest.UsageError, match=f"there is no {mark.name} P?4711"):
        pytest_itemcollected(request.node)
