"""The product's own named tasks against the queue's memory of names."""

from datetime import UTC, datetime, timedelta

import pytest

from shared.cloud import queues
from shared.settings import settings

PAYLOAD = {"channel": "UC1"}


@pytest.fixture
def product(tasks_client, queue, target, monkeypatch):
    """The product's settings over the emulator; answers the short name of a queue of its own."""
    for name, value in {
        "GOOGLE_CLOUD_PROJECT": "test",
        "YT_REGION": "us-central1",
        "YT_APP_URL": "http://127.0.0.1",
        "YT_API_URL": "http://127.0.0.1",
        "YT_FUNCTION_URL": f"{target.url}/{{function}}",
        "YT_ID_TOKEN_ISSUER": "http://127.0.0.1",
        "YT_ID_TOKEN_AUDIENCE": "app",
        "YT_ID_TOKEN_KEYS_URL": "http://127.0.0.1/keys",
    }.items():
        monkeypatch.setenv(name, value)
    settings.cache_clear()
    yield queue().rsplit("/", 1)[1]
    settings.cache_clear()
    queues.client.cache_clear()


@pytest.mark.fault(23)
def test_the_same_deferral_asked_for_twice_gives_one_task(product, tasks_client):
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    asked = [queues.enqueue(product, "retry of op-1", "run_operation", PAYLOAD, tomorrow) for _ in range(2)]
    assert asked == [True, False]
    path = f"projects/test/locations/us-central1/queues/{product}"
    assert len(list(tasks_client.list_tasks(parent=path))) == 1


@pytest.mark.fault(23)
def test_a_deferral_asked_for_again_after_it_ran_does_not_run_again(product, target, settled):
    assert queues.enqueue(product, "step 1 of op-2", "run_operation", PAYLOAD)
    settled(f"projects/test/locations/us-central1/queues/{product}")
    assert not queues.enqueue(product, "step 1 of op-2", "run_operation", PAYLOAD)
    assert [request.body for request in target.of("/run_operation")] == [b'{"channel":"UC1"}']


@pytest.mark.fault(24)
def test_the_furthest_moment_that_the_product_asks_for_is_one_that_the_queue_takes(product):
    furthest = queues.latest(datetime.now(UTC)) - timedelta(seconds=5)
    assert queues.enqueue(product, "far", "run_operation", PAYLOAD, furthest)
