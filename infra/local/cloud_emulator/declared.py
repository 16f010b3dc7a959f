"""The queues and secrets that infra/deployment.yaml declares, created when the emulator starts."""

from __future__ import annotations

from google.cloud import secretmanager_v1, tasks_v2

from infra.deployment import Deployment, Queue
from infra.local.cloud_emulator import wording
from infra.local.cloud_emulator.retry import RetryPolicy
from infra.local.cloud_emulator.secrets import SecretManager
from infra.local.cloud_emulator.tasks import CloudTasks


def create(deployment: Deployment, *, project: str, tasks: CloudTasks, secrets: SecretManager) -> None:
    """Create everything declared: queues with their limits, secrets empty.

    Raises Refused for a declaration that the services would refuse, ValueError when a queue came out otherwise
    than declared.
    """
    location = f"projects/{project}/locations/{tasks.region}"
    for queue in deployment.queues.values():
        request = tasks_v2.CreateQueueRequest.pb()(parent=location)
        request.queue.CopyFrom(_message(queue, location))
        tasks.create_queue(request)
        check(queue, location, tasks)
    for secret in deployment.secrets:
        empty = secretmanager_v1.CreateSecretRequest.pb()(parent=f"projects/{project}", secret_id=secret)
        empty.secret.replication.automatic.SetInParent()
        secrets.create_secret(empty)


def _message(queue: Queue, location: str) -> object:
    message = tasks_v2.Queue.pb()(name=f"{location}/queues/{queue.name}")
    message.rate_limits.max_dispatches_per_second = queue.max_dispatches_per_second
    message.rate_limits.max_concurrent_dispatches = queue.max_concurrent_dispatches
    wording.write_retry(message.retry_config, _policy(queue))
    return message


def _policy(queue: Queue) -> RetryPolicy:
    return RetryPolicy(
        max_attempts=queue.max_attempts,
        min_backoff=queue.min_backoff,
        max_backoff=queue.max_backoff,
        max_doublings=queue.max_doublings,
    )


def check(queue: Queue, location: str, tasks: CloudTasks) -> None:
    """Raises ValueError naming the queue when the emulated one does not do what is declared.

    It happens when a declared value reads as "not set" on the wire (a zero) and the service's default steps in.
    """
    found = tasks.queue(f"{location}/queues/{queue.name}")
    actual = (found.rate, found.max_concurrent, found.retry)
    wanted = (queue.max_dispatches_per_second, queue.max_concurrent_dispatches, _policy(queue))
    if actual != wanted:
        raise ValueError(f"queue {queue.name}: declared as {wanted}, but the service makes it {actual}")
