"""Each quality check finds what was planted for it and nothing else, in Google's evaluator and in the emulator."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from typing import Any

import pytest

from infra.judges.warehouse import tables
from shared import channels
from shared.collection.audit import check
from shared.collection.refusals import Storing
from shared.monitoring import alerts
from shared.warehouse.append import append
from shared.warehouse.checks import CHECKS, DAYS, Result, asked
from shared.warehouse.report_types import REPORT_TYPES
from shared.warehouse.tables import ANALYTICS_LOADS, ANALYTICS_ROWS, CHECK_RESULTS, REPORT_LOADS, TABLES

NOW = dt.datetime(2026, 11, 24, 14, tzinfo=dt.UTC)
TODAY = NOW.date()
WEEK = [dt.date(2026, 11, 12) + dt.timedelta(days=number) for number in range(9)]
LAST = WEEK[-1]
BASIC, REACH, DEVICE, AGES = (
    REPORT_TYPES[f"channel_{name}"] for name in ("basic_a3", "reach_basic_a1", "device_os_a3", "demographics_a1")
)
LOAD = "20261121T000000"

Rows = dict[str, list[dict[str, Any]]]


class Planted:
    """Rows of every table, to which channels are added: each is right, but for what is planted."""

    def __init__(self) -> None:
        self.rows: Rows = {name: [] for name in tables()}

    def report(
        self, channel: str, kind: Any, day: dt.date, *rows: Mapping[str, Any], says: int | None = None
    ) -> None:
        about = {"report_id": f"{channel}.{kind.id}.{day}", "load_id": LOAD, "channel_id": channel}
        self.rows[REPORT_LOADS.name].append({
            **about, "report_type": kind.id, "job_id": "j", "day": day, "create_time": NOW, "loaded_at": NOW,
            "row_count": len(rows) if says is None else says, "checksum": "c",
        })  # fmt: skip
        self.rows[kind.table] += [{**about, "date": day, **row} for row in rows]

    def channel(self, channel: str, *, days: Iterable[dt.date] = WEEK, views: int = 200) -> None:
        for day in days:
            row = {"video_id": "v", "views": views, "watch_time_minutes": 3.5, "likes": 0}
            self.report(channel, BASIC, day, {**row, "country_code": "DE"}, {**row, "country_code": ""})


def planted() -> Planted:
    made = Planted()
    for day in WEEK:
        made.report("good", BASIC, day, {"video_id": "v", "views": 10}, {"video_id": ""}, {"video_id": ""})
        made.report("good", REACH, day, {"video_id": "v", "video_thumbnail_impressions_ctr": 1.0})
        made.report("good", DEVICE, day, {"video_id": "v", "views": 8}, {"video_id": "v", "device_type": "1"})
        made.report("good", AGES, day, {"video_id": "v", "views_percentage": 100.0})
    made.channel("gap", days=[day for day in WEEK if day not in WEEK[3:5]])
    made.channel("stale", days=WEEK[:6])
    made.channel("negative")
    made.rows[BASIC.table][-1]["likes"] = -3
    made.report("percent", REACH, LAST, {"video_id": "v", "video_thumbnail_impressions_ctr": 5.0})
    made.report("shares", AGES, LAST, {"video_id": "v", "views_percentage": 101.0})
    made.report("twice", BASIC, LAST, *({"video_id": "v", "views": views} for views in (4, 5, 6)))
    made.channel("orphaned")
    made.rows[BASIC.table] += [{"report_id": "r", "load_id": load, "channel_id": "orphaned", "date": LAST}
                               for load in ("20261120T1", "20261120T1", "20261124T1")]  # fmt: skip
    made.report("emptied", BASIC, LAST, {"video_id": "v", "views": 4}, says=2)
    made.report("parts", BASIC, LAST, {"video_id": "v", "views": 10})
    made.report("parts", DEVICE, LAST, {"video_id": "v", "views": 11})
    for kind, known, unknown in ((BASIC, 10, 10), (DEVICE, 11, 5)):
        abroad = ({"video_id": "v", "views": views, "country_code": code}
                  for views, code in ((known, "DE"), (1, "FR"), (unknown, "")))  # fmt: skip
        made.report("abroad", kind, LAST, *abroad)
    made.report("lacking", BASIC, LAST, {"video_id": "v", "views": 10})
    made.report("lacking", DEVICE, LAST, {"video_id": "v", "views": 6})
    made.channel("told")
    made.channel("fallen", days=WEEK[:8])
    made.report("fallen", BASIC, LAST, {"video_id": "v", "views": 39})
    for channel, load, views in (("told", "A1", 400), ("told", "A2", 300), ("good", "A2", 10)):
        about = {"load_id": load, "channel_id": channel, "query": "channel_daily"}
        asked_at = NOW - dt.timedelta(hours=1 if load == "A2" else 20)
        made.rows[ANALYTICS_LOADS.name].append({
            **about, "kind": "recent", "start_day": LAST, "end_day": LAST, "asked_at": asked_at, "row_count": 1,
            "truncated": False,
        })  # fmt: skip
        made.rows[ANALYTICS_ROWS.name].append({**about, "date": LAST, "metrics": {"views": views}})
    return made


FOUND = {
    "completeness": [("gap", WEEK[3], "channel_basic_a3: days without a report from here on", 2, 0)],
    "freshness": [("stale", WEEK[5], "channel_basic_a3: days since the newest report's day", 7, 5)],
    "ranges": [
        ("negative", LAST, "channel_basic_a3: rows with an impossible likes", 1, 0),
        ("shares", LAST, "channel_demographics_a1: rows with an impossible views_percentage", 1, 0),
    ],
    "rates": [("percent", LAST, "channel_reach_basic_a1: the highest click-through rate", 5, 1)],
    "duplicates": [("twice", LAST, "channel_basic_a3: rows about what another row is about", 2, 0)],
    "orphans": [("orphaned", LAST, "channel_basic_a3: rows of a load that was never named, 20261120T1", 2, 0)],
    "named_rows": [("emptied", LAST, f"channel_basic_a3: rows of report emptied.channel_basic_a3.{LAST}", 1, 2)],
    "parts": [
        ("abroad", LAST, "channel_device_os_a3: views of rows of DE", 11, 10),
        ("lacking", LAST, "channel_device_os_a3: views of all rows", 6, 10),
        ("parts", LAST, "channel_device_os_a3: views of all rows", 11, 10),
    ],
    "sources": [("told", LAST, "views: the bulk report against the Analytics API", 400, 300)],
    "falls": [("fallen", LAST, "views, against the seven days before", 39, 400)],
}


def plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, dt.date) else value


@pytest.fixture(scope="module")
def rows() -> Rows:
    return planted().rows


@pytest.mark.alarm("check:")
@pytest.mark.case("C11")
def test_what_was_planted_is_found_stored_and_alerted_and_nothing_else(warehouse, firestore_client, rows):
    for table in TABLES:
        append(
            warehouse,
            table,
            ({name: plain(value) for name, value in row.items()} for row in rows[table.name]),
            lambda: NOW,
        )
    for channel in {channel for some in FOUND.values() for channel, *_ in some} - {"stale"}:
        firestore_client.document(channels.path(channel)).set({"state": "connected", "connected_at": NOW})
    alerts.tell(firestore_client, "check:freshness", "of yesterday", NOW)
    reader = Storing(
        client=firestore_client, warehouse=lambda: warehouse, clock=lambda: NOW, quota=None, caller_for=None,
        to_ingest=None, rng=None,
    )  # type: ignore[arg-type]  # fmt: skip
    check(reader)
    stored = warehouse.client.query(f"SELECT * FROM `{warehouse.full_name(CHECK_RESULTS.name)}`").result()
    found: dict[str, list[tuple[Any, ...]]] = {name: [] for name in FOUND}
    for row in stored:
        assert row["load_id"].endswith(channels.connection_of(row["channel_id"], NOW))
        found[row["check"]].append(tuple(row.values())[3:])
    # Of a channel that is not connected any more nothing is kept.
    assert {name: sorted(some) for name, some in found.items()} == {**FOUND, "freshness": []}
    firing = {alert.key: alert.message for alert in alerts.firing(firestore_client)}
    assert firing.keys() == {f"check:{name}" for name in FOUND} - {"check:freshness"}
    assert (
        "gap, 2026-11-15, channel_basic_a3: days without a report from here on: 2, expected 0"
        in (firing["check:completeness"])
    )


@pytest.mark.parametrize("one", CHECKS, ids=lambda one: one.name)
def test_google_s_evaluator_finds_the_same(one, spoken, rows):
    kinds = {row["report_type"] for row in rows[REPORT_LOADS.name]}
    statement = asked(one, kinds)
    assert statement is not None
    text = statement.text
    values = {
        "since": f"DATE '{TODAY - DAYS}'",
        "today": f"DATE '{TODAY}'",
        "threshold": f"CAST({one.threshold} AS FLOAT64)",
        "before": "'20261123T140000'",
    }
    for name, value in values.items():
        text = text.replace(f"@{name}", value)
    found = [
        Result(**{**row, "date": dt.date.fromisoformat(row["date"])}) for row in spoken[0].evaluate(text, rows)
    ]
    assert [tuple(vars(each).values()) for each in sorted(found, key=str)] == FOUND[one.name]
