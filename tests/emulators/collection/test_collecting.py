"""Listing against the simulated Reporting API: what is found is dispatched, wherever a run dies."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any

import pytest

from infra.local.simulator.reporting.jobs import Jobs
from shared.channels import CHANNELS, Capability, Channel
from shared.clock import pacific_day
from shared.cloud.steps import Docs
from shared.collection import packs, places, planner, reports, week_answers
from shared.collection.collecting import Collecting as Service
from shared.collection.coverage import Outcome
from shared.collection.jobs import HISTORY, Expectation, Job, Standing, State, on
from shared.collection.reports import Found, Looked
from shared.errors import CorruptData, NotFound, QuotaRefused, Unavailable
from shared.monitoring import alerts
from shared.settings import Settings
from shared.warehouse.rows import ReportRef
from shared.youtube import reporting
from shared.youtube.client import Caller
from tests.emulators.youtube.stand import Stand, standing
from tests.stands import packed

KIND = "channel_basic_a3"


class Collecting:
    """One channel's collector; its job is some days old."""

    def __init__(self, stand: Stand) -> None:
        self.stand = stand
        self.channel = stand.channel().id
        self.caller: Caller = stand.caller()
        self.jobs = stand.simulator.room(Jobs)
        packed.place(stand.firestore, self.channel)

    def look(self, kind: str = KIND) -> tuple[Looked, Docs]:
        pack, seen = packs.read(self.stand.firestore, kind, 0)
        return reports.look(self.caller, pack.job(self.channel), self.channel, kind, self.stand.clock()), seen

    def note(self, looked: Looked, seen: Docs) -> list[Found]:
        kind = looked.job.report_type
        return reports.note(self.stand.firestore, 0, kind, [looked], now=self.stand.clock(), seen=seen)

    def find(self, kind: str = KIND) -> Found:
        [found] = self.note(*self.look(kind))
        return found

    def dispatched(self, found: Found) -> None:
        jobs = [found.advanced] if found.to_load else []
        reports.dispatched(self.stand.firestore, 0, KIND, jobs)

    def record(self, *outcomes: Outcome) -> None:
        held = places.places(self.stand.firestore)
        packs.record(self.stand.firestore, held, KIND, outcomes, now=self.stand.clock(), report_types=[KIND])

    def load_all(self, refs: Iterable[ReportRef]) -> bool:
        """Whether all that was listed is loaded then."""
        self.record(*(Outcome(ref=ref, rows=1, load_id="L") for ref in refs))
        now = self.stand.clock()
        return self.job().settled(now).synced_at == now

    def job(self) -> Job:
        [job] = packs.jobs(self.stand.firestore, [self.channel], [KIND])
        return job

    def missing(self) -> dict[date, Expectation]:
        return self.job().missing(self.stand.clock())

    def run(self) -> Found:
        found = self.find()
        self.dispatched(found)
        return found


@pytest.fixture
def collecting(firestore_client) -> Iterator[Collecting]:
    with standing(firestore_client) as stand:
        ready = Collecting(stand)
        assert ready.run().to_load == ()  # the job is new; nothing is issued yet
        stand.advance(days=4)
        yield ready


def test_a_first_listing_brings_a_month_and_the_next_nothing(collecting):
    assert len(collecting.run().to_load) >= 30
    again = collecting.run()
    assert again.to_load == ()
    assert len(again.advanced.open) >= 30
    assert {each.state for each in again.advanced.open.values()} == {State.LISTED}


def test_a_run_that_dies_before_it_dispatches_is_made_good_by_the_next(collecting):
    died = collecting.find()  # noted in the coverage, and then the process ends
    collecting.stand.advance(minutes=1)
    again = collecting.run()
    assert {ref.report_id for ref in again.to_load} == {ref.report_id for ref in died.to_load}
    assert collecting.run().to_load == ()


def test_a_run_that_dies_between_dispatching_and_advancing_only_dispatches_twice(collecting):
    first = collecting.find()
    second = collecting.run()
    assert {ref.report_id for ref in second.to_load} == {ref.report_id for ref in first.to_load}
    collecting.dispatched(first)  # the late one comes to its end after all
    third = collecting.run()
    assert {ref.report_id for ref in third.to_load} <= {ref.report_id for ref in first.to_load}
    assert collecting.run().to_load == ()


@pytest.mark.fault(33)
def test_a_job_that_youtube_ended_is_made_again_within_the_same_run(collecting):
    before = collecting.run()
    collecting.jobs.delete(collecting.jobs.all()[0])
    found = collecting.run()
    assert found.advanced.job_id != before.advanced.job_id
    assert [job.id for job in collecting.jobs.all()] == [found.advanced.job_id]
    collecting.stand.advance(days=4)
    renewed = collecting.run()
    assert {ref.job_id for ref in renewed.to_load} >= {found.advanced.job_id}


def test_what_cannot_be_listed_now_leaves_the_coverage_as_it_was(collecting):
    before = {s.id: s.to_dict() for s in collecting.stand.firestore.collection("reports").stream()}
    for fault in ({"kind": "backendError"}, {"kind": "quota"}):
        collecting.stand.inject(method="youtubereporting.jobs.reports.list", times=1, **fault)
        with pytest.raises((Unavailable, QuotaRefused)):
            collecting.find()
    assert {s.id: s.to_dict() for s in collecting.stand.firestore.collection("reports").stream()} == before


def test_a_channel_that_was_disconnected_is_no_ended_job(collecting):
    def gone(refused: str | None) -> str:
        raise NotFound("not connected", reason="notConnected")

    collecting.caller = replace(collecting.caller, tokens=gone)
    with pytest.raises(NotFound) as told:
        collecting.find()
    assert told.value.reason == "notConnected"
    assert len(collecting.jobs.all()) == 1


def test_advancing_brings_no_deleted_channel_back(collecting):
    state, late = collecting.stand.firestore, collecting.look()
    found = collecting.find()
    packed.forget(state, collecting.channel)
    assert collecting.note(*late) == []
    collecting.dispatched(found)
    assert packed.stored(state) == {}


def test_a_report_that_did_not_arrive_is_dispatched_again_after_an_hour_and_never_when_it_has(collecting):
    arrived, *missing = collecting.run().to_load
    collecting.record(Outcome(ref=arrived, rows=1, load_id="L"))
    collecting.stand.advance(minutes=61)
    again = collecting.run()
    sent = {ref.report_id for ref in again.to_load}
    assert sent >= {ref.report_id for ref in missing}
    assert arrived.report_id not in sent
    assert again.advanced.open.keys() == {ref.day.isoformat() for ref in again.to_load}


def test_a_report_that_is_listed_after_a_newer_one_is_found_for_a_day(collecting):
    known = {ref.report_id for ref in collecting.run().to_load}
    collecting.stand.advance(days=1)
    newest = collecting.stand.clock()  # as if one made just now had been listed before those of today
    packed.put(collecting.stand.firestore, replace(collecting.job(), cursor=newest))
    late = [ref for ref in collecting.run().to_load if ref.report_id not in known]
    assert late
    assert all(newest - timedelta(days=1) <= ref.create_time < newest for ref in late)


def test_a_run_that_dispatches_nothing_says_nothing_of_what_others_dispatched(collecting):
    dispatched = collecting.run()
    collecting.stand.advance(minutes=1)
    idle = collecting.run()
    assert idle.to_load == ()
    assert idle.advanced.dispatched_at == dispatched.advanced.dispatched_at


@pytest.mark.case("C2")
@pytest.mark.fault(61)
def test_a_day_that_youtube_never_issues_is_named_with_the_date_on_which_it_is_lost(collecting):
    made = collecting.job().created_at
    day = pacific_day(made) - timedelta(days=10)
    collecting.jobs.make_odd(collecting.channel, KIND, day.toordinal(), None)
    assert collecting.load_all(collecting.run().to_load)
    found = collecting.missing()[day]
    assert (found.standing, found.lost_at) == (Standing.LATE, made + HISTORY)
    collecting.stand.advance(days=3)
    collecting.load_all(collecting.run().to_load)
    assert collecting.missing()[day].standing is Standing.NEVER_ISSUED
    assert collecting.job().at_risk
    collecting.stand.advance(days=30)
    collecting.load_all(collecting.run().to_load)
    assert collecting.missing()[day].standing is Standing.LOST


@pytest.mark.case("C8c")
@pytest.mark.fault(61)
def test_a_report_that_is_listed_three_days_after_its_creation_is_taken(collecting):
    day = pacific_day(collecting.job().created_at)
    collecting.jobs.make_odd(collecting.channel, KIND, day.toordinal(), 72)
    seen = set()
    for _ in range(8):
        refs = collecting.run().to_load
        seen |= {ref.day for ref in refs}
        collecting.load_all(refs)
        collecting.stand.advance(days=1)
    assert day in seen
    assert not any(each.standing is Standing.NEVER_ISSUED for each in collecting.missing().values())


@pytest.mark.case("C1")
@pytest.mark.fault(62)
def test_a_job_that_expired_is_replaced_and_both_jobs_reports_are_taken(collecting):
    before = collecting.run()
    collecting.load_all(before.to_load)
    old = collecting.jobs.all()[0]
    collecting.stand.advance(days=1)
    old.expires = collecting.jobs.now
    collecting.stand.advance(days=1)
    found = collecting.run()
    assert found.advanced.job_id not in {old.id, before.advanced.job_id}
    assert [span.job_id for span in collecting.job().earlier] == [old.id]
    assert {ref.job_id for ref in found.to_load} == {old.id}  # what it made until then
    collecting.load_all(found.to_load)
    assert collecting.run().advanced.job_id == found.advanced.job_id
    collecting.stand.advance(days=4)
    collecting.load_all(collecting.run().to_load)
    assert collecting.missing() == {}
    assert len(collecting.jobs.all()) == 2


@pytest.mark.fault(62)
def test_two_that_replace_an_expired_job_at_once_make_one(collecting):
    collecting.run()
    collecting.jobs.all()[0].expires = collecting.jobs.now
    one, other = collecting.look(), collecting.look()
    [made], [late] = collecting.note(*one), collecting.note(*other)
    assert late.advanced.job_id == made.advanced.job_id
    assert len(collecting.jobs.all()) == 2
    assert len(collecting.job().earlier) == 1


@pytest.mark.case("C1")
@pytest.mark.fault(62)
def test_an_expired_job_that_cannot_be_replaced_is_listed_on_and_told(collecting, capsys):
    collecting.jobs.all()[0].expires = collecting.jobs.now
    collecting.stand.inject(method="youtubereporting.jobs.create", kind="conflict")
    refs = collecting.run().to_load
    assert len(refs) >= 25
    assert collecting.load_all(refs)
    assert "an expired reporting job cannot be replaced" in capsys.readouterr().out
    collecting.stand.advance(days=4)
    collecting.run()
    assert {each.standing for each in collecting.missing().values()} == {Standing.LATE}


@pytest.mark.case("C1")
@pytest.mark.fault(62)
def test_a_retired_type_is_not_asked_for_again_and_nothing_more_is_expected_of_it(collecting):
    collecting.load_all(collecting.run().to_load)
    collecting.jobs.retire(KIND, collecting.jobs.now)
    collecting.stand.advance(days=4)
    found = collecting.run()
    collecting.load_all(found.to_load)
    assert found.advanced.retired_at is not None
    assert found.advanced.retired_at <= collecting.stand.clock() - timedelta(days=3)
    collecting.stand.advance(days=10)
    collecting.run()
    assert collecting.stand.simulator.journal.counters().get("youtubereporting.jobs.create") == {"200": 1}
    ended = pacific_day(found.advanced.retired_at)
    after = {
        day: each for day, each in collecting.job().unloaded(collecting.stand.clock()).items() if day >= ended
    }
    assert after
    assert {each.standing for each in after.values()} == {Standing.NOT_OFFERED}


@pytest.mark.case("C9")
@pytest.mark.fault(65)
@pytest.mark.parametrize("method", ["jobs.reports.list", "jobs.list"])
def test_a_page_token_that_comes_back_for_ever_is_stopped_and_told(collecting, method):
    if method == "jobs.list":
        collecting.jobs.delete(collecting.jobs.all()[0])
    collecting.stand.inject(method=f"youtubereporting.{method}", kind="endless")
    calls = collecting.stand.simulator.journal.counters
    before = calls().get(f"youtubereporting.{method}", {}).get("200", 0)
    with pytest.raises(CorruptData) as told:
        collecting.find()
    assert told.value.reason == "endlessListing"
    assert calls()[f"youtubereporting.{method}"]["200"] == before + 2


@pytest.mark.alarm("reportTypes")
@pytest.mark.case("C1")
@pytest.mark.fault(62)
def test_once_a_day_the_audit_is_asked_for_and_report_types_that_end_are_told(collecting):
    stand, sent, queued = collecting.stand, [], {"new": True}
    stand.firestore.document("channels", collecting.channel).set(connected(collecting.channel, stand.clock()))
    service = collecting_service(collecting, sent, queued)
    service.plan(everything=False)
    assert sent == []
    service.plan(everything=True)
    queued["new"] = False  # a second trigger of the same day
    service.plan(everything=True)
    assert sent == [("coverageAudit", {"day": f"{stand.clock():%Y-%m-%d}"})]
    assert alerts.firing(stand.firestore) == ()

    queued["new"] = True
    ends = stand.clock() + timedelta(days=30)
    collecting.jobs.retire(KIND, ends.timestamp())
    service.plan(everything=True)
    [alert] = alerts.firing(stand.firestore)
    assert (alert.key, alert.message) == (
        alerts.REPORT_TYPES,
        f"YouTube retires report types: {KIND} on {on(ends)}.",
    )


def test_the_days_first_run_after_14_takes_all_channels_and_one_that_died_is_made_up_for(collecting):
    stand, sent = collecting.stand, []
    stand.firestore.document("channels", collecting.channel).set(connected(collecting.channel, stand.clock()))
    service = collecting_service(collecting, sent, {"new": True})
    with pytest.raises(ZeroDivisionError):
        replace(service, enqueue=lambda *_: 1 // 0).run()
    assert [service.run()["due"] for _ in range(2)] == [1, 0]
    kinds = [kind for kind, _ in sent if kind != week_answers.KIND]
    assert kinds == ["auditErasure", "auditErasure", "coverageAudit"]
    assert len(sent) == len(kinds) + 3, "at noon Pacific each run has everybody's week answered"
    for hours, due in ((18, 0), (1, 1), (1, 0)):  # 13:00 UTC and on
        stand.advance(hours=hours)
        assert service.run()["due"] == due


def told(stand: Stand) -> dict[str, str]:
    return {alert.key: alert.message for alert in alerts.firing(stand.firestore)}


@pytest.mark.alarm("newReportTypes")
@pytest.mark.fault(62)
def test_a_newer_version_and_a_new_report_type_are_told_once_and_nothing_else_changes(collecting, capsys):
    stand = collecting.stand
    stand.firestore.document("channels", collecting.channel).set(connected(collecting.channel, stand.clock()))
    collecting.jobs.offer("channel_basic_a4", KIND)
    collecting.jobs.offer("channel_mood_a1", "channel_reach_basic_a1")
    for _ in range(2):
        assert collecting_service(collecting, [], {"new": True}).plan(everything=True)["queued"] == 1
    words = "YouTube offers report types that this release does not know: channel_basic_a4, channel_mood_a1."
    assert told(stand) == {alerts.NEW_REPORT_TYPES: words}
    assert capsys.readouterr().out.count(words) == 1
    for kind in ("channel_basic_a4", "channel_mood_a1"):
        collecting.jobs.retire(kind, stand.clock().timestamp())
    collecting_service(collecting, [], {"new": True}).plan(everything=True)
    assert told(stand) == {}


@pytest.mark.fault(62)
def test_of_a_family_the_version_is_collected_that_youtube_offers(collecting):
    stand, family = collecting.stand, ["channel_cards"]
    stand.firestore.document("channels", collecting.channel).set(connected(collecting.channel, stand.clock()))

    def kinds() -> tuple[str, ...]:
        """What a process that starts now collects; and it looks at what YouTube offers."""
        found = planner.report_types(stand.firestore, a_choice(family))
        service = replace(collecting_service(collecting, [], {"new": True}), report_types=found)
        service.plan(everything=True)
        return found

    assert kinds() == ("channel_cards_a1",)  # nobody has asked YouTube yet
    assert kinds() == ("channel_cards_a2",)
    collecting.jobs.retire("channel_cards_a2", stand.clock().timestamp())
    assert kinds() == ("channel_cards_a2",)
    assert set(told(stand)) == {alerts.REPORT_TYPES}
    assert kinds() == ("channel_cards_a1",)
    assert told(stand) == {}
    assert collecting.find("channel_cards_a1").listed == 0  # a job for it has been made


def a_choice(report_types: Sequence[str]) -> Settings:
    urls = dict.fromkeys(("app_url", "api_url", "id_token_issuer", "id_token_keys_url"), "https://example.test")
    return Settings(project="test", id_token_audience="a", report_types=tuple(report_types), **urls)


@pytest.mark.fault(62)
def test_when_the_report_types_cannot_be_asked_for_the_day_is_planned_all_the_same(collecting, capsys):
    stand, sent = collecting.stand, []
    stand.firestore.document("channels", collecting.channel).set(connected(collecting.channel, stand.clock()))
    stand.inject(method="youtubereporting.reportTypes.list", kind="forbidden")
    assert collecting_service(collecting, sent, {"new": True}).plan(everything=True)["queued"] == 1
    assert len(sent) == 1
    assert "report types could not be listed" in capsys.readouterr().out


def connected(channel_id: str, now: datetime) -> dict[str, Any]:
    capabilities = {"analytics": Capability(True, "granted")}
    return CHANNELS.fields(
        Channel(
            channel_id=channel_id, user_id="user-001", title="Tides", state="connected", state_since=now,
            connected_at=now, capabilities=capabilities,
        )
    )  # fmt: skip


def collecting_service(collecting: Collecting, sent: list[Any], queued: Mapping[str, bool]) -> Service:
    return Service(
        client=collecting.stand.firestore,
        report_types=[KIND],
        quota=collecting.stand.ledger,
        caller_for=lambda _, block: replace(collecting.caller, quota=block),
        to_ingest=lambda kind, message: sent.append((kind, message)),
        enqueue=lambda *_: queued["new"],
        book=partial(collecting.stand.limiter.book, method=reporting.LIST, user="system"),
        clock=collecting.stand.clock,
        rng=random.Random(1),
    )
