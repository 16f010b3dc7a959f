"""Our books and YouTube's come out as one, unit for unit and report for report, or the difference is named."""

from __future__ import annotations

from typing import Any

import pytest

from infra.local.demo.compare import compare
from infra.local.demo.ledgers import quota_problems, quota_totals, report_problems, reports_sum
from tests.pure.demo.network import counts, held, truth

OURS = {"2026-11-01": {"reporting": 50, "default": 4}, "2026-11-02": {"reporting": 20, "default": 0}}


def test_the_reports_come_out_as_a_sum():
    found = compare(truth(), held())
    assert report_problems(counts(), found) == []
    assert reports_sum(counts(), found) == {
        "listed": 6,
        "loaded": 5,
        "superseded": 2,
        "counting": 4,
        "replaced_after_loading": 1,
        "replaced_before_loading": 1,
    }


def test_a_report_that_was_never_listed_is_named():
    ledger = counts()
    ledger.newest.remove("a2")
    assert report_problems(ledger, compare(truth(), held())) == [
        "we listed 5 reports, YouTube issued 6",
        "5 listed - 2 superseded = 3, but 4 reports count",
    ]


def test_a_replaced_report_that_was_forgotten_is_named():
    ledger = counts()
    ledger.replaced.remove("b0")
    assert report_problems(ledger, compare(truth(), held())) == [
        "we listed 5 reports, YouTube issued 6",
        "we saw 1 reports superseded, YouTube issued 2 again",
    ]


@pytest.mark.parametrize(
    ("manifest", "text"),
    [
        ({"a1": 2}, "6 loaded - 1 replaced after loading = 5, but 4 reports count"),
        ({"stranger": 1}, "6 loaded - 1 replaced after loading = 5, but 4 reports count"),
        ({"a1": 0}, "4 loaded - 1 replaced after loading = 3, but 4 reports count"),
    ],
)
def test_a_manifest_that_does_not_come_out_is_named(manifest: dict[str, int], text: str):
    warehouse = held()
    warehouse.manifest.update(manifest)
    assert report_problems(counts(), compare(truth(), warehouse)) == [text]


def test_a_report_that_is_not_loaded_or_unreadable_is_named():
    ledger = counts()
    ledger.states.update({"loaded": -2, "listed": 1, "failed": 1})
    assert report_problems(ledger, compare(truth(), held())) == ["1 reports unreadable, 1 not loaded"]


def test_equal_quota_counts_are_no_problem_and_add_up():
    assert quota_problems(OURS, OURS) == []
    assert quota_totals(OURS, OURS) == {
        "reporting": {"ours": 70, "google": 70},
        "default": {"ours": 4, "google": 4},
    }


def changed(day: str, bucket: str, units: int) -> dict[str, Any]:
    return {**OURS, day: {**OURS.get(day, {}), bucket: units}}


@pytest.mark.parametrize(
    ("ours", "google", "text"),
    [
        (changed("2026-11-01", "reporting", 49), OURS, "quota reporting on 2026-11-01: we count 49, Google 50"),
        (OURS, changed("2026-11-02", "default", 1), "quota default on 2026-11-02: we count 0, Google 1"),
        (changed("2026-11-03", "search", 1), OURS, "quota search on 2026-11-03: we count 1, Google 0"),
        (OURS, changed("2026-11-03", "search", 1), "quota search on 2026-11-03: we count 0, Google 1"),
        (changed("2026-11-01", "ours alone", 2), OURS, "quota ours alone on 2026-11-01: we count 2, Google 0"),
    ],
)
def test_one_unit_more_or_less_on_any_day_is_named(ours: dict[str, Any], google: dict[str, Any], text: str):
    assert quota_problems(ours, google) == [text]


def test_errors_of_opposite_sign_do_not_cancel():
    google = {"2026-11-01": {"reporting": 49, "default": 4}, "2026-11-02": {"reporting": 21, "default": 0}}
    assert quota_totals(OURS, google)["reporting"] == {"ours": 70, "google": 70}
    assert len(quota_problems(OURS, google)) == 2
