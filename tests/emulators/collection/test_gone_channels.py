"""Channels that went while they were collected: nothing is dispatched, and what a run left is taken back."""

from __future__ import annotations

from typing import Any

import pytest

from infra.local.simulator.reporting.jobs import Jobs
from shared.collection.turns import Turn
from shared.monitoring.calls import Call
from shared.wiring.collection import collecting
from tests.emulators.collection.reading import KIND, Reading
from tests.emulators.youtube.stand import standing


@pytest.fixture
def state(firestore_client, monkeypatch, fresh_process) -> Any:
    """The database that this process's own parts are built on."""
    for name in ("YT_APP_URL", "YT_API_URL", "YT_ID_TOKEN_ISSUER", "YT_ID_TOKEN_KEYS_URL"):
        monkeypatch.setenv(name, "https://app.example.test")
    monkeypatch.setenv("YT_ID_TOKEN_AUDIENCE", "app")
    monkeypatch.setenv("GOOGLE_CLOUD_PROJECT", firestore_client.project)
    return firestore_client


def test_what_a_run_left_that_died_before_it_could_take_it_back_goes_with_its_repeat(state):
    for name in ("UCgone:channel_basic_a3", "UCgone:channel_basic_a3:2026-11", "UCother:channel_basic_a3"):
        state.document("reports", name).set({"channel_id": name.split(":")[0], "job_id": "j"})
    turn = Turn(channels=("UCgone",), report_types=(KIND,), run="2026-11-22")
    assert collecting().collect(turn)["unfinished"] == 1
    assert [found.id for found in state.collection("reports").stream()] == ["UCother:channel_basic_a3"]


def test_reports_of_a_channel_that_went_while_it_was_listed_are_not_dispatched(firestore_client):
    """A disconnect comes between the look at the channel and the look afterwards."""
    with standing(firestore_client) as stand:
        reading = Reading(stand)
        left, stays = reading.connect(place=0), reading.connect(place=1)
        reading.collect({"channels": [left, stays]})  # the jobs are new; nothing is issued yet
        stand.advance(days=4)

        def disconnected_meanwhile(call: Call) -> None:
            if call.channel_id == left:
                firestore_client.document("channels", left).update({"state": "disconnecting"})

        object.__setattr__(reading.callers[left], "calls", disconnected_meanwhile)
        answer = reading.collect({"channels": [left, stays]})
        assert len(stand.simulator.room(Jobs).all()) == 2
    assert {report["channel_id"] for message in reading.sent for report in message["reports"]} == {stays}
    assert (answer["channels"], answer["unfinished"]) == (2, 1)
    held = {found.to_dict()["channel_id"] for found in firestore_client.collection("reports").stream()}
    assert held == {stays}
