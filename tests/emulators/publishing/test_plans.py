"""An app asks what a day's plan would come to: over HTTP, of the real function, which changes nothing."""

from datetime import UTC, datetime

import functions_framework
import pytest

from infra.deployment import ROOT
from shared.clock import next_reset
from shared.quota.ledger import Ledger
from shared.rate_limits.limiter import COLLECTION
from shared.wiring import quota
from tests.stands.quota_day import certain

CHANNEL = "UC" + "a" * 22


@pytest.fixture
def publish(firestore_client, bench, monkeypatch, fresh_process):
    """Posts a body to the function `publish`, with a channel connected; the answer's JSON."""
    monkeypatch.setenv("GOOGLE_CLOUD_PROJECT", firestore_client.project)
    monkeypatch.setenv("YT_QUOTA_PROFILE", "guide")
    now = datetime.now(UTC)
    firestore_client.document("channels", CHANNEL).set(
        {
            "user_id": "u1",
            "google_account": None,
            "title": "A channel",
            "uploads_playlist": None,
            "state": "connected",
            "state_reason": "",
            "state_since": now,
            "capabilities": {"publish": {"have": True, "reason": "granted"}},
            "connected_at": now,
        }
    )
    function = functions_framework.create_app("publish", str(ROOT / "functions/publish/main.py")).test_client()
    return lambda **body: function.post("/", json=body)


def test_twelve_uploads_with_thumbnails_today(publish, firestore_client):
    before = datetime.now(UTC)
    work = {"channel_id": CHANNEL, "do": ["upload", "thumbnail"], "times": 12}
    answer = publish(action="plan", work=[work]).get_json()["plan"]
    assert answer["cost"] == {"default": 12 * (1600 + 50 + 3)}
    assert (answer["left"], answer["now"]) == ({"default": 9000}, 5)
    (told,) = answer["work"]
    assert (told["cost"], told["now"], [later["times"] for later in told["later"]]) == (answer["cost"], 5, [5, 2])
    assert datetime.fromisoformat(told["later"][0]["runs_at"]) == next_reset(before)
    assert told["later"][0]["reason"] == "reserveKept"
    assert "too little is left outside the reserve" in told["later"][0]["why_not_now"]
    assert not list(firestore_client.collection("operations").stream())
    assert not list(firestore_client.collection(COLLECTION).stream())
    assert {bucket["used"] for bucket in quota.ledger().usage().values()} == {0}


def test_critical_work_may_use_the_reserve_and_nothing_else_may(publish, firestore_client):
    ledger = Ledger(firestore_client, quota.profile(), lambda: certain(datetime.now(UTC)))
    for number in range(5):
        ledger.reserve(method="youtube.videos.insert", account="u1", count=1, operation_id=f"op-{number}")
    ledger.reserve(method="youtube.thumbnails.set", account="u1", count=20)
    plain = {"channel_id": CHANNEL, "do": ["thumbnail"], "times": 21}
    answer = publish(action="plan", work=[plain, {**plain, "critical": True}]).get_json()["plan"]["work"]
    assert [told["now"] for told in answer] == [0, 20]


def test_a_plan_says_which_rate_limit_makes_it_wait(publish, firestore_client):
    limiter = quota.rate_limiter()
    for number in range(99):
        user = f"u{number % 2}"
        limiter.admit(method="youtube.videos.insert", user=user)
    work = {"channel_id": CHANNEL, "do": ["upload"], "times": 2}
    (told,) = publish(action="plan", work=[work]).get_json()["plan"]["work"]
    assert told["now"] == 1
    (later,) = told["later"]
    assert later["reason"] == "rateLimited"
    assert later["why_not_now"] == "at most 100 calls in 3600 seconds for one project (uploads)"


def test_a_plan_of_an_unknown_channel_or_thing_is_refused(publish):
    unknown = publish(action="plan", work=[{"channel_id": "UC" + "b" * 22, "do": ["upload"]}])
    assert (unknown.status_code, unknown.get_json()["error"]["reason"]) == (404, "notConnected")
    wrong = publish(action="plan", work=[{"channel_id": CHANNEL, "do": ["dance"]}])
    assert (wrong.status_code, wrong.get_json()["error"]["message"][:10]) == (400, "work.0.do ")
