"""Pub/Sub, what carries everything that becomes rows, and the notices for operators."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

from shared.settings import settings

if TYPE_CHECKING:
    from google.cloud.pubsub_v1 import PublisherClient

INGEST_TOPIC = "ingest"
"""What `ingest` is to load, change or erase. A message's `kind` attribute says which."""
ALERTS_TOPIC = "alerts"
"""Notices for operators: an alarm that has begun, or has ended."""


@cache
def publisher() -> PublisherClient:
    """This process's publisher (honours PUBSUB_EMULATOR_HOST)."""
    from google.cloud import pubsub_v1

    # One message a batch: a function publishes few, and waiting for company would delay its answer.
    return pubsub_v1.PublisherClient(pubsub_v1.types.BatchSettings(max_messages=1))


def to_ingest(kind: str, message: Mapping[str, Any]) -> None:
    """Publish a message for `ingest` and wait until Pub/Sub has it."""
    _publish(INGEST_TOPIC, kind, message)


def to_operators(notice: Mapping[str, Any]) -> None:
    """Publish a notice for whoever subscribes to them, and wait until Pub/Sub has it."""
    _publish(ALERTS_TOPIC, "alert", notice)


def _publish(topic: str, kind: str, message: Mapping[str, Any]) -> None:
    path = f"projects/{settings().project}/topics/{topic}"
    publisher().publish(path, json.dumps(message).encode(), kind=kind).result(timeout=30)


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
