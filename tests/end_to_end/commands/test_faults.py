"""The printed fault list and cases."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from infra.deployment import ROOT
from infra.faults import case_list, fault_list

LINES = [*fault_list(), *case_list()]


@pytest.mark.parametrize(
    ("shown", "passed", "status"),
    [(LINES, True, 0), (LINES, False, 1), (LINES[1:], True, 1)],
)
def test_the_printed_list_fails_when_a_line_failed_or_has_no_test(tmp_path, shown, passed, status):
    told = {"tests": {"test_a": {"shows": shown, "passed": passed}}, "broken": [], "exit_status": 0}
    outcomes = tmp_path / "outcomes.json"
    outcomes.write_text(json.dumps(told))
    command = [sys.executable, "-m", "infra.faults", str(outcomes)]
    printed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)
    assert (printed.returncode, printed.stderr) == (status, "")
