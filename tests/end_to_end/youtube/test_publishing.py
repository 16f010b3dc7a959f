"""Publishing through the whole stack: handed in by the backend, run by Cloud Tasks, found at YouTube."""

from __future__ import annotations

import hashlib
import time
from typing import Any

import httpx
import pytest

from infra.local.demo.connect import connect, people
from infra.local.stack import Stack

CONTENT = b"\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00mp42isom" + bytes(range(256)) * 12_000
ENDED = {"succeeded", "failed", "cancelled"}


@pytest.fixture(scope="module")
def channel(stack: Stack) -> str:
    person = people(stack, users=1)[0]
    with httpx.Client(timeout=60, trust_env=False) as http:
        assert connect(stack, http, person, person.channels[0]) is None
    folder = stack.objects / "videos"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "film.mp4").write_bytes(CONTENT)
    (folder / "page.mp4").write_bytes(b"<!doctype html><html>expired</html>")
    return person.channels[0]


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
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        found = publish(stack, {"action": "read", "operation": operation}).json()["operation"]
        if found["state"] in ENDED:
            return found
        if found["reason"] == "processing":
            stack.advance(60)
        time.sleep(0.2)
    raise AssertionError(found)


def test_a_film_handed_in_twice_is_one_private_video_byte_for_byte(stack: Stack, channel: str):
    body = {"idempotency_key": "film-1", "channel_id": channel, "upload": upload()}
    first, second = publish(stack, body), publish(stack, body)
    assert first.status_code == 200, first.text
    assert first.json()["quote"]["cost"]["uploads"] == 1
    assert first.json()["operation"]["id"] == second.json()["operation"]["id"]
    done = until_ended(stack, first.json()["operation"]["id"])
    assert done["state"] == "succeeded", done
    sent = httpx.get(f"{stack.simulator}/control/uploads", params={"channel_id": channel}, trust_env=False)
    (session,) = sent.json()["uploads"]
    assert session["sha256"] == hashlib.sha256(CONTENT).hexdigest()
    assert session["video_id"] == done["results"]["video_id"]


def test_a_mistake_is_refused_at_once_with_its_field(stack: Stack, channel: str):
    body = {"idempotency_key": "film-2", "channel_id": channel, "upload": upload(title="x" * 101)}
    refused = publish(stack, body)
    assert (refused.status_code, refused.json()["error"]["field"]) == (400, "upload.title")


def test_what_failed_can_be_read_and_retried_by_hand(stack: Stack, channel: str):
    body = {"idempotency_key": "film-3", "channel_id": channel, "upload": upload("page.mp4")}
    operation = publish(stack, body).json()["operation"]["id"]
    failed = until_ended(stack, operation)
    assert (failed["state"], failed["reason"]) == ("failed", "notAVideo")
    (stack.objects / "videos" / "page.mp4").write_bytes(CONTENT)
    assert publish(stack, {"action": "retry", "operation": operation}).json()["operation"]["state"] == "queued"
    assert until_ended(stack, operation)["state"] == "succeeded"


@pytest.mark.fault(18)
def test_no_upload_session_and_no_token_is_in_any_log(stack: Stack, channel: str):
    issued = httpx.get(f"{stack.simulator}/control/issued", trust_env=False).json()["issued"]
    ours = stack.logs("publish") + stack.logs("run_operation")
    assert "operation succeeded" in ours
    assert issued["upload_id"]
    assert not [kind for kind, secrets in issued.items() for secret in secrets if secret in ours]
