"""Bulk reports on the whole stack: every number is the truth, whatever happens on the way, and counts once."""

from __future__ import annotations

import json
from datetime import timedelta

import psutil
import pytest

from infra import backfill
from infra.local.stack import running
from infra.local.supervisor import State
from shared.cloud import pubsub
from tests.end_to_end.collection.network import Network, assert_true_and_once

DAY = timedelta(days=1)


def issued(network: Network) -> dict[tuple[str, str], str]:
    """The newest report of each channel's day, by its id."""
    today = network.stack.now().date()
    span = {"from": (today - 90 * DAY).isoformat(), "to": today.isoformat()}
    told = network.ask("truth/daily", **span)["channels"]
    return {
        (channel, day): report["report_id"]
        for channel, found in told.items()
        for day, report in found["days"].items()
    }


def test_the_first_collection_brings_thirty_days_of_every_channel(network: Network):
    assert_true_and_once(network)
    assert network.states()["loaded"] >= 4 * 30
    assert {c.id for c in network.state.collection("channels").stream()} == set(network.channels)


@pytest.mark.fault(44)
def test_every_request_that_youtube_saw_is_one_row_of_the_call_log_however_often_it_is_taken(network: Network):
    sent = {
        method: sum(counts.values())
        for method, counts in network.ask("requests")["counts"].items()
        if method.startswith("youtube")
    }
    for _ in range(3):
        network.publish("calls", {})
    rows = "SELECT endpoint, COUNT(*), COUNT(DISTINCT call_id) FROM `DATASET.youtube_api_calls` GROUP BY endpoint"
    network.eventually(lambda: sum(count for _, count, _ in network.query(rows)) >= sum(sent.values()))
    network.quiet()
    assert sorted(network.query(rows)) == sorted((method, count, count) for method, count in sent.items())
    features = network.query("SELECT DISTINCT feature FROM `DATASET.youtube_api_calls` ORDER BY feature")
    assert {"access", "reports"} <= {name for (name,) in features}


@pytest.mark.fault(28)
@pytest.mark.fault(29)
def test_corrections_replace_what_they_correct(network: Network):
    known = issued(network)
    for _ in range(10):  # How soon YouTube corrects one of its days depends on the date of this run.
        network.pass_time(4 * DAY)
        network.collect()
        assert_true_and_once(network)
        now = issued(network)
        if any(now.get(day, report) != report for day, report in known.items()):
            return
        known = now
    pytest.fail("YouTube has corrected nothing")


@pytest.mark.fault(44)
def test_a_schedule_that_fires_twice_plans_once(network: Network):
    network.pass_time(DAY)
    assert network.collect()["queued"] == 1
    listings = network.calls("youtubereporting.jobs.reports.list")
    assert network.collect()["queued"] == 0
    assert network.calls("youtubereporting.jobs.reports.list") == listings


def test_a_channel_that_was_collected_is_not_overdue(network: Network):
    network.state.document("report_types", "planned").set({"day": f"{network.stack.now():%Y-%m-%d}"})
    result = network.stack.trigger("collect-reports")
    assert (result["status"], json.loads(result["body"])["due"]) == (200, 0)


@pytest.mark.fault(30)
def test_downloads_that_are_cut_or_damaged_are_fetched_again_and_count_once(network: Network):
    for kind in ("truncated", "cut", "damaged_gzip"):
        network.fault(method="youtubereporting.media.download", kind=kind, times=1)
    network.pass_time(DAY)
    network.collect()
    assert network.ask("faults")["faults"] == [] or all(f["spent"] for f in network.ask("faults")["faults"])
    assert_true_and_once(network)


@pytest.mark.fault(31)
def test_added_columns_and_new_values_are_kept(network: Network):
    network.control("reporting", added_column="shorts_remixes", new_value="A_VALUE_OF_TOMORROW")
    network.pass_time(DAY)
    network.collect()
    assert_true_and_once(network)
    kept = "SELECT COUNT(*) FROM `DATASET.report_channel_basic_a3` WHERE country_code = 'A_VALUE_OF_TOMORROW'"
    aside = "SELECT COUNT(*) FROM `DATASET.channel_basic` WHERE JSON_VALUE(extra, '$.shorts_remixes') IS NOT NULL"
    assert network.query(kept)[0][0] > 0
    assert network.query(aside)[0][0] > 0


@pytest.mark.fault(31)
def test_a_missing_column_is_told_with_its_day_and_healed_the_next_day(network: Network):
    network.control("reporting", missing_column="views")
    network.pass_time(DAY)
    network.collect()
    failed = [entry for entry in network.days().values() if entry["state"] == "failed"]
    assert {entry["reason"] for entry in failed} == {"reportColumnMissing"}
    network.eventually(lambda: "lacks the columns views" in network.stack.logs("ingest"))
    network.control("reporting")
    network.pass_time(DAY)
    network.collect()
    assert_true_and_once(network)


@pytest.mark.fault(32)
def test_ingest_killed_in_the_middle_of_its_work_loses_nothing_and_doubles_nothing(network: Network):
    ingest = network.stack.supervisor.parts["ingest"]
    for wanted in (2, 5):
        network.pass_time(2 * DAY)
        before = network.calls("youtubereporting.media.download")
        assert network.call("collect_reports", {"everything": True}, "scheduler").status_code == 200
        network.eventually(lambda known=before + wanted: network.calls("youtubereporting.media.download") >= known)
        first = ingest.pid
        assert first is not None
        for process in [*psutil.Process(first).children(recursive=True), psutil.Process(first)]:
            process.kill()
        network.eventually(lambda dead=first: ingest.state is State.READY and ingest.pid not in {None, dead})
        network.settle()
    assert_true_and_once(network)


@pytest.mark.fault(44)
def test_a_second_delivery_changes_nothing(network: Network):
    deliveries = network.quiet()
    before = (network.named(), network.days(), network.calls("youtubereporting.media.download"))
    for _ in range(2):
        network.publish("reports", network.report_message(network.channels[0]))
    network.eventually(lambda: network.ingested() >= deliveries + 2)
    assert (network.named(), network.days(), network.calls("youtubereporting.media.download")) == before


@pytest.mark.fault(72)
def test_a_task_delivers_a_message_as_pubsub_does(network: Network):
    known = network.report_message(network.channels[0])
    assert network.call("ingest", pubsub.delivery("reports", known)).status_code < 300
    assert network.call("ingest", pubsub.delivery("reports", {"report_type": "x"})).status_code == 400


@pytest.mark.fault(33)
def test_a_job_that_youtube_ended_is_made_again_and_nothing_is_lost(network: Network):
    channel = network.channels[0]
    before = network.views_of(channel)
    assert network.control("reporting/jobs/end", channel_id=channel)["ended"] == 1
    network.pass_time(timedelta(hours=1))
    assert network.call("collect_reports", {"channels": network.channels}).json()["unfinished"] == 0
    network.pass_time(timedelta(days=4))
    network.collect()
    after = network.views_of(channel)
    assert set(before) <= set(after)
    assert max(after) > max(before)
    assert network.wrong() == []


@pytest.mark.parametrize(
    "body",
    [b"{", b"[]", {"channels": "UC1"}, {"channels": [1]}, {"everything": "yes"}, {"channel": "UC1"},
     {"channels": [], "everything": True}],
)  # fmt: skip
def test_a_body_that_makes_no_sense_is_refused_in_the_one_error_shape(network: Network, body):
    answer = network.call("collect_reports", body)
    assert answer.status_code == 400
    assert {"code", "reason", "message"} <= set(answer.json()["error"])


def test_a_backfill_that_is_refused_says_why_to_whoever_asks_by_command(network: Network, capsys):
    about = next(found for found in running() if found["run"] == str(network.stack.run_folder))
    days = {"from": "2026-01-01", "to": "2026-01-02"}
    assert backfill.ask(about, json.dumps({"backfill": {"channel": network.channels[0], **days}})) == 1
    told = json.loads(capsys.readouterr().out)["error"]
    assert told["code"] == 400
    assert "YouTube keeps reports for 60 days" in told["message"]
