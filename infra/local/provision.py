"""Fills the emulators as the deployment is filled: topics, subscriptions, first secret versions.

Runs as a part of the stack, once they answer and again when one of them was restarted and forgot. It speaks
through Google's clients and can be repeated at will. The emulator of Cloud Tasks and Secret Manager creates the
declared queues and (empty) secrets by itself.
"""

from __future__ import annotations

import argparse
import base64
import json
import os
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from typing import Any

from google.api_core.exceptions import AlreadyExists
from google.cloud import pubsub_v1

from infra.deployment import Deployment, Subscription, deployment
from shared.cloud.calls import secret_manager
from shared.settings import CALLBACK_SECRET, OAUTH_CLIENT_SECRET, VAULT_KEY_SECRET, settings

VAULT_KEY_VARIABLE = "PROVISION_VAULT_KEY"
OAUTH_CLIENT_VARIABLE = "PROVISION_OAUTH_CLIENT"
CALLBACK_SECRET_VARIABLE = "PROVISION_CALLBACK_SECRET"  # noqa: S105 - its name
PUSH_KEY_VARIABLE = "GATEWAY_PUSH_KEY"


def topics(declared: Deployment, *, gateway: str, push_key: str) -> None:
    """Create the declared topics, then the subscriptions, pushed to the gateway."""
    project = settings().project
    publisher, subscriber = pubsub_v1.PublisherClient(), pubsub_v1.SubscriberClient()
    for topic in declared.topics:
        _once(lambda path: publisher.create_topic(name=path), f"projects/{project}/topics/{topic}")
    for subscription in declared.subscriptions.values():
        request = subscription_request(subscription, project, gateway=gateway, push_key=push_key)
        _once(lambda r: subscriber.create_subscription(request=r), request)


def subscription_request(
    subscription: Subscription, project: str, *, gateway: str, push_key: str
) -> dict[str, object]:
    """A subscription as Pub/Sub's API takes it."""
    request: dict[str, object] = {
        "name": f"projects/{project}/subscriptions/{subscription.name}",
        "topic": f"projects/{project}/topics/{subscription.topic}",
        "ack_deadline_seconds": subscription.ack_deadline,
        "retry_policy": {
            "minimum_backoff": timedelta(seconds=subscription.min_backoff),
            "maximum_backoff": timedelta(seconds=subscription.max_backoff),
        },
    }
    if subscription.function is not None:
        request["push_config"] = {"push_endpoint": f"{gateway}/push/{subscription.name}?key={push_key}"}
    if subscription.dead_letter_topic is not None:
        request["dead_letter_policy"] = {
            "dead_letter_topic": f"projects/{project}/topics/{subscription.dead_letter_topic}",
            "max_delivery_attempts": subscription.max_delivery_attempts,
        }
    return request


def _once(create: Callable[[Any], object], what: object) -> None:
    with suppress(AlreadyExists):
        create(what)


def first_versions(values: dict[str, bytes]) -> None:
    """Give each secret its first version, unless it has one."""
    client, project = secret_manager(), settings().project
    for name, payload in values.items():
        parent = f"projects/{project}/secrets/{name}"
        if not any(client.list_secret_versions(parent=parent)):
            client.add_secret_version(request={"parent": parent, "payload": {"data": payload}})


def main() -> None:
    """`python -m infra.local.provision --gateway URL`; secret values come by environment."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--gateway", required=True)
    given = parser.parse_args()
    values = {
        OAUTH_CLIENT_SECRET: json.dumps(json.loads(os.environ[OAUTH_CLIENT_VARIABLE])).encode(),
        VAULT_KEY_SECRET: base64.b64decode(os.environ[VAULT_KEY_VARIABLE]),
        CALLBACK_SECRET: os.environ[CALLBACK_SECRET_VARIABLE].encode(),
    }
    with ThreadPoolExecutor() as pool:
        work: list[Future[object]] = [
            pool.submit(topics, deployment(), gateway=given.gateway, push_key=os.environ[PUSH_KEY_VARIABLE]),
            pool.submit(first_versions, values),
        ]
        for each in work:
            each.result()
    print("topics, subscriptions and secrets are there", flush=True)


if __name__ == "__main__":
    main()
