"""A cell of the guide's table is right when it holds the truth's value, or NULL with the true reason."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from infra.local.demo.tables import COLUMNS, compare_cells

ASKED = datetime(2026, 11, 20, tzinfo=UTC)
CELL = ("UC1", "2026-11-01")


def found(column, true, **row):
    reason, _ = COLUMNS[column]
    shown = {column: None, reason: None, "estimated_revenue_as_of": ASKED, **row}
    return compare_cells({CELL: shown}, {"UC1": {"2026-11-01": {column: true}}})


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
    told = compare_cells({}, truth)
    assert told.differences == ["UC1 2026-11-01 views is None (no row) instead of 7"]
    assert dict(told.nulls) == {"beforeReports": 1}
