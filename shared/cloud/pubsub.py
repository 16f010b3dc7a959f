"""Pub/Sub, what carries everything that becomes rows, the call log, and the notices for operators.

Published is by REST over google-auth's connections: the generated client loads gRPC and a dozen services, which
doubles the time until a cold function has handed on its first notification (`infra/decisions/push.md`).
Source: Google's discovery document pubsub:v1, `projects.topics.publish`.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
from collections import deque
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from functools import cache
from threading import Lock
from typing import TYPE_CHECKING, Any

from shared.settings import settings

if TYPE_CHECKING:
    from google.auth.transport.urllib3 import AuthorizedHttp
    from google.cloud.pubsub_v1 import SubscriberClient

INGEST_TOPIC = "ingest"
"""What `ingest` is to load, change or erase. A message's `kind` attribute says which."""
ALERTS_TOPIC = "alerts"
"""Notices for operators: an alarm that has begun, or has ended."""
CALLS_TOPIC = "calls"
"""Rows of the call log; the subscription of this name keeps them until `ingest` fetches them."""
_LONG = 8.0  # seconds of an attempt, of three
_SOON = 2.0  # where somebody may wait for the answer to whose calls these are
_AWAY = frozenset((429, 500, 502, 503, 504))
_CONFIRMED = 5.0  # seconds
_EMPTY = 2.0  # seconds without a message after which there is none


def to_ingest(kind: str, message: Mapping[str, Any]) -> None:
    """Publish a message for `ingest` and wait until Pub/Sub has it."""
    _publish(INGEST_TOPIC, kind, message)


def to_operators(notice: Mapping[str, Any]) -> None:
    """Publish a notice for whoever subscribes to them, and wait until Pub/Sub has it."""
    _publish(ALERTS_TOPIC, "alert", notice)


def to_call_log(rows: Sequence[Mapping[str, Any]]) -> None:
    """Publish rows of the call log in one message, and wait until Pub/Sub has it."""
    _publish(CALLS_TOPIC, "calls", {"rows": rows}, _SOON)


def _publish(topic: str, kind: str, message: Mapping[str, Any], seconds: float = _LONG) -> None:
    _line(topic).publish({"data": _encoded(json.dumps(message)), "attributes": {"kind": kind}}, seconds)


class _Line:
    """Publishes to one topic: what other threads ask for while a call is on its way goes together in the next.

    So nobody waits for company, and a process that serves many at once does not pay a call for each.
    """

    def __init__(self, topic: str) -> None:
        self._topic = topic
        self._turn = Lock()
        self._waiting: deque[tuple[Mapping[str, Any], Future[None]]] = deque()

    def publish(self, message: Mapping[str, Any], seconds: float) -> None:
        """Return when Pub/Sub has it, or raise what became of it. One that is refused is nobody else's trouble."""
        sent = Future[None]()
        self._waiting.append((message, sent))
        with self._turn:
            if not sent.done():
                self._publish([self._waiting.popleft() for _ in range(len(self._waiting))], seconds)
        sent.result()

    def _publish(self, some: Sequence[tuple[Mapping[str, Any], Future[None]]], seconds: float) -> None:
        try:
            _send(self._topic, [message for message, _ in some], seconds)
        except BaseException as error:  # noqa: BLE001 - each raises it again
            if len(some) > 1 and getattr(error, "code", None) == 400:  # Pub/Sub takes all messages or none
                for each in some:
                    self._publish([each], seconds)
            else:
                for _, sent in some:
                    sent.set_exception(error)
        else:
            for _, sent in some:
                sent.set_result(None)


_line = cache(_Line)


def _send(topic: str, messages: Sequence[Mapping[str, Any]], seconds: float) -> None:
    """Publish, three times at most while the service is away. seconds: of an attempt.

    Raises ConnectionError when nobody answered, otherwise what Google's clients raise for a status.
    """
    from urllib3.exceptions import HTTPError
    from urllib3.util import Retry, Timeout

    host = os.environ.get("PUBSUB_EMULATOR_HOST")
    root = f"http://{host}" if host else "https://pubsub.googleapis.com"
    address = f"{root}/v1/projects/{settings().project}/topics/{topic}:publish"
    away = Retry(2, allowed_methods=None, status_forcelist=_AWAY, backoff_factor=0.2, raise_on_status=False)
    try:
        asked, ends = {"messages": messages}, Timeout(total=seconds)
        answer = _http().request("POST", address, json=asked, retries=away, timeout=ends)
    except HTTPError as error:
        raise ConnectionError("Pub/Sub does not answer.") from error
    if answer.status != 200:
        from google.api_core.exceptions import from_http_status

        raise from_http_status(answer.status, f"Pub/Sub refused a message for {topic}: {answer.data[:500]!r}")


@cache
def _http() -> AuthorizedHttp:
    """This process's connections, with its own account's tokens (none for PUBSUB_EMULATOR_HOST)."""
    from google.auth import credentials, default
    from google.auth.transport.urllib3 import AuthorizedHttp

    if os.environ.get("PUBSUB_EMULATOR_HOST"):
        return AuthorizedHttp(credentials.AnonymousCredentials())
    found, _ = default(scopes=["https://www.googleapis.com/auth/pubsub"])
    return AuthorizedHttp(found)


def _encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


@cache
def _subscriber() -> SubscriberClient:
    from google.cloud import pubsub_v1

    return pubsub_v1.SubscriberClient()


def _calls_subscription() -> str:
    return f"projects/{settings().project}/subscriptions/{CALLS_TOPIC}"


def fetch_calls(most: int) -> dict[str, bytes]:
    """Some messages of the call log that nobody else is at, each with what confirms it; {} when there are none."""
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
    _subscriber().acknowledge(request=asked, timeout=_CONFIRMED)


def delivery(kind: str, message: Mapping[str, Any]) -> dict[str, Any]:
    """A message for `ingest` as Pub/Sub's pushes bring one; the id is the same for the same message."""
    text = json.dumps(message, sort_keys=True)
    return {
        "subscription": INGEST_TOPIC,
        "message": {
            "data": _encoded(text),
            "attributes": {"kind": kind},
            "messageId": hashlib.sha256((kind + text).encode()).hexdigest()[:32],
        },
    }
