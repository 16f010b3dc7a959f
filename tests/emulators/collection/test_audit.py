"""The daily audit against a real manifest: what is not in the warehouse does not count as loaded; gaps alarm."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from shared.collection import packs, places
from shared.collection.audit import audit
from shared.collection.coverage import Outcome, after_listing
from shared.collection.jobs import HISTORY, Job, State, name_of, on
from shared.monitoring import alerts
from shared.warehouse.rows import ReportRef
from shared.warehouse.statements import NAME_LOADS, Warehouse, run
from shared.warehouse.tables import REPORT_LOADS
from tests.stands import packed

KIND = "channel_reach_basic_a1"
NOW = datetime(2026, 11, 22, 14, tzinfo=UTC)
MADE = NOW - timedelta(days=9)
DAYS = [date(2026, 10, 14) + timedelta(days=number) for number in range(36)]


class Held:
    """A coverage in which every day that is due is loaded, and the manifest of a warehouse."""

    def __init__(self, warehouse: Warehouse, state: Any) -> None:
        self.warehouse = warehouse
        self.state = state

    def fill(self, channel: str, *, without: tuple[date, ...] = ()) -> None:
        absent = ("2026-11-19", "2026-11-20", "2026-11-21", *(day.isoformat() for day in without))
        job = Job(
            name=name_of(channel, KIND), channel_id=channel, report_type=KIND, job_id="j", created_at=MADE,
            since=MADE, seen_at=NOW, absent=absent, at_risk=bool(without),
        )  # fmt: skip
        packed.put(self.state, job)
        refs = [_ref(channel, day) for day in DAYS if day not in without]
        listed = after_listing({}, refs, now=NOW).changed
        packed.change(self.state, channel, KIND, DAYS, lambda _: (None, listed))
        self.record(*(Outcome(ref=ref, rows=1, load_id="L") for ref in refs))
        assert self.job(channel).synced_at == NOW
        rows = [
            {
                "report_id": ref.report_id, "load_id": "L", "channel_id": channel, "report_type": KIND,
                "job_id": "j", "day": ref.day.isoformat(), "create_time": ref.create_time.isoformat(),
                "row_count": 1, "checksum": "c", "loaded_at": NOW.isoformat(),
            }
            for ref in refs
        ]  # fmt: skip
        ids = [ref.report_id for ref in refs]
        run(self.warehouse, NAME_LOADS, entries=json.dumps(rows), ids=ids, first=DAYS[0], last=DAYS[-1])

    def audit(self, report_types: Collection[str] = (KIND,)) -> None:
        audit(self.state, self.warehouse, report_types, NOW, "2026-11-22")

    def record(self, *outcomes: Outcome) -> None:
        packs.record(self.state, places.places(self.state), KIND, outcomes, now=NOW, report_types=[KIND])

    def job(self, channel: str) -> Job:
        [job] = packs.jobs(self.state, [channel], [KIND])
        return job

    def lose(self, channel: str, *days: date) -> None:
        gone = ", ".join(f"'{channel}-{day}'" for day in days)
        table = self.warehouse.full_name(REPORT_LOADS.name)
        self.warehouse.client.query(f"DELETE FROM `{table}` WHERE report_id IN ({gone})").result()

    def states(self, channel: str) -> dict[date, tuple[State, str | None]]:
        days = packed.days(self.state, channel, KIND, DAYS)
        return {day: (each.state, each.reason) for day, each in days.items()}


def _ref(channel: str, day: date) -> ReportRef:
    return ReportRef(
        report_id=f"{channel}-{day}", channel_id=channel, report_type=KIND, job_id="j", day=day,
        create_time=NOW - timedelta(days=4), download_url="u",
    )  # fmt: skip


@pytest.fixture
def held(warehouse, firestore_client) -> Held:
    return Held(warehouse, firestore_client)


def test_a_day_that_is_not_in_the_warehouse_is_listed_again_with_a_word_and_all_others_stay(held, capsys):
    held.fill("UC1")
    held.fill("UC2")
    held.audit()
    assert {state for state, _ in held.states("UC1").values()} == {State.LOADED}
    lost = DAYS[3], DAYS[25]
    held.lose("UC1", *lost)
    for _ in range(2):  # a second audit of the day finds nothing to do
        held.audit()
        assert held.states("UC1") == {
            day: (State.LISTED, "notInWarehouse") if day in lost else (State.LOADED, None) for day in DAYS
        }
    assert {state for state, _ in held.states("UC2").values()} == {State.LOADED}
    assert State.LISTED in {each.state for each in held.job("UC1").open.values()}
    told = [json.loads(line) for line in capsys.readouterr().out.splitlines() if "not in the warehouse" in line]
    assert [(line["channel"], line["days"]) for line in told] == [("UC1", 2)]


def test_of_a_report_type_that_is_no_longer_collected_no_day_is_missed(held):
    held.fill("UC1", without=(DAYS[5],))
    held.audit({"channel_basic_a3"})
    assert alerts.firing(held.state) == ()


@pytest.mark.alarm("reportGaps")
@pytest.mark.fault(61)
@pytest.mark.fault(64)
def test_missing_days_alarm_with_the_date_on_which_the_first_is_lost_and_the_alarm_ends_with_them(held):
    held.fill("UC1", without=(DAYS[5],))
    held.audit()
    [alert] = alerts.firing(held.state)
    assert alert.key == alerts.REPORT_GAPS
    assert f"1 day of 1 channel. The first, {DAYS[5]} of UC1" in alert.message
    assert f"is lost on {on(MADE + HISTORY)}" in alert.message

    failed = _ref("UC2", DAYS[30])
    held.fill("UC2", without=(DAYS[30],))
    listed = after_listing({}, [failed], now=NOW).changed
    packed.change(held.state, "UC2", KIND, [failed.day], lambda _: (None, listed))
    held.record(Outcome(ref=failed, reason="reportColumnMissing"))
    packed.put(held.state, replace(held.job("UC2"), absent=()))
    held.audit()
    [again] = alerts.firing(held.state)
    assert "2 days of 2 channels" in again.message
    assert again.since == alert.since

    for channel in ("UC1", "UC2"):
        packed.forget(held.state, channel)
    held.audit()
    assert alerts.firing(held.state) == ()
