"""Everything that is sent to BigQuery, before GoogleSQL's own analyser."""

from __future__ import annotations

import re
from dataclasses import dataclass

import pytest

from infra.deployment import ROOT
from infra.judges.warehouse import problems
from shared.warehouse.statements import NAME_LOADS, STATEMENTS, VIEWS, Statement, view_text

SPOKEN = {name: view_text(name) for name in VIEWS}
SQL = re.compile(r"\b(SELECT\b.*\bFROM|INSERT INTO|DELETE FROM|MERGE INTO|MERGE `|UPDATE `)", re.DOTALL)


@dataclass(frozen=True)
class Planted(Statement):
    """A statement that is written here, and not in a file."""

    written: str

    @property
    def text(self) -> str:
        return self.written


def planted(text: str, **parameters: str) -> Statement:
    return Planted("planted", parameters, text)


def test_google_takes_every_view_and_every_statement():
    assert list(problems(SPOKEN)) == []


def test_a_reserved_word_as_an_alias_is_found():
    merge = (
        "MERGE `{dataset}.report_loads` AS manifest USING (SELECT @id AS report_id) AS new "
        "ON manifest.report_id = new.report_id WHEN NOT MATCHED THEN INSERT (report_id) VALUES (new.report_id)"
    )
    (found,) = problems(SPOKEN, (planted(merge, id="STRING"),))
    assert "Unexpected keyword NEW" in found


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("SELECT no_such_column FROM `{dataset}.report_loads`", "Unrecognized name: no_such_column"),
        ("SELECT day FROM `{dataset}.report_loads` WHERE day + @day > 1", "No matching signature for operator"),
        ("SELECT report_id FROM `{dataset}.no_such_table`", "Table not found"),
        (
            "SELECT date_trunc('hour', create_time) FROM `{dataset}.report_loads`",
            "A valid date part name is required",
        ),
    ],
)
def test_what_only_another_engine_takes_is_found(text, says):
    (found,) = problems(SPOKEN, (planted(text, day="STRING"),))
    assert says in found


def test_a_column_of_the_guide_s_table_with_another_type_is_found():
    wrong = SPOKEN["youtube_metrics"].replace(
        "IF(days.basic_rows = 0, 0, basic.views) AS views", "CAST(basic.views AS FLOAT64) AS views"
    )
    assert list(problems({**SPOKEN, "youtube_metrics": wrong}, ())) == [
        "view youtube_metrics: views is FLOAT64, not INT64"
    ]


def test_a_statement_is_judged_with_the_types_that_it_is_sent_with():
    (found,) = problems(SPOKEN, (planted(NAME_LOADS.text, entries="STRING", ids="ARRAY<INT64>"),))
    assert found.startswith("statement planted")


def test_no_function_writes_sql_anywhere_else():
    for path in sorted([*ROOT.glob("shared/**/*.py"), *ROOT.glob("functions/**/*.py")]):
        assert not SQL.search(path.read_text()), path


def test_every_statement_says_what_it_is_for():
    assert all(each.text.startswith("-- ") for each in STATEMENTS)
    assert all(text.startswith("-- ") for text in SPOKEN.values())
