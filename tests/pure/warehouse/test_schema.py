"""What the warehouse declares: views and their queries, report types and the files that YouTube sends."""

from __future__ import annotations

import re

import pytest

from infra.local.simulator.world import report_types as simulated
from shared.warehouse.checks import CHECKS
from shared.warehouse.report_types import REPORT_TYPES
from shared.warehouse.statements import OF_STAGED, ROW_DIGESTS, SQL, STATEMENTS, VIEWS, view_text


def test_every_view_is_declared_and_has_its_query():
    assert set(VIEWS) == {path.stem for path in (SQL / "views").glob("*.sql")}


def test_every_statement_is_declared_and_has_its_file():
    assert {each.name for each in (*STATEMENTS, *OF_STAGED, ROW_DIGESTS)} == {
        path.stem for path in (SQL / "statements").glob("*.sql")
    }


def test_every_check_is_declared_and_has_its_query():
    assert {each.name for each in CHECKS} == {path.stem for path in (SQL / "checks").glob("*.sql")}


@pytest.mark.parametrize("name", REPORT_TYPES)
def test_a_report_type_has_the_columns_of_the_files_that_the_simulator_sends(name):
    assert set(REPORT_TYPES[name].columns) == set(simulated.REPORT_TYPES[name].header)


def test_every_column_that_a_view_reads_is_needed():
    spoken = "".join(text for name in VIEWS if "{dataset}" in (text := view_text(name)))
    read = {
        each.id: set(re.findall(r"\w+", spoken)) & set(each.columns)
        for each in REPORT_TYPES.values()
        if f"report_{each.id}`" in spoken
    }
    assert set(read) == {"channel_basic_a3", "channel_reach_basic_a1"}
    for name, columns in read.items():
        assert columns - {"country_code"} <= REPORT_TYPES[name].needed, name  # which is only passed on
