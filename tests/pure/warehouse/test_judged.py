"""Everything that is sent to BigQuery, before GoogleSQL's own analyser."""

from __future__ import annotations

import re
from dataclasses import dataclass

import pytest

from infra.deployment import ROOT
from infra.judges.quick_zetasql import parsed
from infra.judges.reading import over_owners
from infra.judges.warehouse import GUIDE, SPOKEN, STATEMENTS, everything, judge, problems
from infra.views import OVER_OWNERS, VIEWS
from shared.warehouse.statements import NAME_LOADS, TOTALS_BY_DAY, Statement

SQL = re.compile(r"\b(SELECT\b.*\bFROM|INSERT INTO|DELETE FROM|MERGE INTO|MERGE `|UPDATE `)", re.DOTALL)


@dataclass(frozen=True)
class Planted(Statement):
    """A statement that is written here, and not in a file."""

    written: str

    @property
    def text(self) -> str:
        return self.written


def planted(text: str, **parameters: str) -> tuple[Statement, ...]:
    return (Planted("planted", parameters, text),)


def test_google_takes_every_view_and_every_statement_and_none_adds_up_several_owners_numbers(spoken):
    found, wrong = spoken
    assert [*wrong, *problems(found, everything())] == []


def test_a_tree_that_is_made_quickly_is_the_one_that_the_package_makes(spoken, monkeypatch):
    from zetasql.core import local_service
    from zetasql.types import proto_model

    answers = []
    monkeypatch.setattr(local_service, "parse_proto", lambda answer: answers.append(answer) or parsed(answer))
    for text in (SPOKEN["youtube_metrics"], NAME_LOADS.text):
        spoken[0].resolved(text, NAME_LOADS.parameters)
    assert len(answers) == 2
    assert [repr(parsed(each)) for each in answers] == [repr(proto_model.parse_proto(each)) for each in answers]


def test_a_reserved_word_as_an_alias_is_found(spoken):
    merge = (
        "MERGE `{dataset}.report_loads` AS manifest USING (SELECT @id AS report_id) AS new "
        "ON manifest.report_id = new.report_id WHEN NOT MATCHED THEN INSERT (report_id) VALUES (new.report_id)"
    )
    (found,) = problems(spoken[0], planted(merge, id="STRING"))
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
def test_what_only_another_engine_takes_is_found(text, says, spoken):
    (found,) = problems(spoken[0], planted(text, day="STRING"))
    assert says in found


@pytest.mark.parametrize("table", GUIDE)
def test_a_column_of_a_table_of_the_guide_with_another_type_is_found(table):
    columns = ", ".join(f"CAST(NULL AS {kind}) AS {name}" for name, kind in GUIDE[table].items())
    wrong = f"SELECT {columns}".replace("CAST(NULL AS INT64) AS views", "CAST(NULL AS FLOAT64) AS views")
    assert judge({table: wrong})[1] == [f"view {table}: views is FLOAT64, not INT64"]


def test_a_statement_is_judged_with_the_types_that_it_is_sent_with(spoken):
    (found,) = problems(spoken[0], planted(NAME_LOADS.text, **{**NAME_LOADS.parameters, "ids": "ARRAY<INT64>"}))
    assert found.startswith("statement planted")


@pytest.mark.parametrize(
    "text",
    [
        "SELECT SUM(views) AS total FROM `{dataset}.youtube_metrics`",
        "SELECT date, AVG(views) AS total FROM `{dataset}.youtube_metrics` GROUP BY date",
        "SELECT SUM(views) OVER (PARTITION BY date) AS total FROM `{dataset}.youtube_metrics`",
        "WITH days AS (SELECT views FROM `{dataset}.video_daily`) SELECT SUM(views) AS total FROM days",
        "SELECT channel_id, (SELECT SUM(views) FROM `{dataset}.youtube_metrics`) AS total FROM `{dataset}.videos`",
        "SELECT COUNT(DISTINCT video_id) AS total FROM `{dataset}.report_channel_basic_a3`",
    ],
)
def test_a_query_that_adds_up_several_owners_numbers_is_found(text, spoken):
    (found,) = problems(spoken[0], planted(text))
    assert found.endswith("adds up several owners' numbers")


@pytest.mark.parametrize(
    "text",
    [
        "SELECT channel_id, SUM(views) AS total FROM `{dataset}.youtube_metrics` GROUP BY channel_id",
        "SELECT SUM(views) OVER (PARTITION BY channel_id) AS total FROM `{dataset}.youtube_metrics`",
        "SELECT DISTINCT date FROM `{dataset}.youtube_metrics`",
        "SELECT COUNT(*) AS reports FROM `{dataset}.report_loads`",
    ],
)
def test_a_query_that_keeps_owners_apart_or_counts_what_is_ours_is_not(text, spoken):
    assert list(problems(spoken[0], planted(text))) == []


def test_what_adds_up_several_owners_numbers_is_made_only_where_that_is_allowed(spoken):
    assert {name for name in SPOKEN if over_owners(spoken[0].tree(name))} == set(OVER_OWNERS)
    assert not set(OVER_OWNERS) & set(VIEWS)
    read = {name: each.name for each in STATEMENTS for name in OVER_OWNERS if f".{name}`" in each.text}
    assert read == {"network_daily": TOTALS_BY_DAY.name}  # which the console asks only where the setting says why


def test_no_function_writes_sql_anywhere_else():
    for path in sorted([*ROOT.glob("shared/**/*.py"), *ROOT.glob("functions/**/*.py")]):
        assert not SQL.search(path.read_text()), path


def test_every_statement_says_what_it_is_for():
    assert all(each.text.startswith("-- ") for each in STATEMENTS)
    assert all(text.startswith("-- ") for text in SPOKEN.values())
