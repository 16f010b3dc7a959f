"""A cell of the guide's table is right when it holds the truth's value, or NULL with the true reason."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from infra.local.demo.tables import COLUMNS, METRICS, NOT_ASKED, VIDEOS, compare_cells

ASKED = datetime(2026, 11, 20, tzinfo=UTC)
CELL = ("UC1", "2026-11-01")


def found(column, true, **row):
    reason, _ = COLUMNS[METRICS][column]
    shown = {column: None, reason: None, "estimated_revenue_as_of": ASKED, **row}
    return compare_cells(METRICS, {CELL: shown}, {"UC1": {"2026-11-01": {column: true}}})


@pytest.mark.parametrize(
    ("column", "true", "row"),
    [
        ("views", {"value": 7}, {"views": 7}),
        ("watch_time_minutes", {"value": 1.004}, {"watch_time_minutes": Decimal("1.00")}),
        ("click_through_rate", {"value": 0.05123}, {"click_through_rate": Decimal("0.0512")}),
        ("impressions", {"reason": "neverIssued"}, {"impressions_reason": "never issued: no report has come"}),
        (
            "estimated_revenue",
            {"value": [["2026-11-19T00:00:00+00:00", 1.5], ["2026-11-21T00:00:00+00:00", 1.75]]},
            {"estimated_revenue": Decimal("1.50")},  # as it was told when it was asked for
        ),
    ],
)
def test_the_true_value_and_the_true_reason_are_right(column, true, row):
    told = found(column, true, **row)
    assert (told.compared, told.differences) == (1, [])


@pytest.mark.parametrize(
    ("column", "true", "row"),
    [
        ("views", {"value": 7}, {"views": 8}),
        ("views", {"value": 7}, {"views_reason": "not yet: no report has come"}),
        ("views", {"reason": "notYet"}, {"views": 0}),  # absent is not zero
        ("impressions", {"reason": "neverIssued"}, {"impressions_reason": "not yet: no report has come"}),
        ("estimated_revenue", {"reason": "notMonetised"}, {"estimated_revenue": Decimal(0)}),
    ],
)
def test_another_value_and_another_reason_are_told(column, true, row):
    told = found(column, true, **row)
    assert len(told.differences) == 1
    assert told.differences[0].startswith(f"UC1 2026-11-01 {column} is ")


def test_a_day_without_a_row_is_wrong_where_a_value_is_known():
    truth = {"UC1": {"2026-11-01": {"views": {"value": 7}, "impressions": {"reason": "beforeReports"}}}}
    told = compare_cells(METRICS, {}, truth)
    assert told.differences == ["UC1 2026-11-01 views is None (no row) instead of 7"]
    assert dict(told.nulls) == {"beforeReports": 1}


def test_a_day_that_youtube_did_not_tell_when_it_was_asked_may_have_no_row():
    truth = {"UC1": {"2026-11-01": {"views": {"value": 7}}, "2026-11-02": {"views": {"value": 8}}}}
    told = compare_cells(METRICS, {}, truth, untold={CELL})
    assert told.differences == ["UC1 2026-11-02 views is None (no row) instead of 8"]
    assert dict(told.nulls) == {"notYet": 1}


CURVE = [{"at": 0.5, "watching": 1.25, "relative": 0.5}]


@pytest.mark.parametrize(
    ("column", "true", "row", "different"),
    [
        ("retention_data", {"value": [[0.5, 1.25, 0.5]]}, {"retention_data": CURVE}, 0),
        ("retention_data", {"value": [[0.5, 1.5, 0.5]]}, {"retention_data": CURVE}, 1),
        ("retention_data", {"reason": "tooFewViews"}, {"retention_data_reason": "empty: few have watched it"}, 0),
        ("retention_data", {"value": [[0.5, 1.25, 0.5]]}, {"retention_data_reason": NOT_ASKED}, 1),
        ("published_at", {"value": "2026-11-20T00:00:00Z"}, {"published_at": ASKED}, 0),
        ("published_at", {"reason": "gone"}, {"published_at": ASKED}, 1),
        ("published_at", {"reason": "gone"}, {"published_at_reason": "not yet: nobody has asked"}, 1),
        ("dislikes", {"reason": "notReported"}, {"counts_reason": "not yet: no report tells of the video"}, 0),
    ],
)
def test_a_video_s_cell_is_right_under_the_same_rule(column, true, row, different):
    shown = {column: None, COLUMNS[VIDEOS][column][0]: None, **row}
    told = compare_cells(VIDEOS, {("UC1", "v1"): shown}, {"UC1": {"v1": {column: true}}}, asked={"v1"})
    assert (told.compared, len(told.differences)) == (1, different)


def test_a_curve_that_nobody_has_asked_for_is_null_for_that_reason():
    row = {"retention_data": None, "retention_data_reason": NOT_ASKED}
    truth = {"UC1": {"v1": {"retention_data": {"value": [[0.5, 1.25, 0.5]]}}}}
    told = compare_cells(VIDEOS, {("UC1", "v1"): row}, truth, asked={"v2"})
    assert (dict(told.nulls), told.differences) == ({"notAsked": 1}, [])
