"""What is loaded, what becomes visible, and when: against a BigQuery emulator, with Google's client."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from infra import warehouse as making
from infra.views import OVER_OWNERS
from shared.console.read import loaded_reports
from shared.warehouse.load import Load, Staged, new_load_id
from shared.warehouse.manifest import Published, already_loaded, publish
from shared.warehouse.report_types import REPORT_TYPES, ReportType
from shared.warehouse.rows import ReportRef
from shared.warehouse.statements import TAKE_STAGED, of_staged, run

DAY = date(2026, 11, 1)
BASIC = REPORT_TYPES["channel_basic_a3"]
REACH = REPORT_TYPES["channel_reach_basic_a1"]
NEXT = DAY + timedelta(days=1)
ISSUED = datetime(2026, 11, 4, 9, 30, tzinfo=UTC)
CONNECTION = "c" * 24


def clock() -> datetime:
    return datetime(2026, 11, 22, tzinfo=UTC)


def ref(report_id: str, *, day: date = DAY, issued: datetime = ISSUED, channel: str = "UC1") -> ReportRef:
    return ReportRef(
        report_id=report_id, channel_id=channel, report_type=BASIC.id, job_id="job", day=day,
        create_time=issued, download_url="https://example.test/report",
    )  # fmt: skip


def lines(
    *rows: dict[str, object], day: date = DAY, channel: str = "UC1", extra: tuple[str, ...] = ()
) -> list[str]:
    columns = [*BASIC.columns, *extra]
    default = {"date": day.strftime("%Y%m%d"), "channel_id": channel}
    body = [",".join(str({**default, **row}.get(c, "")) for c in columns) + "\n" for row in rows]
    return [",".join(columns) + "\n", *body]


def stage(warehouse, *reports: tuple[ReportRef, list[str]], kind: ReportType = BASIC) -> Staged:
    begun = Load(warehouse, kind, clock)
    begun.open()
    for report, content in reports:
        file = begun.file(report, CONNECTION, clock())
        file.write("".join(content).encode())
        file.finish()
    return begun.close()


def load(warehouse, *reports: tuple[ReportRef, list[str]], kind: ReportType = BASIC) -> Published:
    return publish(warehouse, [stage(warehouse, *reports, kind=kind)], clock)


def metrics(warehouse, column: str = "views") -> list[object]:
    query = f"SELECT {column} FROM `{warehouse.dataset}.youtube_metrics` ORDER BY channel_id, date"
    rows = [row.values() for row in warehouse.client.query(query).result()]
    return [row[0] if len(row) == 1 else row for row in rows]


def reach(warehouse, *rows: tuple[str, int, float], day: date = DAY) -> None:
    """Load a reach report: video, impressions and the rate of clicks."""
    content = [f"{day:%Y%m%d},UC1,{video},{count},{rate}\n" for video, count, rate in rows]
    report = replace(ref("reach", day=day), report_type=REACH.id)
    load(warehouse, (report, [",".join(REACH.columns) + "\n", *content]), kind=REACH)


def loads(load_id: str, *reports: str) -> str:
    """Under which load id rows of reports are appended, as a statement is told."""
    return json.dumps([{"report_id": report, "load_id": load_id} for report in reports])


def test_many_reports_become_visible_together(warehouse):
    days = [DAY + timedelta(days=n) for n in range(3)]
    staged = stage(warehouse, *((ref(f"r{d}", day=d), lines({"views": 10}, {"views": 5}, day=d)) for d in days))
    assert metrics(warehouse) == []
    assert [r.row_count for r in publish(warehouse, [staged], clock).loaded] == [2, 2, 2]
    assert metrics(warehouse) == [15, 15, 15]


@pytest.mark.fault(32)
def test_a_load_that_was_never_named_is_invisible_and_its_repeat_counts_once(warehouse):
    died = stage(warehouse, (ref("r1"), lines({"views": 7})))
    assert died.table is not None
    take = of_staged(TAKE_STAGED, {died.table: died.order}, BASIC)
    run(warehouse, take, table=BASIC.table, loads=loads("L1", "r1"))  # and then the process dies
    assert metrics(warehouse) == []
    load(warehouse, (ref("r1"), lines({"views": 7})))
    assert metrics(warehouse) == [7]


def test_whoever_goes_on_from_a_staging_table_twice_counts_once(warehouse):
    staged = stage(warehouse, (ref("r1"), lines({"views": 7})))
    assert staged.table is not None
    take = of_staged(TAKE_STAGED, {staged.table: staged.order}, BASIC)
    run(warehouse, take, table=BASIC.table, loads=loads(new_load_id(clock()), "r1"))
    publish(warehouse, [staged], clock)
    assert metrics(warehouse) == [7]
    assert [
        table.table_id for table in warehouse.client.list_tables(warehouse.dataset) if "staged" in table.table_id
    ] == []


@pytest.mark.fault(28)
def test_the_same_report_loaded_twice_counts_once(warehouse):
    first, _ = (load(warehouse, (ref("r1"), lines({"views": 7}))) for _ in range(2))
    assert metrics(warehouse) == [7]
    known = already_loaded(warehouse, dict.fromkeys([ref("r1"), ref("r2")], CONNECTION))
    assert known == {"r1": (first.loaded[0].load_id, 1)}


@pytest.mark.fault(28)
def test_an_older_issue_that_arrives_later_changes_nothing(warehouse):
    load(warehouse, (ref("new", issued=ISSUED + timedelta(days=2)), lines({"views": 9})))
    load(warehouse, (ref("old"), lines({"views": 4})))
    assert metrics(warehouse) == [9]


@pytest.mark.fault(29)
def test_a_report_issued_again_replaces_the_older_one_whole(warehouse):
    load(warehouse, (ref("old"), lines({"views": 4, "video_id": "a"}, {"views": 5, "video_id": "b"})))
    again = ref("new", issued=ISSUED + timedelta(days=2))
    load(warehouse, (again, lines({"views": 3, "video_id": "a"})))
    assert metrics(warehouse) == [3]


def test_a_report_issued_again_without_rows_makes_the_day_a_known_zero(warehouse):
    load(warehouse, (ref("old"), lines({"views": 4})))
    load(warehouse, (ref("new", issued=ISSUED + timedelta(days=2)), lines()))
    assert metrics(warehouse) == [0]
    assert metrics(warehouse, "views_reason") == [None]


@pytest.mark.fault(31)
def test_a_column_that_youtube_adds_is_kept_aside(warehouse):
    content = lines({"views": 4, "shorts_remixes": 12}, extra=("shorts_remixes",))
    load(warehouse, (ref("r1"), content))
    rows = warehouse.client.query(
        f"SELECT JSON_VALUE(extra, '$.shorts_remixes') FROM `{warehouse.dataset}.channel_basic`"
    ).result()
    assert [row[0] for row in rows] == ["12"]


GOOD = "20261101,UC1,{report},10,0.05\n"
WRONG = {
    "no whole number": ("20261101,UC1,v,ten,0.05\n", "reportRowBroken", "video_thumbnail_impressions"),
    "python's own": ("20261101,UC1,v,1_000,0.05\n", "reportRowBroken", "video_thumbnail_impressions"),
    "hexadecimal": ("20261101,UC1,v,0x1F,0.05\n", "reportRowBroken", "video_thumbnail_impressions"),
    "too large": (f"20261101,UC1,v,{10**19},0.05\n", "reportRowBroken", "video_thumbnail_impressions"),
    "arabic digits": ("20261101,UC1,v,\u0661\u0662,0.05\n", "reportRowBroken", "video_thumbnail_impressions"),
    "no number": ("20261101,UC1,v,10,nan\n", "reportRowBroken", "video_thumbnail_impressions_ctr"),
    "infinite": ("20261101,UC1,v,10,-inf\n", "reportRowBroken", "video_thumbnail_impressions_ctr"),
    "no date": ("yesterday,UC1,v,10,0.05\n", "reportSubject", "2026-11-01"),
    "another day": ("20261102,UC1,v,10,0.05\n", "reportSubject", "2026-11-01"),
    "another channel": ("20261101,UC2,v,10,0.05\n", "reportSubject", "UC1"),
}


@pytest.mark.case("C8b")
@pytest.mark.fault(31)
@pytest.mark.fault(64)
def test_of_many_reports_in_one_load_the_wrong_ones_are_named_and_the_others_loaded(warehouse):
    header = ",".join(REACH.columns) + "\n"
    refs = {name: replace(ref(name, day=DAY), report_type=REACH.id) for name in (*WRONG, "good")}
    files = {name: [header, GOOD.format(report="a"), WRONG[name][0] if name in WRONG else ""] for name in refs}
    published = load(warehouse, *((refs[name], files[name]) for name in refs), kind=REACH)
    told = {ref.report_id: error for ref, error in published.wrong.items()}
    assert {name: error.reason for name, error in told.items()} == {
        name: wrong[1] for name, wrong in WRONG.items()
    }
    assert [name for name, wrong in WRONG.items() if wrong[2] not in told[name].message] == []
    assert [(each.ref.report_id, each.row_count) for each in published.loaded] == [("good", 1)]
    count = f"SELECT COUNT(*) FROM `{warehouse.full_name(REACH.table)}`"
    assert next(iter(warehouse.client.query(count).result()))[0] == 1


def test_both_forms_of_a_date_are_read(warehouse):
    rows = [{"views": 4, "date": "20261101"}, {"views": 3, "date": "2026-11-01"}]
    load(warehouse, (ref("r1"), lines(*rows)))
    assert metrics(warehouse) == [7]


def test_reports_whose_columns_stand_in_different_orders_go_in_one_load(warehouse):
    plain = lines({"views": 4, "likes": 2})
    turned = [",".join(reversed(line.rstrip("\n").split(","))) + "\n" for line in lines({"views": 5}, day=NEXT)]
    load(warehouse, (ref("r1"), plain), (ref("r2", day=NEXT), turned))
    assert metrics(warehouse) == [4, 5]


@pytest.mark.case("C8")
def test_any_text_arrives_as_it_was_sent(warehouse):
    texts = [
        'a "quoted" one',
        "a,b",
        "line\nend",
        "bare\rreturn",
        "both\r\n",
        "\u0661 \u4e2d \U0001f600",
        "=1+1",
        "NULL",
        "'",
    ]
    rows = [{"views": 1, "video_id": '"' + text.replace('"', '""') + '"'} for text in texts]
    load(warehouse, (ref("r1"), lines(*rows)))
    held = warehouse.client.query(f"SELECT video_id FROM `{warehouse.dataset}.channel_basic`").result()
    assert sorted(row[0] for row in held) == sorted(texts)


FINDINGS = {
    "twice": ([{"views": 4, "video_id": "a"}] * 2, 4, "1 rows stand there twice, counted once"),
    "nobody's": ([{"views": 4, "video_id": ""}] * 2, 8, None),
    "contradicting": (
        [{"views": 4, "video_id": "a"}, {"views": 5, "video_id": "a"}],
        9,
        "1 rows are about what another row is about, all of them counted",
    ),
    "partly empty": (
        [{"views": 4, "video_id": "a"}, {"views": "", "video_id": "b"}],
        4,
        "views is empty in some rows",
    ),
}


@pytest.mark.case("C11")
@pytest.mark.parametrize("case", FINDINGS)
def test_what_is_odd_about_a_file_is_told_with_its_day(warehouse, case):
    rows, views, finding = FINDINGS[case]
    published = load(warehouse, (ref("r1"), lines(*rows)))
    assert [list(each.findings) for each in published.loaded] == [[finding] if finding else []]
    assert metrics(warehouse, "views, findings") == [(views, f"channel_basic_a3: {finding}" if finding else None)]


@pytest.mark.case("C7")
@pytest.mark.fault(64)
def test_a_column_that_nobody_needs_may_be_absent_and_that_is_told(warehouse):
    content = lines({"views": 4, "video_id": "a"}, {"views": 3, "video_id": "b"})
    gone = [",".join(line.rstrip("\n").split(",")[:-2]) + "\n" for line in content]
    published = load(warehouse, (ref("r1"), gone))
    assert metrics(warehouse) == [7]
    assert published.loaded[0].findings == ("the file lacks red_views, red_watch_time_minutes",)


def test_rows_without_a_video_belong_to_the_channels_total(warehouse):
    load(warehouse, (ref("r1"), lines({"views": 4, "video_id": "a"}, {"views": 3, "video_id": ""})))
    assert metrics(warehouse) == [7]


def test_what_a_report_leaves_empty_is_null_and_never_an_empty_text(warehouse):
    load(warehouse, (ref("r1"), lines({"views": 4, "video_id": "", "country_code": "DE"})))
    absent = "video_id IS NULL AND likes IS NULL AND red_watch_time_minutes IS NULL AND extra IS NULL"
    query = f"SELECT country_code FROM `{warehouse.dataset}.channel_basic` WHERE {absent}"
    assert [row[0] for row in warehouse.client.query(query).result()] == ["DE"]


def test_average_view_duration_divides_by_engaged_views(warehouse):
    row = {"views": 100, "engaged_views": 40, "watch_time_minutes": 60.0}
    load(warehouse, (ref("r1"), lines(row)))
    assert [float(v) for v in metrics(warehouse, "average_view_duration")] == [90.0]


def test_what_is_absent_is_null_with_a_reason(warehouse):
    past, today = date(2025, 6, 1), datetime.now(ZoneInfo("America/Los_Angeles")).date()
    load(warehouse, *((ref(f"r{day}", day=day), lines({"views": 1}, day=day)) for day in (past, today)))
    assert metrics(warehouse, "impressions") == [None, None]
    assert [text.split(":")[0] for text in metrics(warehouse, "impressions_reason")] == ["never issued", "not yet"]
    assert metrics(warehouse, "estimated_revenue") == [None, None]


@pytest.mark.case("C3")
@pytest.mark.fault(63)
def test_a_basic_report_without_rows_beside_reach_numbers_is_a_known_zero(warehouse):
    load(warehouse, (ref("r1"), lines()))
    reach(warehouse, ("a", 40, 0.5))
    assert metrics(warehouse, "views, views_reason, impressions, impressions_reason") == [(0, None, 40, None)]


@pytest.mark.case("C3")
@pytest.mark.fault(63)
def test_reach_numbers_without_a_basic_report_stand_there_with_the_reason_why_views_do_not(warehouse):
    reach(warehouse, ("a", 40, 0.5), day=date(2025, 6, 1))
    ((views, impressions, reason),) = metrics(warehouse, "views, impressions, views_reason")
    assert (views, impressions) == (None, 40)
    assert reason.startswith("never issued: no channel_basic_a3 report")


def test_a_click_through_rate_is_weighted_by_the_impressions_that_it_is_a_rate_of(warehouse):
    load(warehouse, (ref("r1"), lines({"views": 1})))
    reach(warehouse, ("a", 300, 0.5), ("b", 100, 0.1))
    assert metrics(warehouse, "impressions") == [400]
    assert [float(rate) for rate in metrics(warehouse, "click_through_rate")] == [0.4]


def test_the_view_has_the_guides_columns_in_its_order(warehouse):
    result = warehouse.client.query(f"SELECT * FROM `{warehouse.dataset}.youtube_metrics`").result()
    assert [field.name for field in result.schema][:10] == [
        "channel_id", "date", "views", "watch_time_minutes", "subscribers_gained", "subscribers_lost",
        "estimated_revenue", "impressions", "click_through_rate", "average_view_duration",
    ]  # fmt: skip


def test_ensuring_the_schema_again_keeps_what_is_there_and_takes_back_what_is_no_longer_allowed(warehouse):
    load(warehouse, (ref("r1"), lines({"views": 4})))
    today = DAY + timedelta(days=4)
    assert [each["views"] for each in loaded_reports(warehouse, today, "one-content-owner").days] == [4]
    making.make(warehouse, "US")
    try:
        assert metrics(warehouse) == [4]
        names = {table.table_id for table in warehouse.client.list_tables(warehouse.dataset)}
        assert not names & set(OVER_OWNERS)
        alone = loaded_reports(warehouse, today, "")
        assert (alone.days, alone.reports) == ((), 1)
    finally:
        for name in OVER_OWNERS:
            making.make_view(warehouse, name)  # for the tests that share the dataset
