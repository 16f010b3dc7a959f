"""Pub/Sub, what carries everything that becomes rows, the call log, and the notices for operators.

Published to by its JSON API with google-auth's credentials, not by the client library: loading that took a cold
webhook longer than all else before its first answer, and each message cost it more than all else that it does with
a notification (`infra/decisions/push.md`). For the same reason connections are the standard library's.
Source: cloud.google.com/pubsub/docs/reference/rest/v1/projects.topics/publish.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import time
from collections.abc import Mapping, Sequence
from functools import cache
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import TYPE_CHECKING, Any

from shared.errors import Misconfigured, Unavailable
from shared.settings import settings

if TYPE_CHECKING:
    from google.auth.credentials import Credentials
    from google.auth.transport.requests import Request
    from google.cloud.pubsub_v1 import SubscriberClient

INGEST_TOPIC = "ingest"
"""What `ingest` is to load, change or erase. A message's `kind` attribute says which."""
ALERTS_TOPIC = "alerts"
"""Notices for operators: an alarm that has begun, or has ended."""
CALLS_TOPIC = "calls"
"""Rows of the call log; the subscription of this name keeps them until `ingest` fetches them."""
_SOON = 5.0  # seconds: somebody may wait for the answer to whose calls these are
_EMPTY = 2.0  # seconds without a message after which there is none
_ONCE = 10.0  # seconds for one attempt
_HOST = "pubsub.googleapis.com"
_SCOPE = "https://www.googleapis.com/auth/pubsub"
_AGAIN = {0, 401, 429, 500, 502, 503, 504}
"""What may end otherwise when it is repeated; 0: no answer, 401: a token that was withdrawn before its time."""
_LARGEST = 64 * 1024  # bytes of an answer
_KEPT = 30.0  # seconds; an instance that was suspended for longer finds its connections dead, without a word


def to_ingest(kind: str, message: Mapping[str, Any]) -> None:
    """Publish a message for `ingest`; Pub/Sub has it then. Raises Unavailable, as all of these."""
    _publish(INGEST_TOPIC, kind, message)


def to_operators(notice: Mapping[str, Any]) -> None:
    """Publish a notice for whoever subscribes to them; Pub/Sub has it then."""
    _publish(ALERTS_TOPIC, "alert", notice)


def to_call_log(rows: Sequence[Mapping[str, Any]]) -> None:
    """Publish rows of the call log in one message; Pub/Sub has it then."""
    _publish(CALLS_TOPIC, "calls", {"rows": rows}, seconds=_SOON)


def _publish(topic: str, kind: str, message: Mapping[str, Any], seconds: float = 30) -> None:
    """Ask until Pub/Sub has it; having it twice does no harm. Raises Unavailable, Misconfigured."""
    data = base64.b64encode(json.dumps(message).encode()).decode()
    body = json.dumps({"messages": [{"data": data, "attributes": {"kind": kind}}]}).encode()
    path = f"/v1/projects/{settings().project}/topics/{topic}:publish"
    ends, pause = time.monotonic() + seconds, 0.1
    while True:
        try:
            status, answer = _posted(path, body, max(min(ends - time.monotonic(), _ONCE), pause))
        except (OSError, HTTPException) as error:
            status, answer = 0, type(error).__name__.encode()
        if status == 200:
            return
        if status not in _AGAIN:
            words = f"Pub/Sub answers {status} to {topic}: {answer[:500].decode(errors='replace')}"
            raise Misconfigured(words, reason="pubsubRefused")
        if status == 401:
            _identity.cache_clear()
        if time.monotonic() + pause >= ends:
            raise Unavailable(
                f"Pub/Sub takes no message ({status or answer.decode()}).", reason="pubsubUnavailable"
            )
        time.sleep(pause)
        pause = min(2 * pause, 1.0)


@cache
def _idle() -> list[tuple[float, HTTPConnection]]:
    """Open connections, and since when nobody uses them. Taking and giving back are atomic: threads share them."""
    return []


def _posted(path: str, body: bytes, seconds: float) -> tuple[int, bytes]:
    """Status and body of an answer. Raises OSError, HTTPException, and Unavailable without an access token."""
    headers, host = {"Content-Type": "application/json"}, os.environ.get("PUBSUB_EMULATOR_HOST")
    _authorise(path, headers)
    connection = _kept() or (HTTPConnection(host) if host else HTTPSConnection(_HOST))
    connection.timeout = seconds
    try:
        if connection.sock is not None:
            connection.sock.settimeout(seconds)
        connection.request("POST", path, body, headers)
        response = connection.getresponse()
        answer = response.read(_LARGEST)
    except BaseException:
        connection.close()
        raise
    _idle().append((time.monotonic(), connection))
    return response.status, answer


def _kept() -> HTTPConnection | None:
    """A connection that was in use lately."""
    try:
        since, connection = _idle().pop()
    except IndexError:
        return None
    if time.monotonic() - since < _KEPT:
        return connection
    connection.close()
    return None


def _authorise(path: str, headers: dict[str, str]) -> None:
    """Put this function's access token among the headers. Raises Unavailable."""
    from google.auth.exceptions import GoogleAuthError

    try:
        credentials, request = _identity()
        credentials.before_request(request, "POST", f"https://{_HOST}{path}", headers)
    except GoogleAuthError as error:
        raise Unavailable("Google gives this function no access token.", reason="pubsubUnavailable") from error


@cache
def _identity() -> tuple[Credentials, Request]:
    """The function's own, and what fetches its tokens (nobody's, and unused, for PUBSUB_EMULATOR_HOST)."""
    import google.auth
    from google.auth.credentials import AnonymousCredentials
    from google.auth.transport.requests import Request

    if os.environ.get("PUBSUB_EMULATOR_HOST"):
        return AnonymousCredentials(), Request()
    credentials, _ = google.auth.default(scopes=[_SCOPE])
    return credentials, Request()


@cache
def _subscriber() -> SubscriberClient:
    from google.cloud import pubsub_v1

    return pubsub_v1.SubscriberClient()


def _calls_subscription() -> str:
    return f"projects/{settings().project}/subscriptions/{CALLS_TOPIC}"


def fetch_calls(most: int) -> dict[str, bytes]:
    """Some messages of the call log that nobody else is at, each with what confirms it; {} when there are none.

    By the client library: what it gives up waiting for ends at Pub/Sub too. A request over HTTP would be left
    behind there, and take messages that nobody then confirms.
    """
    from google.api_core.exceptions import DeadlineExceeded

    asked = {"subscription": _calls_subscription(), "max_messages": most}
    try:
        answer = _subscriber().pull(request=asked, timeout=_EMPTY, retry=None)
    except DeadlineExceeded:
        return {}
    return {each.ack_id: each.message.data for each in answer.received_messages}


def confirm_calls(ack_ids: Sequence[str]) -> None:
    """Have these messages forgotten: their rows are in the warehouse."""
    asked = {"subscription": _calls_subscription(), "ack_ids": list(ack_ids)}
    _subscriber().acknowledge(request=asked, timeout=_SOON)


def delivery(kind: str, message: Mapping[str, Any]) -> dict[str, Any]:
    """A message for `ingest` as Pub/Sub's pushes bring one; the id is the same for the same message."""
    data = json.dumps(message, sort_keys=True).encode()
    return {
        "subscription": INGEST_TOPIC,
        "message": {
            "data": base64.b64encode(data).decode(),
            "attributes": {"kind": kind},
            "messageId": hashlib.sha256(kind.encode() + data).hexdigest()[:32],
        },
    }
