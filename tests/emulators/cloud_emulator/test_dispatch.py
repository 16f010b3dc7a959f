import time

import jwt
import pytest
from google.cloud import tasks_v2

from infra.local.identity import IdentityKey
from infra.local.process import free_port
from tests.stands.waiting import eventually

CALLER = "task-queues@test.iam.gserviceaccount.com"


def create(tasks_client, queue_name, url, **request):
    task_id = request.pop("task_id", None)
    task = {"http_request": {"url": url, **request}}
    if task_id:
        task["name"] = f"{queue_name}/tasks/{task_id}"
    return tasks_client.create_task(parent=queue_name, task=task)


def test_a_task_arrives_as_it_was_asked_for(tasks_client, queue, target, settled):
    name = queue()
    made = create(
        tasks_client,
        name,
        f"{target.url}/work?x=1",
        body=b'{"channel":"UC"}',
        headers={"Content-Type": "application/json", "X-Own": "kept"},
        task_id="first",
    )
    assert settled(name)["counts"]["finished"] == 1
    (request,) = target.received
    assert (request.method, request.path, request.body) == ("POST", "/work?x=1", b'{"channel":"UC"}')
    assert request.headers["Content-Type"] == "application/json"
    assert request.headers["X-Own"] == "kept"
    assert request.headers["User-Agent"] == "Google-Cloud-Tasks"
    assert request.headers["X-CloudTasks-QueueName"] == name.rsplit("/", 1)[1]
    assert request.headers["X-CloudTasks-TaskName"] == "first"
    assert request.headers["X-CloudTasks-TaskRetryCount"] == "0"
    assert request.headers["X-CloudTasks-TaskExecutionCount"] == "0"
    assert float(request.headers["X-CloudTasks-TaskETA"]) == pytest.approx(made.schedule_time.timestamp())
    assert "Authorization" not in request.headers
    assert "X-CloudTasks-TaskPreviousResponse" not in request.headers


def test_headers_that_belong_to_google_are_replaced(tasks_client, queue, target, settled):
    name = queue()
    forged = {
        "Host": "evil.example",
        "User-Agent": "me",
        "X-CloudTasks-TaskRetryCount": "7",
        "x-google-thing": "1",
        "X-AppEngine-QueueName": "1",
        "Content-Length": "1",
        "authorization": "Bearer mine",
    }
    create(tasks_client, name, f"{target.url}/", headers=forged, oidc_token={"service_account_email": CALLER})
    settled(name)
    (request,) = target.received
    assert request.headers["Host"] in target.url
    assert request.headers["User-Agent"] == "Google-Cloud-Tasks"
    assert request.headers["X-CloudTasks-TaskRetryCount"] == "0"
    arrived = {header.lower() for header in request.headers}
    assert not arrived & {"x-google-thing", "x-appengine-queuename"}
    assert request.headers["Authorization"] != "Bearer mine"
    assert "authorization" not in request.headers


def test_characters_that_a_url_cannot_hold_are_encoded(tasks_client, queue, target, settled):
    name = queue()
    create(tasks_client, name, f"{target.url}/a b/ü?q=100%25#part")
    assert settled(name)["counts"]["finished"] == 1
    assert target.received[0].path == "/a%20b/%C3%BC?q=100%25"


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS"])
def test_every_method_can_be_used(tasks_client, queue, target, settled, method):
    name = queue()
    create(tasks_client, name, f"{target.url}/", http_method=tasks_v2.HttpMethod[method])
    assert settled(name)["counts"]["finished"] == 1
    assert [request.method for request in target.received] == [method]


def test_the_token_is_the_callers_for_the_audience_or_the_url(tasks_client, queue, target, settled, cloud_parts):
    name = queue()
    keys = jwt.PyJWKSet.from_dict(IdentityKey.load_or_create(cloud_parts.identity_key).jwks())
    for path, audience in (("/own", "https://function.example"), ("/default", None)):
        token = {"service_account_email": CALLER, **({"audience": audience} if audience else {})}
        create(tasks_client, name, f"{target.url}{path}", oidc_token=token)
        settled(name)
        scheme, _, sent = target.of(path)[0].headers["Authorization"].partition(" ")
        key = keys[jwt.get_unverified_header(sent)["kid"]]
        claims = jwt.decode(sent, key, algorithms=["RS256"], audience=audience or f"{target.url}{path}")
        assert scheme == "Bearer"
        assert claims["email"] == CALLER
        assert claims["email_verified"] is True
        assert claims["iss"] == "https://accounts.google.com"


def test_a_failure_is_tried_again_and_told_what_happened_before(tasks_client, queue, target, settled):
    name = queue(retry={"min_backoff": {"nanos": 10_000_000}})
    target.answer("/", 404, 500)
    create(tasks_client, name, f"{target.url}/")
    (finished,) = settled(name)["finished"]
    assert (finished["attempts"], finished["last_status"]) == (3, 200)
    told = [
        (
            request.headers["X-CloudTasks-TaskRetryCount"],
            request.headers["X-CloudTasks-TaskExecutionCount"],
            request.headers.get("X-CloudTasks-TaskPreviousResponse"),
        )
        for request in target.received
    ]
    assert told == [("0", "0", None), ("1", "1", "404"), ("2", "1", "500")]
    assert "500" in target.received[2].headers["X-CloudTasks-TaskRetryReason"]


@pytest.mark.parametrize("status", [199 + 101, 302, 400, 401, 404, 429, 500, 503])
def test_anything_but_2xx_is_a_failure_and_attempts_end(tasks_client, queue, target, settled, status):
    name = queue(retry={"max_attempts": 2, "min_backoff": {"nanos": 1_000_000}})
    target.answer("/", status, status)
    create(tasks_client, name, f"{target.url}/")
    (dropped,) = settled(name)["dropped"]
    assert (dropped["attempts"], dropped["last_status"]) == (2, status)
    assert len(target.received) == 2


def test_a_target_that_does_not_answer_is_a_failure(tasks_client, queue, settled):
    name = queue(retry={"max_attempts": 2, "min_backoff": {"nanos": 1_000_000}})
    create(tasks_client, name, f"http://127.0.0.1:{free_port()}/")
    (dropped,) = settled(name)["dropped"]
    assert (dropped["attempts"], dropped["last_status"]) == (2, None)


def test_nothing_leaves_this_machine(tasks_client, queue, settled):
    name = queue(retry={"max_attempts": 1})
    create(tasks_client, name, "http://192.0.2.1/")
    (dropped,) = settled(name)["dropped"]
    assert "this machine" in dropped["last_reason"]


def test_a_retry_after_is_waited_for(tasks_client, queue, target, settled):
    name = queue(retry={"min_backoff": {"nanos": 1_000_000}})
    target.answer("/", (503, {"Retry-After": "1"}, 0))
    create(tasks_client, name, f"{target.url}/")
    settled(name)
    first, second = target.received
    assert second.at - first.at >= 0.9


def test_no_more_than_the_allowed_number_are_on_their_way(tasks_client, queue, target, settled):
    name = queue(rates={"max_concurrent_dispatches": 3})
    target.script = {f"/{number}": [(200, {}, 0.05)] for number in range(12)}
    for number in range(12):
        create(tasks_client, name, f"{target.url}/{number}")
    assert settled(name)["counts"]["finished"] == 12
    assert target.most_at_once == 3


def test_a_paused_queue_holds_its_tasks_and_run_task_gets_one_out(tasks_client, queue, target, settled):
    name = queue()
    tasks_client.pause_queue(name=name)
    held = create(tasks_client, name, f"{target.url}/held")
    forced = create(tasks_client, name, f"{target.url}/forced")
    assert tasks_client.run_task(name=forced.name).dispatch_count == 1
    eventually(lambda: target.of("/forced"))
    assert tasks_client.get_task(name=held.name).dispatch_count == 0
    tasks_client.resume_queue(name=name)
    assert settled(name)["counts"]["finished"] == 2
    assert [request.path for request in target.received] == ["/forced", "/held"]


def test_a_pile_of_trivial_tasks_is_through_in_seconds(tasks_client, queue, target, settled):
    name = queue()
    tasks_client.pause_queue(name=name)
    for _ in range(300):
        create(tasks_client, name, f"{target.url}/")
    started = time.monotonic()
    tasks_client.resume_queue(name=name)
    settled(name)
    assert len(target.received) == 300
    assert time.monotonic() - started < 30  # measured: under one, see the README
