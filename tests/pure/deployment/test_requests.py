"""What the declaration asks of Google Cloud, judged by the discovery documents of its services."""

from __future__ import annotations

from typing import Any

import pytest

from infra.deployment import Deployment, deployment
from infra.judges import apis

PLACE = "projects/proj/locations/us-central1"


def made(declared: Deployment) -> list[tuple[str, str, dict[str, list[str]], dict[str, Any]]]:
    """API, path, query and body of each POST that makes what is declared."""
    v1 = "/v1/projects/proj"
    accounts = [("iam.v1", f"{v1}/serviceAccounts", {}, {"accountId": name}) for name in declared.service_accounts]
    secrets = [
        ("secretmanager.v1", f"{v1}/secrets", {"secretId": [name]}, {"replication": {"automatic": {}}})
        for name in declared.secrets
    ]
    queues = [
        (
            "cloudtasks.v2",
            f"/v2/{PLACE}/queues",
            {},
            {
                "name": f"{PLACE}/queues/{queue.name}",
                "rateLimits": {
                    "maxDispatchesPerSecond": queue.max_dispatches_per_second,
                    "maxConcurrentDispatches": queue.max_concurrent_dispatches,
                },
                "retryConfig": {
                    "maxAttempts": queue.max_attempts,
                    "minBackoff": f"{queue.min_backoff}s",
                    "maxBackoff": f"{queue.max_backoff}s",
                    "maxDoublings": queue.max_doublings,
                },
            },
        )
        for queue in declared.queues.values()
    ]
    schedules = [
        (
            "cloudscheduler.v1",
            f"/v1/{PLACE}/jobs",
            {},
            {
                "name": f"{PLACE}/jobs/{schedule.name}",
                "schedule": schedule.cron,
                "timeZone": schedule.zone,
                "attemptDeadline": f"{schedule.attempt_deadline}s",
                "httpTarget": {"uri": f"https://{schedule.function}.example.com", "httpMethod": "POST"},
            },
        )
        for schedule in declared.schedules.values()
    ]
    return [*accounts, *secrets, *queues, *schedules]


def put(declared: Deployment) -> list[tuple[str, str, dict[str, Any]]]:
    """API, path and body of each PUT that makes what is declared."""
    subscriptions = [
        (
            "pubsub.v1",
            f"/v1/projects/proj/subscriptions/{each.name}",
            {
                "topic": f"projects/proj/topics/{each.topic}",
                "ackDeadlineSeconds": each.ack_deadline,
                "retryPolicy": {
                    "minimumBackoff": f"{each.min_backoff}s",
                    "maximumBackoff": f"{each.max_backoff}s",
                },
                "deadLetterPolicy": {
                    "deadLetterTopic": f"projects/proj/topics/{each.dead_letter_topic}",
                    "maxDeliveryAttempts": each.max_delivery_attempts,
                },
            },
        )
        for each in declared.subscriptions.values()
    ]
    return [*(("pubsub.v1", f"/v1/projects/proj/topics/{name}", {}) for name in declared.topics), *subscriptions]


@pytest.mark.parametrize(("api", "path", "query", "body"), made(deployment()))
def test_what_is_declared_fits_the_method_that_makes_it(api, path, query, body):
    call = apis.find(api, "POST", path)
    assert call is not None
    assert apis.misfits(call, query, body) == []


@pytest.mark.parametrize(("api", "path", "body"), put(deployment()))
def test_topics_and_subscriptions_fit_the_method_that_makes_them(api, path, body):
    call = apis.find(api, "PUT", path)
    assert call is not None
    assert apis.misfits(call, {}, body) == []


def test_a_field_that_no_service_has_is_found():
    call = apis.find("cloudtasks.v2", "POST", f"/v2/{PLACE}/queues")
    assert call is not None
    assert apis.misfits(call, {}, {"retryConfig": {"maxTries": 3}}) == ["retryConfig.maxTries: unknown field"]
