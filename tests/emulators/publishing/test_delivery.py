"""Tasks that come too often, too late or not at all: who holds the work does it, and nothing is lost silently."""

from dataclasses import replace
from datetime import timedelta

import functions_framework
import pytest

from infra.deployment import ROOT
from shared.errors import Unavailable
from shared.publishing.operation import State
from shared.publishing.run import RUNS_MAX
from shared.publishing.tasks import MAX_DELIVERIES, OVERDUE
from shared.wiring import publishing


def broken(*_arguments):
    raise RuntimeError("a defect of ours")


def by_another(bench, operation, lease):
    """Another worker claims it now, with a lease until `lease` from now."""
    record, now = bench.operations.get(operation.id), bench.stand.clock()
    claimed = replace(record.operation, state=State.RUNNING, owner="another", lease_until=now + lease, due_at=now)
    bench.operations.save(record, claimed)


@pytest.mark.parametrize(
    ("retries", "state"),
    [(str(MAX_DELIVERIES - 2), State.RUNNING), (str(MAX_DELIVERIES - 1), State.FAILED), ("x", State.RUNNING)],
)
def test_the_last_delivery_that_cloud_tasks_announces_is_a_failed_operation(bench, monkeypatch, retries, state):
    bench.video()
    operation, _ = bench.submit(upload=bench.upload())
    monkeypatch.setattr(publishing, "runner", lambda: bench.runner(source_of=broken))
    function = functions_framework.create_app("run_operation", str(ROOT / "functions/run_operation/main.py"))
    task = {"operation": operation.id, "attempt": 1}
    answer = function.test_client().post("/", json=task, headers={"X-CloudTasks-TaskRetryCount": retries})
    assert answer.status_code == 500
    assert bench.get(operation).state is state


def test_work_that_somebody_holds_is_left_to_them_until_their_lease_ends(bench):
    bench.video()
    operation, _ = bench.submit(upload=bench.upload())
    by_another(bench, operation, timedelta(minutes=1))
    with pytest.raises(Unavailable) as busy:
        bench.runner().run(operation.id, 1)
    assert busy.value.reason == "operationBusy"
    assert bench.stand.calls == []
    assert bench.get(operation).owner == "another"
    bench.stand.advance(seconds=61)
    bench.run_due()
    assert bench.settle(operation).state is State.SUCCEEDED


def test_the_sweep_takes_over_from_who_has_died_and_not_from_who_is_at_work(bench):
    bench.video()
    operation, _ = bench.submit(upload=bench.upload())
    bench.box.waiting.clear()
    by_another(bench, operation, OVERDUE + timedelta(minutes=2))
    bench.stand.advance(seconds=OVERDUE.total_seconds() + 60)
    assert bench.tasks().sweep() == 0
    assert bench.get(operation).owner == "another"
    bench.stand.advance(minutes=2)
    assert bench.tasks().sweep() == 1
    assert bench.get(operation).reason == "pickedUpAgain"
    assert bench.settle(operation).state is State.SUCCEEDED


@pytest.mark.case("P11")
@pytest.mark.fault(54)
def test_one_operation_that_cannot_be_read_or_queued_stops_no_other_in_a_sweep_or_a_listing(bench):
    operations = [bench.submit(playlist={"title": f"Number {number}"})[0] for number in range(5)]
    bench.box.waiting.clear()
    unreadable, unqueueable, *others = operations
    bench.stand.firestore.document("operations", unreadable.id).update({"steps": "nonsense"})
    bench.stand.advance(seconds=OVERDUE.total_seconds() + 60)

    def enqueue(queue, name, function, payload, when=None):
        if payload["operation"] == unqueueable.id:
            raise RuntimeError("a defect of ours")
        return bench.box.enqueue(queue, name, function, payload, when)

    assert bench.tasks(enqueue=enqueue).sweep() == len(others)
    assert {payload["operation"] for _, payload in bench.box.waiting.values()} == {each.id for each in others}
    assert {each.id for each in bench.operations.in_state(State.QUEUED)} == {each.id for each in operations[1:]}


@pytest.mark.case("P11")
@pytest.mark.fault(54)
def test_a_sweep_takes_more_than_one_page(bench, monkeypatch):
    monkeypatch.setattr("shared.cloud.firestore.listing.__kwdefaults__", {"page": 2})
    operations = [bench.submit(playlist={"title": f"Number {number}"})[0] for number in range(5)]
    bench.box.waiting.clear()
    bench.stand.advance(seconds=OVERDUE.total_seconds() + 60)
    assert bench.tasks().sweep() == len(operations)


@pytest.mark.case("P12")
@pytest.mark.fault(55)
def test_work_that_nobody_has_touched_waits_however_long_its_queue_is_paused(bench):
    bench.video()
    operation, _ = bench.submit(upload=bench.upload())
    for _ in range(30):
        bench.stand.advance(seconds=OVERDUE.total_seconds() + 60)
        assert bench.tasks().sweep() == 1
    assert bench.get(operation).state is State.QUEUED
    assert bench.settle(operation).state is State.SUCCEEDED
    assert len(bench.videos()) == 1


@pytest.mark.case("P12")
@pytest.mark.parametrize("by_sweep", [False, True])
def test_work_whose_worker_dies_each_time_fails_where_people_see_it(bench, by_sweep):
    bench.video()
    operation, _ = bench.submit(upload=bench.upload())
    for _ in range(RUNS_MAX + 1):
        bench.box.waiting.clear()
        record = bench.operations.get(operation.id)
        bench.runner()._claim(record)  # and dies
        bench.stand.advance(seconds=OVERDUE.total_seconds() + 60)
        assert not by_sweep or bench.tasks().sweep() == 1
    found = bench.runner().run(operation.id, bench.get(operation).attempt)
    assert (found.state, found.reason) == (State.FAILED, "workerDied")


@pytest.mark.case("P21")
def test_a_worker_whose_clock_is_slow_waits_once_instead_of_queueing_again_and_again(bench):
    bench.video()
    in_a_minute = bench.stand.clock() + timedelta(minutes=1)
    operation, _ = bench.submit(upload=bench.upload(), not_before=in_a_minute.isoformat())
    bench.stand.advance(seconds=61)
    slept = []

    def sleep(seconds):
        slept.append(seconds)
        bench.stand.advance(seconds=seconds)

    slow = bench.tasks(clock=lambda: bench.stand.clock() - timedelta(minutes=1))
    bench.runner(tasks=slow, sleep=sleep).run(operation.id, 1)
    assert [58 < seconds < 61 for seconds in slept] == [True]
    assert bench.get(operation).attempt == 2  # the one after the upload, for YouTube's processing
    assert len(bench.videos()) == 1


def test_a_task_is_queued_only_for_what_the_record_says_already(bench):
    """The other way round, a task could come before its attempt is known, and a death lose the attempt."""
    bench.video()
    told = []

    def enqueue(queue, name, function, payload, when=None):
        stored = bench.operations.get(payload["operation"]).operation
        told.append((payload["attempt"], stored.attempt))
        return bench.box.enqueue(queue, name, function, payload, when)

    tasks = bench.tasks(enqueue=enqueue)
    bench.submissions = replace(bench.submissions, tasks=tasks)
    operation, _ = bench.submit(upload=bench.upload())
    bench.runner(tasks=tasks).run(operation.id, 1)
    bench.stand.advance(hours=2)
    tasks.sweep()
    bench.submissions.cancel(operation.id)
    assert len(told) >= 3
    assert all(queued == stored for queued, stored in told)


def test_an_attempt_that_could_not_be_queued_is_queued_when_its_task_comes_again(bench):
    bench.video()
    operation, _ = bench.submit(upload=bench.upload())
    bench.box.waiting.clear()

    def down(*_arguments):
        raise Unavailable("Cloud Tasks does not answer.", reason="tasksUnavailable")

    with pytest.raises(Unavailable):
        bench.runner(tasks=bench.tasks(enqueue=down)).run(operation.id, 1)
    assert bench.get(operation).attempt == 2
    bench.runner().run(operation.id, 1)
    assert [task["attempt"] for _, task in bench.box.waiting.values()] == [2]
    assert bench.settle(operation).state is State.SUCCEEDED
