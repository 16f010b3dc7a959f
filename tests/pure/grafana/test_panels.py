"""What every panel answers over known rows, by Google's reference evaluator; what the judge of all SQL says."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import timedelta

import pytest

from infra.deployment import ROOT
from infra.grafana.answers import MAY_BE_EMPTY, Answer, began
from infra.grafana.build import Place
from infra.grafana.panels import HERE, Asked, dashboards, described, spoken
from infra.judges.googlesql import Refused
from infra.judges.warehouse import every_panel, problems_of_panels
from shared.clock import pacific_day, pacific_midnight
from tests.stands.panel_rows import ANSWERS, NOON, OVER_A_MONTH, ROWS, ago

BY_CHANNEL = (
    "sync_by_channel",
    "days_missing",
    "counts_age",
    "numbers_age",
    "first_read",
    "operations",
    "findings",
)
RECORD = ROOT / "infra" / "decisions" / "dashboards.md"


@pytest.fixture(scope="module")
def answers(spoken_views):
    """What each panel answers, all asked at once: what several stand on is worked out once."""
    asked = " UNION ALL ".join(
        f"SELECT '{each.query}' AS name, TO_JSON_STRING(ARRAY(SELECT AS STRUCT * FROM ("
        f"{spoken(each.query, ago(days=30 if board.name in OVER_A_MONTH else 1), NOON)}))) AS said"
        for board in dashboards()
        for each in board.panels
    )
    return {each["name"]: json.loads(each["said"]) for each in spoken_views.evaluate(asked, ROWS)}


@pytest.fixture(scope="module")
def spoken_views(request):
    return request.getfixturevalue("spoken")[0]


@pytest.mark.parametrize("query", [each.query for board in dashboards() for each in board.panels])
def test_a_panel_answers_what_the_rows_say(answers, query):
    assert [tuple(row.values()) for row in answers[query]] == ANSWERS[query]


@pytest.mark.parametrize(
    ("chosen", "channels"),
    [
        ({"owner": "'u2'"}, ["UC2"]),
        ({"channel": "'UC1','UC4'"}, ["UC4", "UC1"]),
        ({}, ["UC2", "UC4", "UC3", "UC1"]),
    ],
)
def test_what_is_chosen_above_the_panels_is_all_that_is_shown(spoken_views, chosen, channels):
    rows = spoken_views.evaluate(spoken("sync_by_channel", ago(days=1), NOON, chosen), ROWS)
    assert [row["channel_id"] for row in rows] == channels


def test_a_user_who_is_chosen_is_all_that_any_panel_by_channel_shows(spoken_views):
    chosen = {"owner": "'u1'"}
    asked = " UNION ALL ".join(
        f"SELECT '{query}' AS name, channel_id FROM ({spoken(query, ago(days=30), NOON, chosen)})"
        for query in (*BY_CHANNEL, "odd_reports")
    )
    found = {(each["name"], each["channel_id"]) for each in spoken_views.evaluate(asked, ROWS)}
    assert found == {(query, "UC1") for query in BY_CHANNEL}  # the one odd report is UC2's


def test_google_takes_every_query_and_only_the_dashboard_of_totals_adds_up_owners(spoken_views):
    assert [*problems_of_panels(spoken_views, every_panel())] == []


@pytest.mark.parametrize(
    ("query", "says"),
    [
        (
            "SELECT date, SUM(views) AS total FROM `{dataset}.youtube_metrics` GROUP BY date",
            "adds up several owners",
        ),
        ("SELECT views FROM `{dataset}.network_daily`", "is not there without the setting"),
        ("SELECT AVG(views) AS mean FROM `{dataset}.video_counts_latest`", "adds up several owners"),
        ("SELECT SUM(quota_cost) FILTER (WHERE TRUE) FROM `{dataset}.youtube_api_calls`", "Syntax error"),
    ],
)
def test_a_panel_that_may_not_be_is_found(spoken_views, query, says):
    (found,) = problems_of_panels(spoken_views, [Asked("planted", {}, query)])
    assert says in found


def test_a_query_asks_for_no_time_but_the_range_and_says_what_it_answers():
    for path in sorted((HERE / "sql").rglob("*.sql")):
        assert not re.search(r"\bCURRENT_(DATE|TIME)|\bNOW\(", path.read_text(), re.IGNORECASE), path
    for each in (each for board in dashboards() for each in board.panels):
        assert described(each.query).endswith("."), each.query


def test_every_query_has_a_panel():
    shown = {each.query for board in dashboards() for each in board.panels}
    files = {str(path.relative_to(HERE / "sql").with_suffix("")) for path in (HERE / "sql").rglob("*.sql")}
    assert shown == {name for name in files if not name.startswith(("parts/", "variables/"))}


def test_google_refuses_the_guide_s_queries_and_takes_those_beside_them(spoken_views):
    queries = re.findall(r"```sql\n(.*?)```", RECORD.read_text(), re.DOTALL)
    assert len(queries) == 6
    for theirs, ours in zip(queries[::2], queries[1::2], strict=True):
        with pytest.raises(Refused):
            spoken_views.analyse(
                theirs.rstrip().rstrip(";").replace("youtube_api_calls", "`{dataset}.youtube_api_calls`")
            )
        spoken_views.analyse(ours, {"now": "TIMESTAMP"})


def test_a_panel_begins_where_its_range_does_and_one_that_is_empty_and_ought_not_be_is_a_problem():
    begins = [began(since, NOON) for since in ("now/d", "now-1h", "now-30d")]
    assert begins == [pacific_midnight(pacific_day(NOON)), NOON - timedelta(hours=1), NOON - timedelta(days=30)]
    for board in dashboards():
        assert began(board.since, NOON) < NOON
    empty, failed = Answer(board="quota", name="quota_used"), Answer(board="api", name="reasons", failed="refused")
    shown = (empty, replace(empty, name="reasons"), replace(empty, rows=[{}]), failed)
    assert [each.problem for each in shown] == [
        "panel quota/quota_used: its answer is empty", "", "", "panel api/reasons: refused"
    ]  # fmt: skip
    assert {each.query for board in dashboards() for each in board.panels} >= MAY_BE_EMPTY


def test_what_is_left_is_left_of_the_installation_s_own_limits():
    text = spoken("quota_left", ago(days=1), NOON, profile=Place(profile="guide", limits="default=20000").quota)
    assert "STRUCT('default' AS bucket, 20000 AS a_day)" in text
    assert "batchGetStats" not in text
