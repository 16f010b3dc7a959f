import pytest
from google.api_core import exceptions
from google.cloud import tasks_v2
from google.protobuf.field_mask_pb2 import FieldMask

LOCATION = "projects/test/locations/us-central1"


def test_a_new_queue_has_the_services_defaults(tasks_client, queue):
    made = tasks_client.get_queue(name=queue())
    assert made.state == tasks_v2.Queue.State.RUNNING
    assert made.rate_limits.max_dispatches_per_second == 500
    assert made.rate_limits.max_concurrent_dispatches == 1000
    assert made.retry_config.max_attempts == 100
    assert made.retry_config.max_doublings == 16
    assert made.retry_config.min_backoff.total_seconds() == 0.1
    assert made.retry_config.max_backoff.total_seconds() == 3600


def test_what_is_declared_is_there_from_the_start(tasks_client):
    from infra.deployment import deployment

    for declared in deployment().queues.values():
        found = tasks_client.get_queue(name=f"{LOCATION}/queues/{declared.name}")
        assert found.rate_limits.max_dispatches_per_second == declared.max_dispatches_per_second
        assert found.rate_limits.max_concurrent_dispatches == declared.max_concurrent_dispatches
        assert found.retry_config.max_attempts == declared.max_attempts
        assert found.retry_config.min_backoff.total_seconds() == declared.min_backoff
        assert found.retry_config.max_backoff.total_seconds() == declared.max_backoff


@pytest.mark.parametrize(
    "refused",
    [
        {"name": f"{LOCATION}/queues/under_score"},
        {"name": f"{LOCATION}/queues/{'q' * 101}"},
        {"name": "projects/test/locations/mars1/queues/q"},
        {"name": ""},
        {"name": f"{LOCATION}/queues/fast", "rate_limits": {"max_dispatches_per_second": 501}},
        {"name": f"{LOCATION}/queues/fast", "rate_limits": {"max_dispatches_per_second": -1}},
        {"name": f"{LOCATION}/queues/wide", "rate_limits": {"max_concurrent_dispatches": 5001}},
        {"name": f"{LOCATION}/queues/never", "retry_config": {"max_attempts": -2}},
        {
            "name": f"{LOCATION}/queues/crossed",
            "retry_config": {"min_backoff": {"seconds": 9}, "max_backoff": {"seconds": 3}},
        },
    ],
)
def test_a_queue_that_the_service_refuses_is_refused(tasks_client, refused):
    with pytest.raises(exceptions.InvalidArgument):
        tasks_client.create_queue(parent=LOCATION, queue=refused)


def test_another_location_is_refused(tasks_client):
    with pytest.raises(exceptions.InvalidArgument, match="not a valid location"):
        list(tasks_client.list_queues(parent="projects/test/locations/mars1"))


def test_a_name_is_taken_while_the_queue_lives_and_for_days_after(tasks_client, queue):
    name = queue()
    with pytest.raises(exceptions.AlreadyExists):
        tasks_client.create_queue(parent=LOCATION, queue={"name": name})
    tasks_client.delete_queue(name=name)
    with pytest.raises(exceptions.NotFound):
        tasks_client.get_queue(name=name)
    with pytest.raises(exceptions.FailedPrecondition, match="too recently"):
        tasks_client.create_queue(parent=LOCATION, queue={"name": name})


def test_an_update_changes_what_its_mask_names_and_nothing_else(tasks_client, queue):
    name = queue(rates={"max_dispatches_per_second": 7}, retry={"max_attempts": 3})
    changed = tasks_client.update_queue(
        queue={
            "name": name,
            "rate_limits": {"max_dispatches_per_second": 9, "max_concurrent_dispatches": 2},
            "retry_config": {"max_attempts": 99},
        },
        update_mask=FieldMask(paths=["rate_limits.max_dispatches_per_second"]),
    )
    assert changed.rate_limits.max_dispatches_per_second == 9
    assert changed.rate_limits.max_concurrent_dispatches == 1000
    assert changed.retry_config.max_attempts == 3


def test_an_update_of_a_missing_queue_creates_it(tasks_client, queue):
    name = f"{queue()}-more"
    made = tasks_client.update_queue(queue={"name": name, "rate_limits": {"max_dispatches_per_second": 5}})
    assert tasks_client.get_queue(name=name) == made


@pytest.mark.parametrize("path", ["state", "name", "purge_time"])
def test_what_is_output_only_cannot_be_updated(tasks_client, queue, path):
    with pytest.raises(exceptions.InvalidArgument):
        tasks_client.update_queue(queue={"name": queue()}, update_mask=FieldMask(paths=[path]))


def test_queues_are_listed_page_by_page(tasks_client):
    parent = "projects/pages/locations/us-central1"
    wanted = [f"{parent}/queues/q{number}" for number in range(5)]
    for name in wanted:
        tasks_client.create_queue(parent=parent, queue={"name": name})
    pages = [
        [found.name for found in page.queues]
        for page in tasks_client.list_queues(request={"parent": parent, "page_size": 2}).pages
    ]
    assert [len(page) for page in pages] == [2, 2, 1]
    assert [name for page in pages for name in page] == wanted


def test_pause_resume_and_purge_show_in_the_queue(tasks_client, queue):
    name = queue()
    assert tasks_client.pause_queue(name=name).state == tasks_v2.Queue.State.PAUSED
    tasks_client.create_task(parent=name, task={"http_request": {"url": "http://127.0.0.1:1/"}})
    assert not tasks_client.get_queue(name=name).purge_time
    assert tasks_client.purge_queue(name=name).purge_time
    assert list(tasks_client.list_tasks(parent=name)) == []
    assert tasks_client.resume_queue(name=name).state == tasks_v2.Queue.State.RUNNING


@pytest.mark.parametrize(
    "call",
    [
        lambda client, name: client.get_queue(name=name),
        lambda client, name: client.pause_queue(name=name),
        lambda client, name: client.resume_queue(name=name),
        lambda client, name: client.purge_queue(name=name),
        lambda client, name: client.delete_queue(name=name),
        lambda client, name: list(client.list_tasks(parent=name)),
        lambda client, name: client.create_task(
            parent=name, task={"http_request": {"url": "http://127.0.0.1:1/"}}
        ),
        lambda client, name: client.get_task(name=f"{name}/tasks/t"),
        lambda client, name: client.delete_task(name=f"{name}/tasks/t"),
        lambda client, name: client.run_task(name=f"{name}/tasks/t"),
    ],
)
def test_a_queue_that_does_not_exist_is_not_found(tasks_client, call):
    with pytest.raises(exceptions.NotFound, match="Queue does not exist"):
        call(tasks_client, f"{LOCATION}/queues/nowhere")


def test_what_is_not_emulated_says_so(tasks_client, queue):
    with pytest.raises(exceptions.MethodNotImplemented):
        tasks_client.update_queue(queue={"name": queue(), "http_target": {"http_method": "GET"}})
    with pytest.raises(exceptions.MethodNotImplemented):
        tasks_client.get_iam_policy(request={"resource": queue()})
