"""Channels that went while they were collected: nothing is dispatched, and what a run left is taken back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from infra.local.simulator.reporting.jobs import Jobs
from shared.collection.collecting import Collecting
from shared.wiring.collection import collecting
from tests.emulators.youtube.stand import standing

KIND = "channel_basic_a3"


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
    assert collecting().collect(["UCgone"])["unfinished"] == 1
    assert [found.id for found in state.collection("reports").stream()] == ["UCother:channel_basic_a3"]


def test_reports_of_a_channel_that_went_while_it_was_listed_are_not_dispatched(firestore_client):
    """A process that still holds the channel's token lists it to the end."""
    with standing(firestore_client) as stand:
        callers = {stand.channel(place=place).id: stand.caller(place=place) for place in (0, 1)}
        left, stays = callers
        sent: list[Mapping[str, Any]] = []
        service = Collecting(
            client=firestore_client,
            report_types=[KIND],
            caller_for=callers.__getitem__,
            to_ingest=lambda _kind, message: sent.append(message),
            enqueue=lambda *_: True,
            clock=stand.clock,
        )
        for channel in callers:
            firestore_client.document("channels", channel).set({"state": "connected"})
        service.collect([left, stays])  # the jobs are new; nothing is issued yet
        stand.advance(days=4)
        firestore_client.document("channels", left).update({"state": "disconnecting"})
        answer = service.collect([left, stays])
        assert len(stand.simulator.room(Jobs).all()) == 2
    assert {report["channel_id"] for message in sent for report in message["reports"]} == {stays}
    assert (answer["channels"], answer["unfinished"]) == (2, 1)
    held = {found.to_dict()["channel_id"] for found in firestore_client.collection("reports").stream()}
    assert held == {stays}
