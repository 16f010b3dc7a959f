from datetime import UTC, datetime, timedelta

from tests.stands.waiting import eventually


def test_a_queue_can_be_paused_looked_at_purged_and_resumed(tasks_client, queue, control):
    name = queue()
    short = name.rsplit("/", 1)[1]
    assert control.post(f"/queues/{short}/pause").json()["state"] == "PAUSED"
    tasks_client.create_task(parent=name, task={"http_request": {"url": "http://127.0.0.1:1/", "body": b"own"}})
    later = datetime.now(UTC) + timedelta(days=1)
    tasks_client.create_task(
        parent=name, task={"http_request": {"url": "http://127.0.0.1:1/"}, "schedule_time": later}
    )
    assert control.get("/idle", params={"queue": short}).json() == {
        "idle": False,
        "due": 1,
        "running": 0,
        "scheduled_later": 1,
        "next_at": None,
    }
    assert control.get("/tasks", params={"queue": short}).json()["counts"]["queued"] == 2
    assert control.post(f"/queues/{name}/purge").json()["totals"]["purged"] == 2
    assert control.get("/idle", params={"queue": name}).json()["idle"] is True
    assert control.post(f"/queues/{short}/resume").json()["state"] == "RUNNING"


def test_a_queue_with_work_on_its_way_is_not_idle(tasks_client, queue, control, target, settled):
    name = queue()
    target.answer("/slow", (200, {}, 1.0))
    tasks_client.create_task(parent=name, task={"http_request": {"url": f"{target.url}/slow"}})
    eventually(lambda: target.received, every=0.005)
    assert control.get("/idle", params={"queue": name}).json() == {
        "idle": False,
        "due": 0,
        "running": 1,
        "scheduled_later": 0,
        "next_at": None,
    }
    settled(name)
    assert control.get("/idle", params={"queue": name}).json()["idle"] is True


def test_finished_and_dropped_tasks_keep_their_story(tasks_client, queue, control, target, settled):
    name = queue(retry={"max_attempts": 1})
    target.answer("/bad", 418)
    for path in ("/good", "/bad"):
        tasks_client.create_task(parent=name, task={"http_request": {"url": f"{target.url}{path}"}})
    story = settled(name)
    assert [(task["url"].rsplit("/", 1)[1], task["last_status"]) for task in story["finished"]] == [("good", 200)]
    assert [(task["url"].rsplit("/", 1)[1], task["last_status"]) for task in story["dropped"]] == [("bad", 418)]
    (queue_story,) = [found for found in control.get("/queues").json()["queues"] if found["name"] == name]
    assert queue_story["totals"] == {"finished": 1, "dropped": 1, "deleted": 0, "purged": 0, "dispatches": 2}


def test_reads_of_secrets_are_counted_and_never_shown(secrets_client, control):
    made = secrets_client.create_secret(
        parent="projects/test", secret_id="counted", secret={"replication": {"automatic": {}}}
    )
    secrets_client.add_secret_version(parent=made.name, payload={"data": b"canary-payload"})
    for _ in range(3):
        secrets_client.access_secret_version(name=f"{made.name}/versions/latest")
    answer = control.get("/secrets")
    assert "canary" not in answer.text
    (counted,) = [found for found in answer.json()["secrets"] if found["name"] == made.name]
    assert counted["versions"] == [{"version": 1, "state": "ENABLED", "accesses": 3}]


def test_an_unknown_queue_or_verb_is_not_found(control):
    assert control.get("/idle", params={"queue": "nowhere"}).status_code == 404
    assert control.post("/queues/nowhere/pause").status_code == 404
    assert control.post("/queues/collect/explode").status_code == 404
