"""A bulk report file, read: what is taken, what is kept aside, what is refused."""

from __future__ import annotations

import csv
import io
import math
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import CorruptData
from shared.warehouse.report_types import REPORT_TYPES
from shared.warehouse.rows import ReportRef, read_rows

REACH = REPORT_TYPES["channel_reach_basic_a1"]
REF = ReportRef(
    report_id="r", channel_id="UC1", report_type=REACH.id, job_id="j", day=date(2026, 11, 1),
    create_time=datetime(2026, 11, 4, tzinfo=UTC), download_url="https://example.test/r",
)  # fmt: skip
HEADER = "date,channel_id,video_id,video_thumbnail_impressions,video_thumbnail_impressions_ctr\n"


def read(*lines: str) -> list[list[str]]:
    return list(read_rows(lines, REACH, REF, "L"))


@pytest.mark.parametrize("day", ["20261101", "2026-11-01"])
def test_both_date_forms_are_read(day):
    assert read(HEADER, f"{day},UC1,v,10,0.05\n") == [["L", "r", "2026-11-01", "UC1", "v", "10", "0.05", ""]]


def test_columns_are_found_by_name_in_any_order():
    header = "video_thumbnail_impressions_ctr,video_id,channel_id,video_thumbnail_impressions,date\n"
    assert read(header, "0.05,v,UC1,10,20261101\n") == read(HEADER, "20261101,UC1,v,10,0.05\n")


@pytest.mark.fault(30)
def test_a_header_without_rows_is_a_day_without_data():
    assert read(HEADER) == []


@pytest.mark.fault(31)
def test_a_new_enumeration_value_is_kept_as_it_is():
    assert read(HEADER, "20261101,UC1,some new kind of id,1,\n")[0][4] == "some new kind of id"


@pytest.mark.parametrize(
    ("lines", "reason", "names"),
    [
        ((), "reportEmpty", "header"),
        (("date,channel_id,video_id\n",), "reportColumnMissing", "video_thumbnail_impressions"),
        ((HEADER, "20261101,UC1,v,ten,0.05\n"), "reportRowBroken", "video_thumbnail_impressions"),
        ((HEADER, "20261101,UC1,v,1_000,0.05\n"), "reportRowBroken", "video_thumbnail_impressions"),
        ((HEADER, f"20261101,UC1,v,{10**19},0.05\n"), "reportRowBroken", "video_thumbnail_impressions"),
        ((HEADER, "20261101,UC1,v,\u0661\u0662,0.05\n"), "reportRowBroken", "video_thumbnail_impressions"),
        ((HEADER, "20261101,UC1,v,10,nan\n"), "reportRowBroken", "video_thumbnail_impressions_ctr"),
        ((HEADER, "20261101,UC1,v\0,10,0.05\n"), "reportRowBroken", "zero byte"),
        ((HEADER, "20261101,UC1," + "v" * 200_000 + ",10,0.05\n"), "reportUnreadable", "field larger"),
        ((HEADER, "20261101,UC1,v,10\n"), "reportRowBroken", "4 values for 5"),
        ((HEADER, "yesterday,UC1,v,10,0.05\n"), "reportRowBroken", "date"),
        ((HEADER, "20261102,UC1,v,10,0.05\n"), "reportSubject", "2026-11-02"),
        ((HEADER, "20261101,UC2,v,10,0.05\n"), "reportSubject", "UC2"),
    ],
)
@pytest.mark.fault(31)
def test_a_file_that_is_not_what_it_should_be_is_refused_by_name(lines, reason, names):
    with pytest.raises(CorruptData, match=names) as refusal:
        read(*lines)
    assert refusal.value.reason == reason


@given(st.text("0123456789.-+eE_ ", max_size=24), st.text("0123456789-+_ ", max_size=24))
def test_whatever_passes_as_a_number_is_one_to_bigquery_too(rate, count):
    try:
        row = read(HEADER, f"20261101,UC1,v,{count},{rate}\n")[0]
    except CorruptData:
        return
    assert not row[5] or -(2**63) <= int(row[5]) < 2**63
    assert not row[6] or math.isfinite(float(row[6]))
    assert not {"_", " ", "+"} & set(row[5])


@given(
    st.lists(
        st.tuples(
            st.text(st.characters(blacklist_categories=("Cs",), blacklist_characters="\r\n\x00")),
            st.integers(0, 10**12),
        )
    )
)
def test_every_value_arrives_as_it_was_sent(rows):
    out = io.StringIO()
    writer = csv.writer(out)
    for video, impressions in rows:
        writer.writerow(["20261101", "UC1", video, impressions, ""])
    read_back = read_rows([HEADER, *io.StringIO(out.getvalue(), newline="")], REACH, REF, "L")
    assert [(row[4], int(row[5])) for row in read_back] == rows
