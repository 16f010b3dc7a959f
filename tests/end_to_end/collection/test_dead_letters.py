"""A message that nobody can handle ends with the dead letters, and everything else goes on.

First in its room: Pub/Sub's emulator slows a subscription down for minutes once pushes of it have failed.
"""

from __future__ import annotations

from datetime import timedelta

import pytest
from google.cloud import pubsub_v1

from tests.end_to_end.collection.network import Network, assert_true_and_once
from tests.stands.waiting import eventually

DAY = timedelta(days=1)


@pytest.mark.fault(44)
def test_a_poisoned_message_ends_with_the_dead_letters_and_stops_nobody(network: Network):
    network.publish("reports", {"report_type": "channel_basic_a3", "reports": [{"id": "poison"}]})
    network.pass_time(DAY)
    network.collect()
    assert_true_and_once(network)
    project = network.stack.env["GOOGLE_CLOUD_PROJECT"]
    subscription = f"projects/{project}/subscriptions/ingest-dead"
    subscriber = pubsub_v1.SubscriberClient()

    def poisoned() -> bool:
        pulled = subscriber.pull(subscription=subscription, max_messages=10, timeout=30)
        return any(b"poison" in received.message.data for received in pulled.received_messages)

    eventually(poisoned)
