"""What YouTube has just made it may deny for a while: it is looked for again, not made twice, not called gone."""

from datetime import timedelta

import pytest

from infra.local.simulator.data.library import Library
from shared.errors import Unavailable
from shared.publishing.operation import State
from shared.youtube import data
from tests.emulators.publishing.bench import PNG
from tests.emulators.publishing.test_upload import control, lose, only_video, without_last_answer


@pytest.fixture
def caller(bench):
    return bench.stand.caller()


def entries(caller, playlist):
    return [entry.video_id for entry in data.playlist_items(caller, playlist).items]


def known(bench, video_id):
    """The video as the push room keeps it."""
    document = bench.stand.firestore.document("videos", video_id)
    document.set({"channel_id": bench.channel_id, "updated": bench.stand.clock(), "state": "new"})
    return document


@pytest.mark.case("P1", "P2")
@pytest.mark.fault(51)
@pytest.mark.parametrize("seconds", [5, 90, 240])
def test_a_release_waits_until_youtube_finds_its_new_video(bench, caller, seconds):
    content = bench.video()
    bench.put("thumb.png", PNG)
    bench.stand.simulator.room(Library).lag = timedelta(seconds=seconds)
    playlist = data.playlists_insert(caller, title="Mine")
    picture = {"source": {"bucket": "videos", "object": "thumb.png"}}
    operation, _ = bench.submit(release={"upload": bench.upload(), "thumbnail": picture, "playlist_id": playlist})
    done = bench.settle(operation)
    assert done.state is State.SUCCEEDED
    assert entries(caller, playlist) == [done.results["video_id"]]
    only_video(bench, content)
    assert bench.stand.ours() == bench.stand.googles()  # looking costs the least of all calls


@pytest.mark.case("P2")
@pytest.mark.fault(51)
def test_a_new_video_that_is_denied_to_writers_is_not_marked_as_deleted(bench, caller):
    bench.video()
    bench.put("thumb.png", PNG)
    picture = {"source": {"bucket": "videos", "object": "thumb.png"}}
    operation, _ = bench.submit(upload=bench.upload())
    video = bench.settle(operation).results["video_id"]
    document = known(bench, video)
    bench.stand.inject(method="youtube.thumbnails.set", kind="videoNotFound", times=2)
    again, _ = bench.submit(thumbnail={"video_id": video, "source": picture["source"]})
    assert bench.settle(again).state is State.SUCCEEDED
    bench.stand.inject(method="youtube.thumbnails.set", kind="videoNotFound", times=20)
    never, _ = bench.submit(thumbnail={"video_id": video, "source": picture["source"]})
    assert (bench.settle(never).state, bench.get(never).reason) == (State.FAILED, "videoNotFound")
    assert document.get().get("state") == "new"


@pytest.mark.case("P1")
@pytest.mark.fault(51)
def test_an_entry_that_was_made_and_denied_is_found_by_itself_and_by_a_retry_by_hand(bench, caller):
    video = data.uploads(caller, data.my_channel(caller).uploads_playlist).items[0].video_id
    first, second = data.playlists_insert(caller, title="One"), data.playlists_insert(caller, title="Two")
    bench.stand.inject(method="youtube.playlistItems.insert", kind="denied", reason="videoNotFound", times=2)
    operation, _ = bench.submit(playlist_item={"playlist_id": first, "video_id": video})
    assert bench.settle(operation).state is State.SUCCEEDED
    bench.stand.inject(method="youtube.playlistItems.list", kind="playlistNotFound", times=20)
    failed, _ = bench.submit(playlist_item={"playlist_id": second, "video_id": video})
    assert bench.settle(failed).state is State.FAILED
    bench.stand.simulator.faults.clear()
    bench.submissions.retry(failed.id)
    assert bench.settle(failed).state is State.SUCCEEDED
    assert (entries(caller, first), entries(caller, second)) == ([video], [video])


@pytest.mark.case("P3")
def test_an_upload_to_a_channel_without_videos_whose_session_is_lost_begins_again(bench, caller):
    world, now = bench.stand.simulator.world, bench.stand.clock()
    for video in list(world.videos_of(bench.channel_id, now)):
        world.delete_video(video, now)
    assert data.uploads(caller, data.my_channel(caller).uploads_playlist).items == ()
    content = bench.video()
    operation, _ = bench.submit(upload=bench.upload())
    bench.stand.inject(method="upload.session", kind="backendError", times=20, skip=2)
    bench.runner(sleep=lambda _seconds: None).run(operation.id, 1)
    bench.stand.simulator.faults.clear()
    lose(bench)
    assert bench.settle(operation).state is State.SUCCEEDED
    only_video(bench, content)


@pytest.mark.case("P4")
@pytest.mark.fault(52)
def test_a_session_that_never_says_that_it_is_done_is_left_for_its_video(bench):
    content = bench.video()
    control(bench, "uploads/hang", {"times": 1})
    operation, _ = bench.submit(upload=bench.upload())
    done = bench.settle(operation)
    assert (done.state, done.results["video_id"]) == (State.SUCCEEDED, only_video(bench, content).answer["id"])


@pytest.mark.case("P4")
@pytest.mark.fault(52)
def test_the_video_of_a_cancelled_session_that_never_says_that_it_is_done_is_named(bench):
    content = bench.video()
    control(bench, "uploads/hang", {"times": 1})
    bench.stand.simulator.room(Library).lag = timedelta(minutes=5)
    operation, _ = bench.submit(upload=bench.upload())
    bench.run_due()
    attempt = bench.submissions.cancel(operation.id).attempt
    with pytest.raises(Unavailable):  # so that its task comes again
        bench.runner().run(operation.id, attempt)
    bench.stand.advance(minutes=6)
    cancelled = bench.runner().run(operation.id, attempt)
    assert cancelled.state is State.CANCELLED
    assert cancelled.results["video_id"] == only_video(bench, content).answer["id"]


@pytest.mark.case("P10")
@pytest.mark.fault(53)
def test_a_video_that_another_operation_has_changed_meanwhile_is_still_the_uploads_own(bench):
    content = bench.video()
    operation, _ = bench.submit(upload=bench.upload())
    without_last_answer(bench, operation)
    video = only_video(bench, content).answer["id"]
    bench.stand.advance(seconds=2)
    change, _ = bench.submit(update={"video_id": video, "title": "Changed"})
    bench.runner().run(change.id, 1)
    assert bench.get(change).results["video_id"] == video
    lose(bench, finished=True)
    done = bench.settle(operation)
    assert (done.state, done.results["video_id"]) == (State.SUCCEEDED, video)
    assert len(bench.sessions()) == 1
