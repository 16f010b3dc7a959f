"""What is lost, doubled or changed on the way into the warehouse is named; nothing else is."""

from __future__ import annotations

from typing import Any

import pytest

from infra.local.demo.compare import BASIC, SHOWN, Comparison, Held, compare
from shared.warehouse.report_types import INTEGER, metric_type
from tests.pure.demo.network import CELLS, EMPTY, METRICS, ROW, held, truth

CELL = ("UC-a", "2026-11-01")
OTHER = ("UC-a", "2026-11-02")


def with_rows(flawless: Held, number: int) -> Held:
    """The warehouse with so many equal rows for one channel and day."""
    flawless.counted[CELL].update(row_count=number, **{name: number * ROW[name] for name in METRICS})
    return flawless


def differences(warehouse: Held) -> list[str]:
    return compare(truth(), warehouse).differences


def test_a_flawless_warehouse_differs_in_nothing():
    found = compare(truth(), held())
    assert found.differences == []
    assert (found.compared, found.rows, found.true_rows, found.counting) == (4, 6, 6, 4)
    assert found.totals == found.true_totals
    assert found.totals["views"] == 18


@pytest.mark.parametrize("number", [0, 1, 3, 4])
def test_rows_that_are_lost_or_doubled_are_counted_as_they_lie_in_the_warehouse(number: int):
    assert f"UC-a 2026-11-01: {number} rows instead of 2" in differences(with_rows(held(), number))


def test_a_lost_row_is_seen_even_when_it_counts_nothing():
    warehouse = held()
    warehouse.counted[CELL]["row_count"] = 1
    assert differences(warehouse) == ["UC-a 2026-11-01: 1 rows instead of 2"]


def test_a_day_whose_rows_all_vanished_is_seen():
    warehouse = held()
    del warehouse.counted[CELL]
    assert "UC-a 2026-11-01: 0 rows instead of 2" in differences(warehouse)


@pytest.mark.parametrize("metric", METRICS)
def test_every_metric_is_compared(metric: str):
    warehouse = held()
    warehouse.counted[CELL][metric] += 1 if metric_type(metric) == INTEGER else 0.001
    ours = warehouse.counted[CELL][metric]
    assert differences(warehouse) == [f"UC-a 2026-11-01: {metric} is {ours} instead of {2 * ROW[metric]}"]


def test_a_single_view_among_billions_is_seen_and_an_order_of_adding_is_not():
    told, warehouse = truth(), held()
    told["UC-a"]["days"][CELL[1]]["totals"]["likes"] = 5_000_000_000
    warehouse.counted[CELL]["likes"] = 5_000_000_001
    warehouse.counted[CELL]["watch_time_minutes"] += 1e-9
    assert compare(told, warehouse).differences == ["UC-a 2026-11-01: likes is 5000000001 instead of 5000000000"]


def test_metrics_that_changed_places_are_seen():
    warehouse = held()
    mine = warehouse.counted[CELL]
    mine["likes"], mine["watch_time_minutes"] = mine["watch_time_minutes"], mine["likes"]
    assert len(differences(warehouse)) == 2


def test_numbers_that_changed_days_are_seen():
    told, warehouse = truth(), held()
    told["UC-a"]["days"][OTHER[1]]["totals"]["likes"] = 7
    warehouse.counted[CELL]["likes"] = 7
    assert len(compare(told, warehouse).differences) == 2


@pytest.mark.parametrize("metric", SHOWN)
def test_the_view_that_people_read_is_compared_as_well(metric: str):
    warehouse = held()
    warehouse.metrics[CELL][metric] += 1
    found = compare(truth(), warehouse)
    assert len(found.differences) == 1
    assert f"UC-a 2026-11-01: {metric} in youtube_metrics is " in found.differences[0]
    assert found.totals[metric] == found.true_totals[metric] + 1


def drop(warehouse: Held) -> None:
    del warehouse.reports[CELL]
    del warehouse.manifest["a1"]


def double(warehouse: Held) -> None:
    warehouse.manifest["a1"] = 2


def swap(warehouse: Held) -> None:
    warehouse.reports[CELL]["report_id"] = "a0"


def miscount(warehouse: Held) -> None:
    warehouse.reports[CELL]["row_count"] = 5


def invent(warehouse: Held) -> None:
    warehouse.reports["UC-c", "2026-11-01"] = {"report_id": "c1", "row_count": 0}


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (drop, "UC-a 2026-11-01: report a1 is missing"),
        (double, "the manifest names report a1 2 times"),
        (swap, "UC-a 2026-11-01: report a0 counts, the newest is a1"),
        (miscount, "UC-a 2026-11-01: the manifest says 5 rows instead of 2"),
        (invent, "UC-c 2026-11-01: in the warehouse, but YouTube issued no such report"),
    ],
)
def test_a_manifest_row_that_is_lost_doubled_swapped_or_invented_is_named(change: Any, text: str):
    warehouse = held()
    change(warehouse)
    assert differences(warehouse) == [text]


def test_rows_for_a_report_that_has_none_are_seen():
    warehouse = held()
    warehouse.counted[EMPTY] = dict(warehouse.counted[CELL])
    assert f"UC-b {EMPTY[1]}: 2 rows instead of 0" in differences(warehouse)
    assert EMPTY not in CELLS


REACH = "channel_reach_basic_a1"
REACH_TRUTH = {
    "UC-a": {
        "listed": 1,
        "superseded": 0,
        "days": {
            CELL[1]: {
                "report_id": "r1",
                "rows": 1,
                "totals": {"video_thumbnail_impressions": 40, "video_thumbnail_impressions_ctr": 0.5},
                "column_sums": {"video_thumbnail_impressions_ctr": 0.5},
            }
        },
    }
}


def reach(impressions: int = 40, shown: int = 40) -> Held:
    return Held(
        reports={CELL: {"report_id": "r1", "row_count": 1}},
        counted={
            CELL: {
                "row_count": 1,
                "video_thumbnail_impressions": impressions,
                "video_thumbnail_impressions_ctr": 0.5,
            }
        },
        metrics={CELL: {"impressions": shown}, OTHER: {"impressions": None}},
        manifest={"r1": 1},
    )


@pytest.mark.parametrize(
    ("warehouse", "expected"),
    [
        (reach(), []),
        (reach(impressions=41), ["video_thumbnail_impressions is 41 instead of 40"]),
        (reach(shown=39), ["impressions in youtube_metrics is 39 instead of 40"]),
    ],
)
def test_every_report_type_is_compared_and_named(warehouse: Held, expected: list[str]):
    found = compare(REACH_TRUTH, warehouse, REACH)
    assert found.differences == [f"{CELL[0]} {CELL[1]} {REACH}: {text}" for text in expected]


def test_the_comparisons_of_several_report_types_add_up():
    whole = Comparison()
    whole.add(compare(truth(), held(), BASIC))
    whole.add(compare(REACH_TRUTH, reach(impressions=41), REACH))
    assert (whole.compared, whole.listed, whole.rows, whole.counting) == (5, 7, 7, 5)
    assert whole.totals["views"] == 18
    assert whole.manifest.keys() == {*held().manifest, "r1"}
    assert len(whole.differences) == 1
