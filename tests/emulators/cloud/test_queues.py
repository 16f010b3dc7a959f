"""Named tasks against the Cloud Tasks emulator: asked for twice, queued once."""

import json
import uuid
from datetime import timedelta

import pytest
from google.cloud import tasks_v2

from shared.clock import system_clock
from shared.cloud import queues
from shared.errors import InvalidRequest
from shared.settings import settings

PARENT = "projects/test/locations/us-central1"


@pytest.fixture
def queue(tasks_client, monkeypatch):
    """A paused queue of its own."""
    for name in ("YT_APP_URL", "YT_API_URL", "YT_ID_TOKEN_ISSUER", "YT_ID_TOKEN_KEYS_URL"):
        monkeypatch.setenv(name, "https://app.example.test")
    monkeypatch.setenv("YT_ID_TOKEN_AUDIENCE", "app")
    monkeypatch.setenv("GOOGLE_CLOUD_PROJECT", "test")
    monkeypatch.setenv("YT_FUNCTION_URL", "https://functions.example.test/{function}")
    settings.cache_clear()
    name = f"queue-{uuid.uuid4().hex[:8]}"
    tasks_client.create_queue(parent=PARENT, queue=tasks_v2.Queue(name=f"{PARENT}/queues/{name}"))
    tasks_client.pause_queue(name=f"{PARENT}/queues/{name}")
    yield name
    settings.cache_clear()


def waiting(tasks_client, queue):
    request = tasks_v2.ListTasksRequest(parent=f"{PARENT}/queues/{queue}", response_view=tasks_v2.Task.View.FULL)
    return list(tasks_client.list_tasks(request=request))


@pytest.mark.fault(23)
def test_the_same_deferral_asked_for_twice_is_one_task(queue, tasks_client):
    when = system_clock() + timedelta(hours=3)
    asked = [queues.enqueue(queue, "retry of X", "run_operation", {"a": 1}, when) for _ in range(2)]
    assert asked == [True, False]
    (task,) = waiting(tasks_client, queue)
    assert json.loads(task.http_request.body) == {"a": 1}
    assert abs(task.schedule_time - when) < timedelta(seconds=1)


@pytest.mark.fault(23)
def test_a_name_that_is_finished_is_still_remembered(queue, tasks_client):
    assert queues.enqueue(queue, "once", "run_operation", {})
    (task,) = waiting(tasks_client, queue)
    tasks_client.delete_task(name=task.name)
    assert not queues.enqueue(queue, "once", "run_operation", {})


def test_a_task_carries_the_identity_that_the_function_asks_for(queue, tasks_client):
    queues.enqueue(queue, "x", "run_operation", {})
    (task,) = waiting(tasks_client, queue)
    token = task.http_request.oidc_token
    assert task.http_request.url == token.audience == "https://functions.example.test/run_operation"
    assert token.service_account_email == "task-queues@test.iam.gserviceaccount.com"


@pytest.mark.fault(24)
def test_the_furthest_moment_is_taken_and_one_beyond_it_refused(queue):
    furthest = queues.latest(system_clock()) - timedelta(seconds=5)
    assert queues.enqueue(queue, "far", "run_operation", {}, furthest)
    with pytest.raises(InvalidRequest) as refused:
        queues.enqueue(queue, "further", "run_operation", {}, furthest + timedelta(days=2))
    assert refused.value.field == "when"
