"""A bulk report file as lines of a staging table: what is taken, what is kept aside, what is refused."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from datetime import UTC, date, datetime
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import CorruptData
from shared.warehouse.report_types import REPORT_TYPES, ReportType
from shared.warehouse.rows import NEW_COLUMNS, ReportLines, ReportRef

REACH = REPORT_TYPES["channel_reach_basic_a1"]
BASIC = REPORT_TYPES["channel_basic_a3"]
REF = ReportRef(
    report_id="r", channel_id="UC1", report_type=REACH.id, job_id="j", day=date(2026, 11, 1),
    create_time=datetime(2026, 11, 4, tzinfo=UTC), download_url="https://example.test/r",
)  # fmt: skip
HEADER = "date,channel_id,video_id,video_thumbnail_impressions,video_thumbnail_impressions_ctr\n"
ORDER = tuple(HEADER.strip().split(","))


def lines_of(content: bytes, *, cuts: tuple[int, ...] = (), kind=REACH, order=None) -> tuple[ReportLines, bytes]:
    """A file, fed in pieces; its lines."""
    report = ReportLines(kind, REF, lambda own: order or own)
    edges = [0, *sorted(min(cut, len(content)) for cut in cuts), len(content)]
    made = b"".join(report.feed(content[a:b]) for a, b in pairwise(edges))
    return report, made + report.finish()


def read(*lines: str, **more) -> list[list[str]]:
    _, made = lines_of("".join(lines).encode(), **more)
    return list(csv.reader(io.StringIO(made.decode(), newline="\n")))


def test_a_line_is_the_columns_what_we_do_not_know_and_the_report():
    assert read(HEADER, "20261101,UC1,v,10,0.05\n") == [["20261101", "UC1", "v", "10", "0.05", "", "r"]]


def test_columns_are_found_by_name_in_any_order():
    header = "video_thumbnail_impressions_ctr,video_id,channel_id,video_thumbnail_impressions,date\n"
    turned = read(header, "0.05,v,UC1,10,20261101\n", order=ORDER)
    assert turned == read(HEADER, "20261101,UC1,v,10,0.05\n")


def test_a_file_is_known_by_the_sha_256_of_its_bytes_however_they_come():
    content = (HEADER + '20261101,UC1,"v",10,0.05\n').encode()
    for cuts in ((), (3, 80)):
        report, _ = lines_of(content, cuts=cuts)
        assert report.checksum == f"sha256:{hashlib.sha256(content).hexdigest()}"


@pytest.mark.fault(30)
def test_a_header_without_rows_is_a_day_without_data():
    assert read(HEADER) == []


@pytest.mark.fault(31)
def test_a_new_enumeration_value_is_kept_as_it_is():
    assert read(HEADER, "20261101,UC1,some new kind of id,1,\n")[0][2] == "some new kind of id"


@pytest.mark.fault(31)
def test_columns_that_we_do_not_know_are_kept_aside_under_their_names():
    header = HEADER.replace("\n", ",new,new\n")
    (row,) = read(header, "20261101,UC1,v,10,0.05,a,b\n")
    assert json.loads(row[-2]) == {"new": "a", "new 2": "b"}


@pytest.mark.case("C7")
@pytest.mark.fault(64)
def test_a_column_that_nobody_needs_may_be_absent_and_is_told():
    header = ",".join(name for name in BASIC.columns if name != "card_clicks") + "\n"
    report, made = lines_of((header + "1," * (len(BASIC.columns) - 2) + "1\n").encode(), kind=BASIC)
    assert report.findings == ["the file lacks card_clicks"]
    assert made.count(b",") == len(BASIC.columns) + 1


@pytest.mark.parametrize(
    ("lines", "reason", "names"),
    [
        ((), "reportEmpty", "header"),
        (("date,channel_id,video_id\n",), "reportColumnMissing", "video_thumbnail_impressions"),
        ((HEADER.replace("\n", ",video_id\n"),), "reportColumnTwice", "video_id"),
        ((HEADER, "20261101,UC1,v\0,10,0.05\n"), "reportRowBroken", "zero byte"),
        ((HEADER, '20261101,UC1,"' + "v" * 200_000 + '",10,0.05\n'), "reportUnreadable", "field larger"),
        ((HEADER, '20261101,UC1,"v,10,0.05\n'), "reportUnreadable", "quoted text does not end"),
        ((HEADER, "20261101,UC1,v,10\n"), "reportRowBroken", "4 values for 5"),
        ((HEADER, "20261101,UC1,a\rb,10,0.05\n"), "reportUnreadable", "new-line character"),
        ((HEADER, "20261101,UC1," + "v" * 2**21), "reportUnreadable", "does not end"),
    ],
)
@pytest.mark.fault(31)
def test_a_file_that_is_not_what_it_should_be_is_refused_by_name(lines, reason, names):
    with pytest.raises(CorruptData, match=names) as refusal:
        read(*lines)
    assert refusal.value.reason == reason


def test_bytes_that_are_no_text_are_refused():
    for content in (b"\xff\xfe\x00 not a report", HEADER.encode() + b"20261101,UC1,\xff,1,\n"):
        with pytest.raises(CorruptData):
            lines_of(content)


def test_one_value_too_many_is_found_among_many_rows():
    rows = ["20261101,UC1,v,10,0.05\n"] * 40_000
    assert len(read(HEADER, *rows)) == 40_000
    with pytest.raises(CorruptData, match="6 values for 5"):
        read(HEADER, *rows[:20_000], "20261101,UC1,v,10,0.05,1\n", *rows)


fields = st.text(st.characters(blacklist_categories=("Cs",), blacklist_characters="\x00"))
plain = st.text("abc019-_é", max_size=8)


@given(
    st.lists(st.tuples(fields | plain, st.integers(0, 10**12))),
    st.lists(st.integers(0, 3000), max_size=6),
    st.sampled_from(["\n", "\r\n"]),
)
def test_every_value_arrives_as_it_was_sent_however_the_bytes_come(rows, cuts, line_end):
    out = io.StringIO()
    quoting = csv.QUOTE_ALL if any("\r" in video for video, _ in rows) else csv.QUOTE_MINIMAL
    writer = csv.writer(out, quoting=quoting, lineterminator=line_end)
    for video, impressions in rows:
        writer.writerow(["20261101", "UC1", video, impressions, ""])
    content = (HEADER + out.getvalue()).encode()
    _, made = lines_of(content, cuts=tuple(cuts))
    read_back = list(csv.reader(io.StringIO(made.decode(), newline="\n")))
    assert [(row[2], int(row[3])) for row in read_back] == rows
    assert {(*row[:2], *row[4:]) for row in read_back} <= {("20261101", "UC1", "", "", "r")}


@given(st.lists(st.tuples(plain, plain), min_size=1))
def test_lines_made_block_by_block_are_those_made_record_by_record(rows):
    content = "".join(f"20261101,UC1,{video},{count},0.5\n" for video, count in rows)
    assert read(HEADER, content) == read("\ufeff" + HEADER, content)
    turned = (ORDER[1], ORDER[0], *ORDER[2:])
    assert read(HEADER, content) == [[row[1], row[0], *row[2:]] for row in read(HEADER, content, order=turned)]


@st.composite
def any_file(draw) -> tuple[ReportType, list[str], list[list[str]]]:
    """A report type, a header with its columns and others in any order, and rows of any codes."""
    kind = draw(st.sampled_from(list(REPORT_TYPES.values())))
    news = draw(st.lists(st.text("abcdefgh_", min_size=3, max_size=12), max_size=3, unique=True))
    header = draw(st.permutations([*kind.columns, *(name for name in news if name not in kind.columns)]))
    return kind, header, draw(st.lists(st.lists(plain, min_size=len(header), max_size=len(header)), max_size=4))


@pytest.mark.fault(31)
@given(any_file())
def test_any_order_of_columns_any_new_ones_and_any_codes_are_loaded(file):
    kind, header, rows = file
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows([header, *rows])
    report, made = lines_of(out.getvalue().encode(), kind=kind, order=tuple(kind.columns))
    read_back = list(csv.reader(io.StringIO(made.decode(), newline="\n")))
    new = [name for name in header if name not in kind.columns]
    for sent, (*values, extra, report_id) in zip(rows, read_back, strict=True):
        told = dict(zip(header, sent, strict=True))
        assert report_id == "r"
        assert dict(zip(kind.columns, values, strict=True)) == {name: told[name] for name in kind.columns}
        assert json.loads(extra or "{}") == {name: told[name] for name in new}
    assert report.new == tuple(new)
    assert report.findings == ([f"{NEW_COLUMNS} {', '.join(new)}"] if new else [])
