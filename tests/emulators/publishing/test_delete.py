"""A video is deleted for good: this channel's own, once, and not before a cancel was looked for."""

import pytest

from infra.local.simulator.data.library import Library
from shared.collection import videos
from shared.publishing.operation import State
from shared.push.feed import VideoNotice
from shared.youtube import data


@pytest.fixture
def library(bench):
    return bench.stand.simulator.room(Library)


def a_video(bench, place=0):
    caller = bench.stand.caller(place=place)
    return data.uploads(caller, data.my_channel(caller).uploads_playlist).items[0].video_id


def deletions(bench):
    return [call for call in bench.stand.calls if call.endpoint == "youtube.videos.delete"]


def test_a_video_is_deleted_and_known_to_be_gone(bench, library):
    video = a_video(bench)
    known = VideoNotice(video_id=video, channel_id=bench.channel_id, updated=bench.stand.clock(), deleted=False)
    videos.record(bench.stand.firestore, known, bench.stand.clock())
    operation, quote = bench.submit(delete={"video_id": video})
    assert quote.cost == {"default": 51}
    bench.stand.advance(seconds=1)
    assert bench.settle(operation).state is State.SUCCEEDED
    assert library.find(video) is None
    assert bench.stand.firestore.document("videos", video).get().get("state") == "deleted"


@pytest.mark.parametrize("kind", ["drop", "backendError"])
def test_a_deletion_whose_answer_was_lost_is_done(bench, library, kind):
    video = a_video(bench)
    operation, _ = bench.submit(delete={"video_id": video})
    bench.stand.inject(method="youtube.videos.delete", kind=kind, times=1)
    assert bench.settle(operation).state is State.SUCCEEDED
    assert library.find(video) is None
    assert len(deletions(bench)) == {"drop": 1, "backendError": 2}[kind]


def test_a_video_that_is_not_there_is_looked_for_again_and_then_taken_as_deleted(bench):
    operation, _ = bench.submit(delete={"video_id": "AAAAAAAAAAA"})
    done = bench.settle(operation)
    assert (done.state, deletions(bench)) == (State.SUCCEEDED, [])
    assert sum(event.reason == "videoNotFound" for event in done.history) >= 4


def test_a_new_video_that_is_not_listed_yet_is_deleted_all_the_same(bench, library):
    library.lag *= 60
    bench.video()
    upload, _ = bench.submit(upload=bench.upload())
    bench.run_due()
    video = bench.get(upload).results["video_id"]
    operation, _ = bench.submit(delete={"video_id": video})
    assert bench.settle(operation).state is State.SUCCEEDED
    assert library.find(video) is None


def test_a_video_of_another_channel_stays(bench, library):
    video = a_video(bench, place=1)
    operation, _ = bench.submit(delete={"video_id": video})
    failed = bench.settle(operation)
    assert (failed.state, failed.reason, deletions(bench)) == (State.FAILED, "otherChannel", [])
    assert library.find(video) is not None
