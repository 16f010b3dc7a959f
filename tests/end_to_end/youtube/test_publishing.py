"""Publishing through the whole stack: handed in by the backend, run by Cloud Tasks, found at YouTube."""

from __future__ import annotations

import hashlib
from typing import Any

import httpx
import pytest

from infra.local.demo.connect import connect, people
from infra.local.stack import Stack
from tests.stands.waiting import eventually

CONTENT = b"\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00mp42isom" + bytes(range(256)) * 12_000
ENDED = {"succeeded", "failed", "cancelled"}


@pytest.fixture(scope="module")
def channel(stack: Stack) -> str:
    person = people(stack, users=1)[0]
    with httpx.Client(timeout=60, trust_env=False) as http:
        assert connect(stack, http, person, person.channels[0]) is None
    return person.channels[0]


@pytest.fixture(autouse=True)
def _films(stack: Stack) -> None:
    """What a test may publish, as it was before any other test touched it."""
    folder = stack.objects / "videos"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "film.mp4").write_bytes(CONTENT)
    (folder / "page.mp4").write_bytes(b"<!doctype html><html>expired</html>")


def publish(stack: Stack, body: dict[str, Any]) -> httpx.Response:
    token = stack.service_token("app-backend", "publish")
    return httpx.post(
        stack.url("publish"),
        json=body,
        headers={"Authorization": f"Bearer {token}"},
        timeout=60,
        trust_env=False,
    )


def upload(name: str = "film.mp4", **fields: Any) -> dict[str, Any]:
    return {"source": {"bucket": "videos", "object": name}, "title": "A film", "made_for_kids": False, **fields}


def until_ended(stack: Stack, operation: str) -> dict[str, Any]:
    def ended() -> dict[str, Any] | None:
        found: dict[str, Any] = publish(stack, {"action": "read", "operation": operation}).json()["operation"]
        if found["reason"] == "processing":
            stack.advance(60)
        return found if found["state"] in ENDED else None

    found = eventually(ended, every=0.2)
    assert found
    return found


def sent(stack: Stack, title: str) -> list[dict[str, Any]]:
    """YouTube's upload sessions for videos of this title."""
    answer = httpx.get(f"{stack.simulator}/control/uploads", trust_env=False)
    return [session for session in answer.json()["uploads"] if session["title"] == title]


def told(stack: Stack, operation: str) -> list[tuple[str, dict[str, Any]]]:
    """What the app was told of an operation's ends, once it was told anything."""

    def heard() -> list[tuple[str, dict[str, Any]]]:
        answer = httpx.get(f"{stack.simulator}/control/callbacks", trust_env=False).json()
        assert answer["refused"] == 0
        ours = [each for each in answer["told"] if each.get("data", {}).get("id") == operation]
        return [(each["type"], each["data"]) for each in ours]

    return eventually(heard, every=0.2)


def test_a_film_handed_in_twice_is_one_private_video_byte_for_byte(stack: Stack, channel: str):
    body = {"idempotency_key": "twice", "channel_id": channel, "upload": upload(title="Handed in twice")}
    first, second = publish(stack, body), publish(stack, body)
    assert first.status_code == 200, first.text
    assert first.json()["quote"]["cost"]["uploads"] == 1
    assert first.json()["operation"]["id"] == second.json()["operation"]["id"]
    done = until_ended(stack, first.json()["operation"]["id"])
    assert done["state"] == "succeeded", done
    (session,) = sent(stack, "Handed in twice")
    assert session["sha256"] == hashlib.sha256(CONTENT).hexdigest()
    assert session["video_id"] == done["results"]["video_id"]
    assert told(stack, done["id"]) == [("operation.succeeded", done)]


@pytest.mark.parametrize(
    ("fate", "says"),
    [
        ({"failure": "codec"}, "YouTube does not know the video's codec."),
        ({"rejection": "copyright"}, "The video infringes a copyright."),
    ],
)
def test_what_youtube_does_not_take_fails_in_plain_words_that_the_operator_sees_too(
    stack: Stack, channel: str, fate: dict[str, str], says: str
):
    (reason,) = fate.values()
    planned = {**fate, "title": reason}
    httpx.post(f"{stack.simulator}/control/upload-rules", json=planned, trust_env=False).raise_for_status()
    body = {"idempotency_key": f"fate-{reason}", "channel_id": channel, "upload": upload(title=reason)}
    operation = publish(stack, body).json()["operation"]["id"]
    failed = until_ended(stack, operation)
    assert (failed["state"], failed["reason"], failed["message"]) == ("failed", reason, says)
    assert failed["results"]["video_id"]
    console = httpx.get(
        f"{stack.url('gateway')}/console/operations?format=json", timeout=60, trust_env=False
    ).json()
    assert {row["id"]: row["why"] for row in console["failed"]["rows"]}[operation] == says


def test_a_mistake_is_refused_at_once_with_its_field(stack: Stack, channel: str):
    body = {"idempotency_key": "mistake", "channel_id": channel, "upload": upload(title="x" * 101)}
    refused = publish(stack, body)
    assert refused.status_code == 400
    assert "upload.title" in refused.json()["error"]["message"]


def test_what_failed_can_be_read_and_retried_by_hand(stack: Stack, channel: str):
    body = {"idempotency_key": "by-hand", "channel_id": channel, "upload": upload("page.mp4")}
    operation = publish(stack, body).json()["operation"]["id"]
    failed = until_ended(stack, operation)
    assert (failed["state"], failed["reason"]) == ("failed", "notAVideo")
    (stack.objects / "videos" / "page.mp4").write_bytes(CONTENT)
    assert publish(stack, {"action": "retry", "operation": operation}).json()["operation"]["state"] == "queued"
    assert until_ended(stack, operation)["state"] == "succeeded"


@pytest.mark.fault(18)
def test_no_upload_session_and_no_token_is_in_any_log(stack: Stack, channel: str):
    body = {"idempotency_key": "canary", "channel_id": channel, "upload": upload(title="Canary")}
    operation = publish(stack, body).json()["operation"]["id"]
    assert until_ended(stack, operation)["state"] == "succeeded"
    issued = httpx.get(f"{stack.simulator}/control/issued", trust_env=False).json()["issued"]
    ours = stack.logs("publish") + stack.logs("run_operation")
    assert operation in ours
    (session,) = sent(stack, "Canary")
    assert session["upload_id"] in issued["upload_id"]
    assert not [kind for kind, secrets in issued.items() for secret in secrets if secret in ours]
