"""What is listed of many operations, and how long one that does not move is kept going."""

from shared.publishing.attempt import Limits
from shared.publishing.operation import State
from shared.publishing.run import RUNS_MAX


def test_of_more_operations_than_are_listed_the_newest_are(bench):
    submitted = []
    for number in range(7):
        bench.stand.advance(seconds=10)
        submitted.append(bench.submit(playlist={"title": f"Number {number}"})[0].id)
    bench.submissions.cancel(submitted.pop())
    listed = [operation.id for operation in bench.operations.in_state(State.QUEUED, State.RUNNING, limit=3)]
    assert listed == submitted[:-4:-1]
    both = bench.operations.in_state(State.QUEUED, State.CANCELLED, limit=2)
    assert [operation.state for operation in both] == [State.CANCELLED, State.QUEUED]


def test_an_upload_that_never_moves_fails_where_people_see_it_and_can_be_retried(bench):
    bench.video()
    bench.limits = Limits(seconds=0, grace=0)
    operation, _ = bench.submit(upload=bench.upload())
    done = bench.settle(operation)
    assert (done.state, done.reason) == (State.FAILED, "noProgress")
    assert sum(event.reason == "requeued" for event in done.history) == RUNS_MAX
    bench.limits = Limits()
    bench.submissions.retry(operation.id)
    assert bench.settle(operation).state is State.SUCCEEDED


def test_an_upload_that_moves_a_little_in_each_run_is_not_given_up(bench):
    bench.video(size=(RUNS_MAX + 5) * 256 * 1024)
    bench.limits = Limits(seconds=0, portion=256 * 1024)
    operation, _ = bench.submit(upload=bench.upload())
    assert bench.settle(operation).state is State.SUCCEEDED
