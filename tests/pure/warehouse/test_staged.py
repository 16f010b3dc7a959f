"""What BigQuery makes of a staging table, by Google's reference evaluator: `test_load.py` asks the emulator."""

from __future__ import annotations

import json
from typing import Any

import pytest

from infra.judges.googlesql import GoogleSQL, literal
from shared.warehouse.load import positions
from shared.warehouse.report_types import REPORT_TYPES
from shared.warehouse.statements import JUDGE_STAGED, TAKE_STAGED, of_staged

REACH = REPORT_TYPES["channel_reach_basic_a1"]
ORDER = ("channel_id", "date", "video_thumbnail_impressions", "video_thumbnail_impressions_ctr", "video_id")
GOOD = ("UC1", "20261101", "10", "0.05", "v")
JUDGED = {
    "good": ([GOOD, ("UC1", "2026-11-01", "", "", "w")], {"row_count": 2, "partly_empty": "impressions ctr"}),
    "ten": ([GOOD, ("UC1", "20261101", "ten", "0.05", "w")], {"broken": "impressions"}),
    "1_000": ([("UC1", "20261101", "1_000", "0.05", "w")], {"broken": "impressions"}),
    "hexadecimal": ([("UC1", "20261101", "0x1F", "0.05", "w")], {"broken": "impressions"}),
    "too large": ([("UC1", "20261101", str(10**19), "0.05", "w")], {"broken": "impressions"}),
    "arabic": ([("UC1", "20261101", "\u0661", "0.05", "w")], {"broken": "impressions"}),
    "spaces": ([("UC1", "20261101", " 1", "0.05", "w")], {"broken": "impressions"}),
    "nan": ([("UC1", "20261101", "1", "nan", "w")], {"broken": "ctr"}),
    "infinite": ([("UC1", "20261101", "1", "-inf", "w")], {"broken": "ctr"}),
    "both": ([("UC1", "20261101", "x", "y", "w")], {"broken": "impressions ctr"}),
    "power": ([("UC1", "20261101", "1", "1.5e-05", "w")], {}),
    "yesterday": ([("UC1", "yesterday", "1", "0.05", "w"), GOOD], {"foreign_rows": 1}),
    "another day": ([("UC1", "20261102", "1", "0.05", "w")], {"foreign_rows": 1}),
    "no channel": ([("", "20261101", "1", "0.05", "w")], {"foreign_rows": 1}),
    "twice": ([GOOD, GOOD, GOOD], {"repeated": 2}),
    "nobody's": ([(*GOOD[:4], "")] * 3, {}),
    "contradicting": ([GOOD, ("UC1", "20261101", "11", "0.05", "v")], {"contradicting": 1}),
    "all empty": ([("UC1", "20261101", "", "", "v"), ("UC1", "20261101", "", "", "w")], {}),
}
NONE = {"repeated": 0, "contradicting": 0, "foreign_rows": 0, "broken": "", "partly_empty": ""}


TABLES = {"staged": ORDER, "later": ORDER[::-1]}


def staged_rows() -> dict[str, list[dict[str, Any]]]:
    """The reports turn about in two tables, whose columns stand in different orders."""
    columns, rows = positions(REACH), {table: list[dict[str, Any]]() for table in TABLES}
    for number, (report, (found, _)) in enumerate(JUDGED.items()):
        table, step = (("staged", 1), ("later", -1))[number % 2]
        rows[table] += [dict(zip(columns, (*row[::step], "", report), strict=True)) for row in found]
    return rows


@pytest.fixture(scope="module")
def google() -> GoogleSQL:
    return GoogleSQL({table: dict.fromkeys(positions(REACH), "STRING") for table in TABLES})


def short(names: str) -> str:
    return names.replace("video_thumbnail_impressions_ctr", "ctr").replace("video_thumbnail_", "").strip()


@pytest.mark.case("C11")
def test_each_report_is_judged_by_its_own_rows(google):
    asked = [{"report_id": report, "channel_id": "UC1", "day": "2026-11-01"} for report in JUDGED]
    sql = of_staged(JUDGE_STAGED, TABLES, REACH).text.replace("@reports", literal(json.dumps(asked), "STRING"))
    answered = {row.pop("report_id"): row for row in google.evaluate(sql, staged_rows())}
    told = {
        report: {name: short(value) if isinstance(value, str) and not value.isdigit() else int(value)
                 for name, value in row.items()}
        for report, row in answered.items()
    }  # fmt: skip
    assert told == {
        report: {"row_count": len(rows), **NONE, **expected} for report, (rows, expected) in JUDGED.items()
    }


def test_rows_are_taken_as_their_types_and_those_that_stand_twice_once(google):
    take = of_staged(TAKE_STAGED, TABLES, REACH)
    taken = f"wanted_load, report_id, {take.filled['values']}, PARSE_JSON(NULLIF(extra, ''))"
    text = take.text[take.text.index("WITH\n") :].replace(taken, f"TO_JSON_STRING(STRUCT({taken})) AS taken")
    loads = [{"report_id": report, "load_id": "L"} for report in ("good", "twice", "power")]
    sql = text.replace("@loads", literal(json.dumps(loads), "STRING"))
    told = google.evaluate(sql, staged_rows())
    # Fields without a name are all called "" there.
    rows = [json.loads(row["taken"], object_pairs_hook=lambda pairs: tuple(v for _, v in pairs)) for row in told]
    assert sorted(rows, key=str) == sorted(
        [
            ("L", "good", "2026-11-01", "UC1", "v", 10, 0.05, None),
            ("L", "good", "2026-11-01", "UC1", "w", None, None, None),
            ("L", "power", "2026-11-01", "UC1", "w", 1, 1.5e-05, None),
            ("L", "twice", "2026-11-01", "UC1", "v", 10, 0.05, None),
        ],
        key=str,
    )
