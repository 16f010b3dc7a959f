from datetime import UTC, datetime, timedelta

import pytest
from google.api_core import exceptions
from google.cloud import tasks_v2

from tests.stands.waiting import eventually

FULL = tasks_v2.Task.View.FULL
SOMEWHERE = {"url": "http://127.0.0.1:1/"}


def now():
    return datetime.now(UTC)


def later(**ahead):
    return now() + timedelta(**ahead)


@pytest.fixture
def held(tasks_client, queue):
    """A paused queue: its tasks can be looked at in peace."""
    name = queue()
    tasks_client.pause_queue(name=name)
    return name


@pytest.mark.parametrize("task_id", ["a", "A-b_9", "t" * 500])
def test_a_name_within_alphabet_and_length_is_taken_as_it_is(tasks_client, held, task_id):
    name = f"{held}/tasks/{task_id}"
    assert tasks_client.create_task(parent=held, task={"name": name, "http_request": SOMEWHERE}).name == name


def test_a_task_without_a_name_gets_one(tasks_client, held):
    names = {tasks_client.create_task(parent=held, task={"http_request": SOMEWHERE}).name for _ in range(20)}
    assert len(names) == 20
    assert all(name.startswith(f"{held}/tasks/") for name in names)


@pytest.mark.parametrize(
    ("task", "says"),
    [
        ({"http_request": SOMEWHERE, "name": "{queue}/tasks/with.dot"}, "Task.name"),
        ({"http_request": SOMEWHERE, "name": "{queue}/tasks/" + "t" * 501}, "Task.name"),
        ({"http_request": SOMEWHERE, "name": "{queue}-other/tasks/t"}, "must match"),
        ({}, "http_request"),
        ({"http_request": {}}, "url"),
        ({"http_request": {"url": "ftp://127.0.0.1/"}}, "url"),
        ({"http_request": {"url": "http://"}}, "url"),
        ({"http_request": {"url": "http://127.0.0.1:99999/"}}, "url"),
        ({"http_request": {**SOMEWHERE, "headers": {"X": "naïve"}}}, "headers"),
        ({"http_request": {"url": "http://127.0.0.1/" + "x" * 2083}}, "url"),
        ({"http_request": {**SOMEWHERE, "http_method": "GET", "body": b"x"}}, "Body"),
        ({"http_request": {**SOMEWHERE, "headers": {"bad name": "x"}}}, "headers"),
        ({"http_request": {**SOMEWHERE, "headers": {"X": "a\r\nb"}}}, "headers"),
        ({"http_request": {**SOMEWHERE, "headers": {"X": "x" * 81920}}}, "80KB"),
        ({"http_request": {**SOMEWHERE, "body": b"x" * (1024 * 1024)}}, "too large"),
        ({"http_request": {**SOMEWHERE, "oidc_token": {"service_account_email": "nobody"}}}, "service_account"),
        ({"http_request": SOMEWHERE, "dispatch_deadline": timedelta(seconds=14)}, "dispatchDeadline"),
        ({"http_request": SOMEWHERE, "dispatch_deadline": timedelta(seconds=1801)}, "dispatchDeadline"),
        ({"http_request": SOMEWHERE, "retry_config": {"max_attempts": -2}}, "max_attempts"),
    ],
)
def test_a_task_that_the_service_refuses_is_refused(tasks_client, held, task, says):
    if "name" in task:
        task = {**task, "name": task["name"].format(queue=held)}
    with pytest.raises(exceptions.InvalidArgument, match=says):
        tasks_client.create_task(parent=held, task=task)
    assert list(tasks_client.list_tasks(parent=held)) == []


@pytest.mark.parametrize("seconds", [15, 1800])
def test_a_deadline_at_the_limits_is_accepted(tasks_client, held, seconds):
    made = tasks_client.create_task(
        parent=held, task={"http_request": SOMEWHERE, "dispatch_deadline": timedelta(seconds=seconds)}
    )
    assert made.dispatch_deadline == timedelta(seconds=seconds)


@pytest.mark.fault(24)
def test_a_schedule_past_thirty_days_is_refused(tasks_client, held):
    tasks_client.create_task(
        parent=held, task={"http_request": SOMEWHERE, "schedule_time": later(days=29, hours=23)}
    )
    with pytest.raises(exceptions.InvalidArgument, match="720h"):
        tasks_client.create_task(
            parent=held, task={"http_request": SOMEWHERE, "schedule_time": later(days=30, minutes=1)}
        )


def test_a_schedule_in_the_past_means_now(tasks_client, held):
    before = now()
    made = tasks_client.create_task(
        parent=held, task={"http_request": SOMEWHERE, "schedule_time": later(days=-400)}
    )
    assert before - timedelta(seconds=1) < made.schedule_time < later(seconds=1)


@pytest.mark.fault(23)
def test_a_name_is_taken_while_queued_and_remembered_once_it_is_over(tasks_client, held):
    task = {"name": f"{held}/tasks/once", "http_request": SOMEWHERE}
    tasks_client.create_task(parent=held, task=task)
    with pytest.raises(exceptions.AlreadyExists, match="in the queue"):
        tasks_client.create_task(parent=held, task=task)
    tasks_client.delete_task(name=task["name"])
    with pytest.raises(exceptions.AlreadyExists, match="too recently"):
        tasks_client.create_task(parent=held, task=task)


@pytest.mark.fault(23)
def test_the_name_of_a_finished_task_is_remembered(tasks_client, queue, target, settled):
    name = queue()
    task = {"name": f"{name}/tasks/once", "http_request": {"url": f"{target.url}/once"}}
    tasks_client.create_task(parent=name, task=task)
    assert settled(name)["counts"]["finished"] == 1
    with pytest.raises(exceptions.AlreadyExists, match="too recently"):
        tasks_client.create_task(parent=name, task=task)
    assert len(target.of("/once")) == 1


@pytest.mark.parametrize("verb", ["get_task", "delete_task", "run_task"])
def test_a_task_that_is_over_is_not_found_and_neither_is_one_that_never_was(tasks_client, held, verb):
    name = f"{held}/tasks/over"
    tasks_client.create_task(parent=held, task={"name": name, "http_request": SOMEWHERE})
    tasks_client.delete_task(name=name)
    with pytest.raises(exceptions.NotFound, match="no longer exists"):
        getattr(tasks_client, verb)(name=name)
    with pytest.raises(exceptions.NotFound, match="does not exist"):
        getattr(tasks_client, verb)(name=f"{held}/tasks/never")


def test_the_body_is_hidden_unless_the_full_view_is_asked_for(tasks_client, held):
    task = {"http_request": {**SOMEWHERE, "body": b"payload", "headers": {"X-Own": "1"}}}
    made = tasks_client.create_task(parent=held, task=task)
    assert made.http_request.body == b""
    assert made.view == tasks_v2.Task.View.BASIC
    assert made.http_request.headers["X-Own"] == "1"
    full = tasks_client.get_task(request={"name": made.name, "response_view": FULL})
    assert full.http_request.body == b"payload"
    assert full.view == FULL
    assert [task.http_request.body for task in tasks_client.list_tasks(parent=held)] == [b""]


def test_tasks_are_listed_page_by_page(tasks_client, held):
    wanted = {tasks_client.create_task(parent=held, task={"http_request": SOMEWHERE}).name for _ in range(5)}
    pages = list(tasks_client.list_tasks(request={"parent": held, "page_size": 2}).pages)
    assert [len(page.tasks) for page in pages] == [2, 2, 1]
    assert {task.name for page in pages for task in page.tasks} == wanted


def test_a_bad_page_token_is_refused(tasks_client, held):
    with pytest.raises(exceptions.InvalidArgument, match="page_token"):
        tasks_client.list_tasks(request={"parent": held, "page_token": "%"})


def test_a_task_tells_its_attempts(tasks_client, queue, target):
    name = queue(retry={"min_backoff": {"seconds": 60}})
    target.answer("/busy", 503)
    made = tasks_client.create_task(parent=name, task={"http_request": {"url": f"{target.url}/busy"}})
    eventually(lambda: tasks_client.get_task(name=made.name).response_count)
    task = tasks_client.get_task(name=made.name)
    assert (task.dispatch_count, task.response_count) == (1, 1)
    assert task.first_attempt.dispatch_time == task.last_attempt.dispatch_time
    assert not task.first_attempt.response_time
    assert task.last_attempt.schedule_time == made.schedule_time
    assert task.last_attempt.response_time >= task.last_attempt.dispatch_time
    assert task.last_attempt.response_status.code == 14
    assert task.schedule_time - task.last_attempt.response_time == timedelta(seconds=60)


def test_app_engine_tasks_are_not_emulated_and_said_so(tasks_client, held):
    with pytest.raises(exceptions.MethodNotImplemented):
        tasks_client.create_task(parent=held, task={"app_engine_http_request": {"relative_uri": "/"}})
