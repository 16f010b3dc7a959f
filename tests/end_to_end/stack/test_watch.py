"""The watch on the whole stack: what was given up becomes a notice, and a watch that dies is missed in time."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from infra.local.stack import Stack
from shared.watch.conditions import SILENT_AFTER, WATCH
from tests.stands.waiting import eventually

Notice = tuple[str, str]


@pytest.fixture
def notices(stack: Stack) -> Callable[[], list[Notice]]:
    """The notices that operators have been sent since this was last asked, as (alert, state)."""
    url = f"{stack.url('pubsub')}/v1/projects/{stack.env['GOOGLE_CLOUD_PROJECT']}/subscriptions/alerts"

    def fetched() -> list[Notice]:
        asked = {"maxMessages": 50, "returnImmediately": True}
        received = httpx.post(f"{url}:pull", json=asked, trust_env=False).json().get("receivedMessages", [])
        if received:
            done = {"ackIds": [each["ackId"] for each in received]}
            httpx.post(f"{url}:acknowledge", json=done, trust_env=False).raise_for_status()
        told = [json.loads(base64.b64decode(each["message"]["data"])) for each in received]
        return [(each["alert"], each["state"]) for each in told]

    fetched()
    return fetched


def until(notices: Callable[[], list[Notice]], wanted: Notice) -> list[Notice]:
    """Every notice until a certain one has come."""
    found: list[Notice] = []

    def came() -> bool:
        found.extend(notices())
        return wanted in found

    eventually(came, lambda: found)
    return found


def run(stack: Stack) -> dict[str, Any]:
    result = stack.trigger("watch")
    assert result["status"] == 200, result
    answer: dict[str, Any] = json.loads(result["body"])
    return answer


def console(stack: Stack) -> list[str]:
    seen = httpx.get(f"{stack.url('gateway')}/console/alerts?format=json", timeout=30, trust_env=False).json()
    return [alarm["key"] for alarm in seen["open"]]


def forget_alert(stack: Stack, key: str) -> None:
    """As if an alert had never been: another test on this stack may have told of it already."""
    host, project = stack.env["FIRESTORE_EMULATOR_HOST"], stack.env["GOOGLE_CLOUD_PROJECT"]
    document = f"http://{host}/v1/projects/{project}/databases/(default)/documents/alerts/{key}"
    owner = {"authorization": "Bearer owner"}
    httpx.delete(document, headers=owner, timeout=30, trust_env=False).raise_for_status()


@pytest.mark.alarm("watch")
@pytest.mark.fault(75)
def test_a_watch_that_is_never_called_again_is_missed_within_an_interval_and_a_half(stack: Stack, notices):
    run(stack)
    assert WATCH.key not in console(stack)
    stack.advance(SILENT_AFTER.total_seconds() - 60)
    stack.wait_idle()
    assert WATCH.key not in console(stack)
    assert (WATCH.key, "firing") not in notices()
    stack.advance(60)
    until(notices, (WATCH.key, "firing"))  # nobody has called the watch: the task that its last run queued says so
    assert WATCH.key in console(stack)
    run(stack)
    until(notices, (WATCH.key, "resolved"))
    assert WATCH.key not in console(stack)


@pytest.mark.alarm("deadLetters")
@pytest.mark.fault(44)
def test_a_message_that_was_given_up_is_an_alarm_and_still_there_for_a_person(stack: Stack, notices):
    forget_alert(stack, "deadLetters")
    project = f"{stack.url('pubsub')}/v1/projects/{stack.env['GOOGLE_CLOUD_PROJECT']}"
    message = {"messages": [{"data": "e30=", "attributes": {"kind": "erase"}}]}
    sent = httpx.post(f"{project}/topics/ingest-dead:publish", json=message, trust_env=False).raise_for_status()
    [message_id] = sent.json()["messageIds"]
    eventually(lambda: message_id in stack.logs("watch"))
    assert run(stack)["alarms"] >= 1
    until(notices, ("deadLetters", "firing"))
    stack.wait_idle()
    told = httpx.get(f"{stack.simulator}/control/callbacks", trust_env=False).json()  # in the chat, and signed
    assert told["refused"] == 0
    assert any(each["text"].startswith("ERROR deadLetters, since") for each in told["told"] if "text" in each)
    assert "deadLetters" in console(stack)
    asked = {"maxMessages": 50, "returnImmediately": True}
    kept = httpx.post(f"{project}/subscriptions/ingest-dead:pull", json=asked, trust_env=False).json()
    assert message_id in [each["message"]["messageId"] for each in kept["receivedMessages"]]
