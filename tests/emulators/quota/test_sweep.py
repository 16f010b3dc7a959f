"""The schedule that sweeps also settles what callers of the ledger left behind when they died."""

from __future__ import annotations

from datetime import timedelta

import functions_framework
import pytest

from infra.deployment import ROOT, deployment
from shared.clock import pacific_day, pacific_midnight, system_clock
from shared.quota.ledger import Ledger
from shared.wiring import quota

UPLOAD = "youtube.videos.insert"
SETTINGS = {
    "YT_APP_URL": "https://app.example.test",
    "YT_API_URL": "https://api.example.test",
    "YT_ID_TOKEN_ISSUER": "https://app.example.test",
    "YT_ID_TOKEN_AUDIENCE": "app",
    "YT_ID_TOKEN_KEYS_URL": "https://app.example.test/keys",
}


@pytest.fixture
def deployed(firestore_client, monkeypatch, fresh_process):
    """Functions that find this test's Firestore, and have built nothing yet."""
    for name, value in {"GOOGLE_CLOUD_PROJECT": firestore_client.project, **SETTINGS}.items():
        monkeypatch.setenv(name, value)
    return firestore_client


@pytest.mark.case("P11")
@pytest.mark.fault(54)
@pytest.mark.fault(20)
def test_the_scheduled_sweep_charges_what_a_dead_caller_had_reserved(deployed):
    yesterday = pacific_midnight(pacific_day(system_clock()) - timedelta(days=1)) + timedelta(hours=12)
    dead = Ledger(deployed, quota.profile(), lambda: yesterday)
    held = dead.reserve(method=UPLOAD, account="u1", operation_id="op")
    (schedule,) = [one for one in deployment().schedules.values() if one.body.get("sweep")]
    main = str(ROOT / "functions" / schedule.function / "main.py")
    function = functions_framework.create_app(schedule.function, main).test_client()
    first, second = (function.post("/", json=schedule.body).json["charged"] for _ in range(2))
    assert first == 1
    assert second == 0
    figures = quota.ledger().usage(held.day)["uploads"]
    assert (figures["used"], figures["reserved"]) == (1, 0)
    dead.settle(held, sent=False)
    assert quota.ledger().usage(held.day)["uploads"]["used"] == 1
