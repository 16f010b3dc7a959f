"""Listing against the simulated Reporting API: what is found is dispatched, wherever a run dies."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from infra.local.simulator.reporting.jobs import Jobs
from shared.collection.coverage import Coverage, Outcome
from shared.collection.reports import Found, ReportCollector
from shared.errors import NotFound, QuotaRefused, Unavailable
from shared.youtube.client import Caller
from tests.emulators.youtube.stand import Stand, standing

KIND = "channel_basic_a3"


class Collecting:
    """One channel's collector; its job is some days old."""

    def __init__(self, stand: Stand) -> None:
        self.stand = stand
        self.channel = stand.channel().id
        self.caller: Caller = stand.caller()
        self.collector = ReportCollector(stand.firestore, stand.clock)
        self.jobs = stand.simulator.room(Jobs)

    def find(self, kind: str = KIND) -> Found:
        return self.collector.find(self.caller, self.channel, kind)

    def run(self) -> Found:
        found = self.find()
        self.collector.advance(found)
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
    assert again.waiting >= 30


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
    collecting.collector.advance(first)  # the late one comes to its end after all
    third = collecting.run()
    assert {ref.report_id for ref in third.to_load} <= {ref.report_id for ref in first.to_load}
    assert collecting.run().to_load == ()


@pytest.mark.fault(33)
def test_a_job_that_youtube_ended_is_made_again_within_the_same_run(collecting):
    before = collecting.run()
    collecting.jobs.delete(collecting.jobs.all()[0])
    found = collecting.run()
    assert found.job.job_id != before.job.job_id
    assert [job.id for job in collecting.jobs.all()] == [found.job.job_id]
    collecting.stand.advance(days=4)
    renewed = collecting.run()
    assert {ref.job_id for ref in renewed.to_load} >= {found.job.job_id}


def test_what_cannot_be_listed_now_leaves_the_coverage_as_it_was(collecting):
    before = {s.id: s.to_dict() for s in collecting.stand.firestore.collection("reports").stream()}
    for fault in ({"kind": "backendError"}, {"kind": "quota"}):
        collecting.stand.inject(method="youtubereporting.jobs.reports.list", times=1, **fault)
        with pytest.raises((Unavailable, QuotaRefused)):
            collecting.find()
    assert {s.id: s.to_dict() for s in collecting.stand.firestore.collection("reports").stream()} == before


def test_a_channel_that_was_disconnected_is_no_ended_job(collecting):
    class Gone:
        def access_token(self) -> str:
            raise NotFound("not connected", reason="notConnected")

        def renew(self, refused: str) -> str:
            raise NotFound("not connected", reason="notConnected")

    collecting.caller = replace(collecting.caller, tokens=Gone())
    with pytest.raises(NotFound) as told:
        collecting.find()
    assert told.value.reason == "notConnected"
    assert len(collecting.jobs.all()) == 1


def test_advancing_brings_no_deleted_channel_back(collecting):
    found = collecting.find()
    assert Coverage(collecting.stand.firestore).forget(collecting.channel) >= 2
    collecting.collector.advance(found)
    assert list(collecting.stand.firestore.collection("reports").stream()) == []


def test_a_report_that_did_not_arrive_is_dispatched_again_after_an_hour_and_never_when_it_has(collecting):
    arrived, *missing = collecting.run().to_load
    Coverage(collecting.stand.firestore).record([Outcome(ref=arrived, rows=1, load_id="L")])
    collecting.stand.advance(minutes=61)
    again = collecting.run()
    sent = {ref.report_id for ref in again.to_load}
    assert sent >= {ref.report_id for ref in missing}
    assert arrived.report_id not in sent
    assert again.waiting == len(again.to_load)


def test_a_report_that_is_listed_after_a_newer_one_is_found_for_a_day(collecting):
    known = {ref.report_id for ref in collecting.run().to_load}
    collecting.stand.advance(days=1)
    newest = collecting.stand.clock()  # as if one made just now had been listed before those of today
    job = collecting.stand.firestore.document("reports", f"{collecting.channel}:{KIND}")
    job.update({"cursor": newest})
    late = [ref for ref in collecting.run().to_load if ref.report_id not in known]
    assert late
    assert all(newest - timedelta(days=1) <= ref.create_time < newest for ref in late)


def test_a_run_that_dispatches_nothing_says_nothing_of_what_others_dispatched(collecting):
    dispatched = collecting.run()
    collecting.stand.advance(minutes=1)
    idle = collecting.run()
    assert idle.to_load == ()
    assert idle.advanced.dispatched_at == dispatched.advanced.dispatched_at
