"""Channels that went while they were collected: whatever a run left of them, the next one takes back."""

from __future__ import annotations

from typing import Any

import pytest

from shared.collection import run


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
    assert run.collect_reports(["UCgone"])["unfinished"] == 1
    assert [found.id for found in state.collection("reports").stream()] == ["UCother:channel_basic_a3"]
