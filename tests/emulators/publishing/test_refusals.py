"""What can be known to be wrong is refused by its field before anything is spent, here or at YouTube."""

from datetime import timedelta

import pytest

from shared.errors import InvalidRequest
from shared.publishing.operation import State

WRONG = {
    "title": "x" * 101,
    "tags": ["x" * 250, "y" * 250],
    "publish_at": "2020-01-01T00:00:00Z",
    "description": "x" * 5001,
}


def nothing_spent(bench):
    assert set(bench.stand.ours().values()) == set(bench.stand.googles().values()) == {0}
    assert bench.stand.calls == []
    assert bench.sessions() == []


@pytest.mark.parametrize("wrong", WRONG)
@pytest.mark.parametrize("kind", ["upload", "release", "update"])
def test_a_wrong_field_is_named_before_anything_is_spent_or_stored(bench, kind, wrong):
    bench.video()
    video = bench.upload(**{wrong: WRONG[wrong]})
    work = {
        "upload": {"upload": video},
        "release": {"release": {"upload": video}},
        "update": {"update": {"video_id": "AAAAAAAAAAA", wrong: WRONG[wrong]}},
    }[kind]
    with pytest.raises(InvalidRequest) as refused:
        bench.submit(**work)
    assert refused.value.field == {"release": "release.upload"}.get(kind, kind) + f".{wrong}"
    assert bench.operations.in_state(*State) == []
    nothing_spent(bench)


def test_a_publication_that_passed_while_the_work_was_deferred_costs_nothing(bench):
    bench.video()
    in_an_hour = bench.stand.clock() + timedelta(hours=1)
    operation, _ = bench.submit(upload=bench.upload(publish_at=in_an_hour.isoformat()))
    bench.stand.advance(hours=2)
    done = bench.settle(operation)
    assert (done.state, done.reason) == (State.FAILED, "publishAtPassed")
    nothing_spent(bench)
