"""Channels that went while they were collected: nothing is dispatched, and what a run left is taken back."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from infra.local.simulator.reporting.jobs import Jobs
from shared.collection import packs, places
from shared.collection.audit import audit
from shared.collection.coverage import Day
from shared.collection.jobs import Job, State
from shared.collection.planner import Turn
from shared.monitoring.calls import Call
from shared.wiring.collection import collecting
from tests.emulators.collection.reading import KIND, Reading
from tests.emulators.youtube.stand import standing
from tests.stands import packed

MADE = datetime(2026, 11, 1, tzinfo=UTC)
DAY = Day(report_id="r", create_time=MADE, state=State.LISTED, noted_at=MADE, job_id="j", download_url="u")


@pytest.fixture
def state(firestore_client, monkeypatch, fresh_process) -> Any:
    """The database that this process's own parts are built on."""
    for name in ("YT_APP_URL", "YT_API_URL", "YT_ID_TOKEN_ISSUER", "YT_ID_TOKEN_KEYS_URL"):
        monkeypatch.setenv(name, "https://app.example.test")
    monkeypatch.setenv("YT_ID_TOKEN_AUDIENCE", "app")
    monkeypatch.setenv("GOOGLE_CLOUD_PROJECT", firestore_client.project)
    return firestore_client


def test_what_a_run_left_that_died_before_it_could_take_it_back_goes_with_the_next_audit(
    firestore_client, warehouse
):
    for name in ("UCgone", "UCother"):
        job = {"channel_id": name, "report_type": KIND, "job_id": "j", "created_at": MADE, "since": MADE}
        packed.put(firestore_client, Job(name=f"{name}:{KIND}", **job))
        packed.change(firestore_client, name, KIND, [MADE.date()], lambda _: (None, {MADE.date(): DAY}))
    firestore_client.document(places.PATH).delete()
    packed.place(firestore_client, "UCother")  # the other's place is gone, and nothing was taken out
    jobs, strays = packs.every(firestore_client)
    assert ([job.channel_id for job in jobs], strays) == (["UCother"], [(0, "UCgone")])
    audit(firestore_client, warehouse, (), MADE, "2026-11-01")
    assert set().union(*packed.stored(firestore_client).values()) == {"UCother"}


def test_a_channel_that_is_gone_is_not_listed(state):
    turn = Turn(channels=("UCgone",), report_types=(KIND,), run="2026-11-22")
    assert collecting().collect(turn)["unfinished"] == 1
    assert list(state.collection("reports").stream()) == []


def test_reports_of_a_channel_that_went_while_it_was_listed_are_not_dispatched(firestore_client):
    """A disconnect comes between the look at the channel and the look afterwards."""
    with standing(firestore_client) as stand:
        reading = Reading(stand)
        left, stays = reading.connect(place=0), reading.connect(place=1)
        reading.collect({"channels": [left, stays]})  # the jobs are new; nothing is issued yet
        stand.advance(days=4)
        held = places.places(firestore_client)

        def disconnected_meanwhile(call: Call) -> None:
            if call.channel_id == left:
                places.end(firestore_client, left, held[left].connection)

        object.__setattr__(reading.callers[left], "calls", disconnected_meanwhile)
        answer = reading.collect({"channels": [left, stays]})
        assert len(stand.simulator.room(Jobs).all()) == 2
    assert {report["channel_id"] for message in reading.sent for report in message["reports"]} == {stays}
    assert (answer["channels"], answer["unfinished"]) == (2, 1)
    assert set().union(*packed.stored(firestore_client).values()) == {stays}
