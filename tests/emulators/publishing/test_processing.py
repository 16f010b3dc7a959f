"""Processing is followed to its end, and an end that is no success is a failed operation in plain words."""

from datetime import timedelta

import httpx
import pytest

from shared.console.operations import rows as shown
from shared.publishing.operation import State
from shared.youtube import data
from shared.youtube.policy import policy


def plan(bench, **fate):
    """Tell YouTube's stand-in how the processing of the next uploads ends."""
    rules = f"{bench.stand.simulator.root}/control/upload-rules"
    httpx.post(rules, json=fate, trust_env=False).raise_for_status()


@pytest.mark.parametrize(
    ("how", "sentences"), [("failure", policy().failures), ("rejection", policy().rejections)]
)
def test_every_end_that_is_no_success_is_said_in_plain_words_where_people_look(bench, how, sentences):
    bench.video(size=1000)
    operations = {}
    for reason in sentences:
        plan(bench, **{how: reason, "title": reason})
        operations[reason], _ = bench.submit(upload=bench.upload(title=reason))
    for reason, operation in operations.items():
        done = bench.settle(operation)
        assert (done.state, done.reason, done.message) == (State.FAILED, reason, sentences[reason])
        assert done.history[-1].step == "processing"
    rows = shown(bench.operations.in_state(State.FAILED), {})
    assert {row["id"]: row["why"] for row in rows} == {
        operation.id: sentences[reason] for reason, operation in operations.items()
    }


def test_a_file_that_is_nothing_but_a_videos_first_bytes_fails_in_plain_words(bench):
    bench.put("broken.mp4", b"\x00\x00\x00\x18ftyp")
    operation, _ = bench.submit(upload=bench.upload("broken.mp4"))
    done = bench.settle(operation)
    assert (done.state, done.reason, done.message) == (State.FAILED, "tooSmall", policy().failures["tooSmall"])
    assert done.results["video_id"]


def test_what_was_rejected_has_cost_one_upload_and_is_not_looked_at_again(bench):
    bench.video()
    plan(bench, rejection="copyright")
    operation, _ = bench.submit(upload=bench.upload())
    bench.settle(operation)
    looks = sum(call.endpoint == "youtube.videos.list" for call in bench.stand.calls)
    bench.stand.advance(hours=2)
    bench.run_due()
    assert sum(call.endpoint == "youtube.videos.list" for call in bench.stand.calls) == looks
    assert bench.stand.ours()["uploads"] == 1


def test_a_processing_that_is_reported_as_failing_is_looked_at_again_after_five_minutes(bench):
    bench.video()
    operation, _ = bench.submit(upload=bench.upload())
    bench.stand.inject(method="youtube.videos.list", kind="processingFailure", times=2)
    done = bench.settle(operation)
    assert done.state is State.SUCCEEDED
    waits = [event.at for event in done.history if event.reason == "processingFailure"]
    assert len(waits) == 2
    assert timedelta(minutes=5) <= waits[1] - waits[0] < timedelta(minutes=6)


def test_a_video_that_is_deleted_while_it_is_processed_fails_and_says_so(bench):
    bench.video()
    operation, _ = bench.submit(upload=bench.upload())
    bench.run_due()
    bench.stand.advance(seconds=2)
    caller = bench.stand.caller()
    video = bench.get(operation).results["video_id"]
    assert data.videos(caller, [video]).videos
    told = {"video_id": video, "delete": True}
    httpx.post(f"{bench.stand.simulator.root}/control/videos", json=told, trust_env=False).raise_for_status()
    done = bench.settle(operation)
    assert (done.state, done.reason) == (State.FAILED, "videoNotFound")
