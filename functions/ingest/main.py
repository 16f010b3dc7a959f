"""Pub/Sub: everything that becomes rows or changes state. A failure is delivered again, then set aside."""

from __future__ import annotations

import functions_framework
from cloudevents.http import CloudEvent

from shared import entry
from shared.wiring import collection


@functions_framework.cloud_event
def ingest(event: CloudEvent) -> None:
    """One message; its `kind` attribute says what it is about."""
    with entry.logged_failure():
        attributes, message = entry.pubsub_message(event)
        collection.ingest().handle(attributes.get("kind", ""), message)
