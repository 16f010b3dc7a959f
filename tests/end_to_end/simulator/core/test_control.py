"""What the control API refuses: a test that mistypes its wish has to hear of it, and nothing is unbounded."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from infra.local.simulator.faults import IN_WORDS_OF_THE_BUCKET, REASONS
from tests.end_to_end.simulator import plain
from tests.end_to_end.simulator.data_world import Stage

EMAIL = "user-001@example.test"
POSTS = (
    *("clock", "quota", "faults", "clients", "consent", "grants", "id-token", "world", "reporting", "videos"),
    *("reporting/jobs/expire", "reporting/retire", "reporting/offer", "reporting/days"),
    *("reporting/hold", "reporting/jobs/end", "upload-rules", "batch-get-stats", "uploads/lose", "uploads/break"),
    *("hub", "hub/deliver", "hub/deny", "hub/settle"),
)


@pytest.fixture
def http(stage: Stage) -> Iterator[httpx.Client]:
    with plain.client(f"{stage.root}/control") as client:
        yield client
    stage.simulator.faults.clear()


def refusal(answer: httpx.Response) -> str:
    """Why a request was refused."""
    assert answer.status_code == 400, answer.text
    return str(answer.json()["error"])


@pytest.mark.parametrize("path", POSTS)
@pytest.mark.parametrize("raw", [b"{", b"5", b'"x"', b"[5]", b"null", b"[" * 9999, b"\xff", b'{"mispelt": 1}'])
def test_what_is_no_request_or_names_an_unknown_field_is_refused(http: httpx.Client, path: str, raw: bytes):
    assert refusal(http.post(f"/{path}", content=raw))


@pytest.mark.parametrize(
    ("path", "field", "value"),
    [
        *(("clock", "speed", value) for value in (-1, 1e300, "fast", True)),
        *(("clock", "advance_seconds", value) for value in (1e300, -1e15, "5")),
        *(("clock", "set", value) for value in (5, "tomorrow", "2026-11-22T10:00:00")),
        *(("quota", "limits", value) for value in (5, {"default": "ten"}, {"default": -1}, {"default": 1.5})),
        *(("quota", "used", value) for value in ([], {"default": -5}, {"wishes": 5})),
        *(("quota", "reporting_per_minute", value) for value in ("x", -1, 10**12)),
        *(("faults", "times", value) for value in (0, -1, 1.5, 10**12)),
        *(("faults", "probability", value) for value in (-0.1, 1.1, "x")),
        *(("faults", "seconds", value) for value in (-1, 1e12, "x")),
        *(("faults", "skip", value) for value in (-1, "x", 10**12)),
        *(("faults", "status", value) for value in (42, 204, 308, 9999, "x")),
        *(("faults", "retry_after", value) for value in (-1, "x", 10**12)),
        *(("faults", "match", value) for value in ([], {"channel": ["UC"]})),
        *(("faults", name, 5) for name in ("method", "kind", "reason", "message", "domain", "body")),
        ("faults", "retry_after_form", "weeks"),
        *(("consent", "days", value) for value in (-1, 1e300, "x")),
        *(("consent", name, 5) for name in ("login_hint", "untick", "deny")),
        *(("grants", name, "no") for name in ("testing_mode", "action")),
        *(("id-token", "expires_in", value) for value in (10**12, "x", 1.5)),
        *(("id-token", name, "x") for name in ("claims", "alg", "key")),
        *(("world", name, "odd") for name in ("state", "monetised")),
        *(("reporting", name, 5) for name in ("date_format", "added_column", "new_value")),
        ("reporting", "missing_column", "veiws"),
        ("uploads/lose", "upload_id", "nobody's"),
        *(("reporting/hold", "at", value) for value in (5, "soon")),
        *(("reporting/jobs/end", "report_type", value) for value in (5, "channel_basic_a99")),
        *((f"reporting/{path}", "at", "soon") for path in ("jobs/expire", "retire")),
        ("reporting/retire", "report_type", "channel_basic_a99"),
        ("reporting/offer", "like", "channel_basic_a99"),
        *(("reporting/days", "hours", value) for value in (-1, "x", 10**9)),
        *(("reporting/days", name, 5) for name in ("day", "channel_id")),
        *(("videos", "privacy", value) for value in ("secret", [])),
        *(("videos", name, 5) for name in ("title", "description", "publish_at", "delete", "video_id")),
        *(("upload-rules", "limit", value) for value in (-1, "x", 10**12)),
        *(("upload-rules", name, "x") for name in ("failure", "rejection", "playlist_duplicates", "times")),
        *(("batch-get-stats", "omit", value) for value in ("abc", [5])),
        *(("uploads/break", name, value) for name in ("after_bytes", "times") for value in (-1, 10**15)),
        *(("hub", name, "odd") for name in ("mode", "signing")),
        *(("hub/deliver", "times", value) for value in (0, 10**9)),
        ("hub/deliver", "body", 5),
    ],
)
def test_a_value_that_a_field_does_not_take_is_refused_by_name(
    http: httpx.Client, path: str, field: str, value: Any
):
    assert field in refusal(http.post(f"/{path}", json={field: value}))


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ({"reason": "noSuchReason"}, "noSuchReason"),
        ({"kind": "html", "reason": "backendError"}, "html"),
        ({"kind": "backendError", "reason": "quotaExceeded"}, "contradict"),
        ({"kind": "error", "status": 200}, "200"),
        ({"kind": "delay"}, "seconds"),
    ],
)
def test_a_fault_that_contradicts_itself_is_refused(http: httpx.Client, spec: dict[str, Any], said: str):
    assert said in refusal(http.post("/faults", json=spec))
    assert http.get("/faults").json() == {"faults": []}


@pytest.mark.parametrize("year", ["0001", "2019", "2036", "9999"])
def test_the_clock_stays_within_what_can_be_reckoned_with(http: httpx.Client, year: str):
    assert "clock" in refusal(http.post("/clock", json={"set": f"{year}-06-01T00:00:00Z"}))


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity"])
def test_what_is_no_number_is_refused(http: httpx.Client, number: str):
    assert refusal(http.post("/faults", content=f'{{"probability": {number}}}'.encode()))


def test_a_list_with_one_wrong_fault_changes_nothing(http: httpx.Client):
    assert "times" in refusal(http.post("/faults", json=[{"kind": "backendError"}, {"times": "often"}]))
    assert http.get("/faults").json() == {"faults": []}


@pytest.mark.parametrize("path", ["faults", "consent"])
def test_a_list_of_nothing_is_refused(http: httpx.Client, path: str):
    assert "empty" in refusal(http.post(f"/{path}", json=[]))


@pytest.mark.parametrize("path", ["truth", "truth/daily"])
@pytest.mark.parametrize(
    ("first", "last"),
    [
        ("0001-01-01", "2738-11-28"),
        ("2026-01-01", "2027-06-01"),
        ("2026-01-02", "2026-01-01"),
        ("x", "y"),
        ("", ""),
    ],
)
def test_the_truth_about_too_many_days_is_not_told(
    stage: Stage, http: httpx.Client, path: str, first: str, last: str
):
    asked = {"from": first, "to": last, **({"channel_id": stage.channel().id} if path == "truth" else {})}
    assert "from" in refusal(http.get(f"/{path}", params=asked))


def test_what_is_missing_is_named(stage: Stage, http: httpx.Client):
    assert (
        refusal(http.get("/truth", params={"from": "2026-01-01", "to": "2026-01-02"})) == "channel_id is missing"
    )
    assert refusal(http.post("/upload-rules", json={"limit": 5})) == "channel_id is missing"


@pytest.mark.parametrize(
    ("path", "asked"),
    [
        ("consent", {"login_hint": EMAIL, "channel_id": "UC-somebody-else"}),
        ("consent", {"login_hint": "nobody@example.test"}),
        ("grants", {"action": "revoke", "channel_id": "UC-nowhere"}),
        ("grants", {"action": "expire_access", "channel_id": "UC-nowhere"}),
        ("grants", {"action": "revoke"}),
        ("videos", {"channel_id": "UC-nowhere"}),
        ("upload-rules", {"channel_id": "UC-nowhere", "limit": 1}),
        ("clients", {"client_id": "c"}),
        ("clients", {"client_id": "c", "client_secret": "s", "redirect_uris": "https://app.example.test"}),
        ("id-token", {"user": "user-7", "claims": {"lifetime": 5}}),
        ("hub/deny", {"topic": "t", "callback": "http://198.51.100.1/"}),
    ],
)
def test_what_leads_to_nobody_is_refused(http: httpx.Client, path: str, asked: dict[str, Any]):
    assert refusal(http.post(f"/{path}", json=asked))


def test_a_client_comes_as_googles_console_offers_it(http: httpx.Client):
    web = {
        "client_id": "new",
        "client_secret": "s",
        "redirect_uris": ["https://b.example.test/"],
        "project_id": "p",
    }
    assert http.post("/clients", content=json.dumps({"web": web})).json()["clients"][-1]["client_id"] == "new"


@pytest.mark.parametrize("reason", sorted(REASONS.keys() | IN_WORDS_OF_THE_BUCKET))
def test_every_reason_of_the_table_can_be_ordered_and_arrives(stage: Stage, http: httpx.Client, reason: str):
    oauth = REASONS.get(reason, (0, "", ""))[1] == "oauth"
    method = "oauth.token" if oauth else "youtube.channels.list"
    ordered = http.post("/faults", json={"method": method, "kind": reason, "times": 1})
    assert ordered.status_code == 200, ordered.text
    if oauth:
        answer = plain.http().post(f"{stage.root}/token", data={})
        assert answer.json()["error"] == reason
    else:
        answer = plain.http().get(f"{stage.root}/youtube/v3/channels")
        assert answer.json()["error"]["errors"][0]["reason"] == reason
    assert answer.status_code == REASONS.get(reason, (answer.status_code,))[0]
    assert answer.status_code >= 400
