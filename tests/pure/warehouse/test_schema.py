"""What the warehouse declares: views and their queries, report types and the files that YouTube sends."""

from __future__ import annotations

import pytest

from infra.local.simulator.world import report_types as simulated
from shared.warehouse.report_types import REPORT_TYPES
from shared.warehouse.statements import SQL, STATEMENTS, VIEWS


def test_every_view_is_declared_and_has_its_query():
    assert set(VIEWS) == {path.stem for path in (SQL / "views").glob("*.sql")}


def test_every_statement_is_declared_and_has_its_file():
    assert {each.name for each in STATEMENTS} == {path.stem for path in (SQL / "statements").glob("*.sql")}


@pytest.mark.parametrize("name", REPORT_TYPES)
def test_a_report_type_has_the_columns_of_the_files_that_the_simulator_sends(name):
    assert set(REPORT_TYPES[name].columns) == set(simulated.REPORT_TYPES[name].header)
