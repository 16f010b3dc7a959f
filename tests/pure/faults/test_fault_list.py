"""The fault list: numbered, never shortened, and told from what its tests said."""

from __future__ import annotations

from infra.faults import Line, Outcome, fault_list, with_outcomes


def test_the_list_keeps_its_fifty_first_lines():
    lines = fault_list()
    assert list(lines) == list(range(1, len(lines) + 1))
    assert len(lines) >= 50


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
