"""Pub/Sub, what carries everything that becomes rows, the call log, and the notices for operators."""

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

from shared.cloud.calls import call_options
from shared.settings import settings

if TYPE_CHECKING:
    from google.cloud.pubsub_v1 import SubscriberClient
    from google.pubsub_v1.services.publisher import PublisherClient

INGEST_TOPIC = "ingest"
"""What `ingest` is to load, change or erase. A message's `kind` attribute says which."""
ALERTS_TOPIC = "alerts"
"""Notices for operators: an alarm that has begun, or has ended."""
CALLS_TOPIC = "calls"
"""Rows of the call log; the subscription of this name keeps them until `ingest` fetches them."""
_SOON = 5.0  # seconds: somebody may wait for the answer to whose calls these are
_EMPTY = 2.0  # seconds without a message after which there is none


@cache
def publisher() -> PublisherClient:
    """This process's publisher (honours PUBSUB_EMULATOR_HOST).

    Google's generated client, not the one that gathers messages into batches: a function publishes few, nobody's
    answer should wait for company, and its threads take twice the CPU of a message (`infra/decisions/push.md`).
    """
    from google.pubsub_v1.services.publisher import PublisherClient

    host = os.environ.get("PUBSUB_EMULATOR_HOST")
    if not host:
        return PublisherClient()
    import grpc
    from google.pubsub_v1.services.publisher.transports import PublisherGrpcTransport

    return PublisherClient(transport=PublisherGrpcTransport(channel=grpc.insecure_channel(host)))


def to_ingest(kind: str, message: Mapping[str, Any]) -> None:
    """Publish a message for `ingest` and wait until Pub/Sub has it."""
    _publish(INGEST_TOPIC, kind, message)


def to_operators(notice: Mapping[str, Any]) -> None:
    """Publish a notice for whoever subscribes to them, and wait until Pub/Sub has it."""
    _publish(ALERTS_TOPIC, "alert", notice)


def to_call_log(rows: Sequence[Mapping[str, Any]]) -> None:
    """Publish rows of the call log in one message, and wait until Pub/Sub has it."""
    _publish(CALLS_TOPIC, "calls", {"rows": rows}, seconds=_SOON)


def _publish(topic: str, kind: str, message: Mapping[str, Any], seconds: float = 30) -> None:
    _line(topic).publish({"data": json.dumps(message).encode(), "attributes": {"kind": kind}}, seconds)


class _Line:
    """Publishes to one topic: what other threads ask for while a call is on its way goes together in the next.

    So nobody waits for company, and a process that serves many at once does not pay a call for each.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._turn = Lock()
        self._waiting: deque[tuple[Mapping[str, Any], Future[None]]] = deque()

    def publish(self, message: Mapping[str, Any], seconds: float) -> None:
        """Return when Pub/Sub has it, or raise what the call raised that it went in."""
        sent = Future[None]()
        self._waiting.append((message, sent))
        with self._turn:
            if not sent.done():
                self._publish([self._waiting.popleft() for _ in range(len(self._waiting))], seconds)
        sent.result()

    def _publish(self, some: Sequence[tuple[Mapping[str, Any], Future[None]]], seconds: float) -> None:
        from google.pubsub_v1.types import PublishRequest

        asked = PublishRequest.pb()(topic=self._path, messages=[message for message, _ in some])
        try:
            publisher().publish(PublishRequest.wrap(asked), **call_options(seconds))
        except BaseException as error:  # noqa: BLE001 - each raises it again
            for _, sent in some:
                sent.set_exception(error)
        else:
            for _, sent in some:
                sent.set_result(None)


@cache
def _line(topic: str) -> _Line:
    return _Line(f"projects/{settings().project}/topics/{topic}")


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
