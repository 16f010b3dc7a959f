"""The views that people query: described column by column, and reading no day that is not asked for."""

from __future__ import annotations

import pytest

from infra.judges.reading import Reading
from infra.marts import QUERIED, described, read
from infra.views import OVER_OWNERS, VIEWS
from shared.warehouse.tables import ANALYTICS_ROWS, RAW

NUMBERS = {ANALYTICS_ROWS.name, *(each.name for each in RAW)}
"""The tables that grow with days; the manifests have a row a report or an answer."""


@pytest.mark.parametrize("name", QUERIED)
def test_every_column_is_described_in_its_order(name, spoken):
    columns = spoken[0].analyse(f"SELECT * FROM `{{dataset}}.{name}`")
    assert list(described(name).columns) == list(columns)
    assert {*described(name).unique, *described(name).never_null} <= set(columns)


@pytest.mark.parametrize("name", [name for name in QUERIED if described(name).days != "all"])
def test_a_filter_on_the_day_reaches_every_table_of_numbers(name, spoken):
    reading = Reading(spoken[0], (*VIEWS, *OVER_OWNERS))
    assert reading.unreached(name, described(name).days) & NUMBERS == set()


@pytest.mark.parametrize("name", [name for name in QUERIED if described(name).days == "all"])
def test_a_view_that_needs_every_day_says_why(name):
    assert described(name).why


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("SELECT DATE_ADD(date, INTERVAL 0 DAY) AS date, views FROM `{dataset}.channel_basic`", True),
        (
            "SELECT date, LAG(date) OVER (PARTITION BY channel_id ORDER BY date) FROM `{dataset}.channel_basic`",
            True,
        ),
        ("SELECT MAX(date) AS date FROM `{dataset}.channel_basic`", True),
        ("SELECT a.date FROM `{dataset}.channel_reach` a LEFT JOIN `{dataset}.channel_basic` USING (date)", True),
        ("SELECT a.date FROM `{dataset}.channel_reach` a JOIN `{dataset}.channel_basic` USING (date)", False),
        ("SELECT date, SUM(views) FROM `{dataset}.channel_basic` GROUP BY date", False),
        ("SELECT date FROM `{dataset}.channel_reach` UNION ALL SELECT date FROM `{dataset}.channel_basic`", False),
        ("WITH days AS (SELECT date AS day FROM `{dataset}.channel_basic`) SELECT day AS date FROM days", False),
    ],
)
def test_a_filter_that_does_not_reach_a_table_is_found(text, left, spoken):
    spoken[0].add_view("planted", text)
    found = Reading(spoken[0], (*VIEWS, "planted")).unreached("planted", "date")
    assert ("report_channel_basic_a3" in found) is left


def test_what_a_comment_says_is_read():
    found = read(
        "m",
        "-- Some days. And\n-- more of them.\n-- Unique: a, b. Never NULL: a. Days: all (a curve\n-- is one).\n"
        "-- a: one\n--   thing\n-- b: another: one\nSELECT 1\n",
    )
    assert (found.summary, found.unique, found.never_null) == ("Some days. And\nmore of them.", ("a", "b"), ("a",))
    assert (found.days, found.why, found.columns) == (
        "all", "a curve is one", {"a": "one thing", "b": "another: one"}
    )  # fmt: skip


def test_a_comment_without_keys_is_refused():
    with pytest.raises(ValueError, match="m: its comment does not say"):
        read("m", "-- Some days.\nSELECT 1\n")
