from dataclasses import replace

import pytest

from infra.deployment import deployment
from infra.local.cloud_emulator import declared
from infra.local.cloud_emulator.journal import Journal
from infra.local.cloud_emulator.refusal import Refused
from infra.local.cloud_emulator.secrets import SecretManager
from infra.local.cloud_emulator.tasks import CloudTasks


def started(declaration):
    tasks = CloudTasks(region="us-central1", journal=Journal(), now=lambda: 0.0)
    secrets = SecretManager(now=lambda: 0.0)
    declared.create(declaration, project="p", tasks=tasks, secrets=secrets)
    return tasks, secrets


def with_queue(**changes):
    base = deployment()
    queue = replace(next(iter(base.queues.values())), **changes)
    return replace(base, queues={queue.name: queue})


def test_every_declared_queue_and_secret_exists_under_its_name():
    tasks, secrets = started(deployment())
    location = "projects/p/locations/us-central1"
    assert set(tasks.queues) == {f"{location}/queues/{name}" for name in deployment().queues}
    assert set(secrets.secrets) == {f"projects/p/secrets/{name}" for name in deployment().secrets}
    assert all(not secret.versions for secret in secrets.secrets.values())


@pytest.mark.parametrize("zero", [{"max_attempts": 0}, {"max_doublings": 0}, {"max_dispatches_per_second": 0.0}])
def test_a_declared_zero_that_the_service_reads_as_unset_is_named(zero):
    with pytest.raises(ValueError, match="declared as"):
        started(with_queue(**zero))


@pytest.mark.parametrize("wrong", [{"name": "under_score"}, {"max_dispatches_per_second": 501}])
def test_a_declaration_that_the_service_would_refuse_is_refused_at_the_start(wrong):
    with pytest.raises(Refused):
        started(with_queue(**wrong))
