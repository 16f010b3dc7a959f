"""Somebody else writes the record while a worker is at it: an open operation always keeps a task."""

from dataclasses import replace
from datetime import timedelta

import pytest

from infra.local.simulator.data.captions import Captions, Track
from shared.errors import Unavailable
from shared.publishing.attempt import Limits
from shared.publishing.operation import State
from shared.youtube import data
from tests.emulators.publishing.bench import PNG
from tests.emulators.publishing.test_upload import Interrupted, lose, only_video, without_last_answer


def interrupted(bench, happens):
    """A worker during whose reading of the source something happens."""
    return bench.runner(source_of=lambda named, field: Interrupted(bench._source(named, field), happens))


def by_another(bench, operation, **changes):
    """The operation as another worker leaves it."""
    record = bench.operations.get(operation.id)
    bench.operations.save(record, replace(record.operation, **changes))


def test_work_whose_record_was_touched_meanwhile_goes_on_in_another_run(bench):
    content = bench.video(size=4_000_000)
    bench.limits = Limits(heartbeat=timedelta(0), portion=512 * 1024)
    operation, _ = bench.submit(upload=bench.upload())
    document = bench.stand.firestore.document("operations", operation.id)
    bench.box.waiting.clear()
    after = interrupted(bench, lambda: document.update({"resealed": True})).run(operation.id, 1)
    assert (after.state, after.lease_until) == (State.QUEUED, None)
    assert [task["attempt"] for _, task in bench.box.waiting.values()] == [2]
    assert bench.settle(operation).state is State.SUCCEEDED
    only_video(bench, content)


def test_a_worker_that_lost_its_work_keeps_its_task_until_the_other_has_requeued_it(bench):
    bench.video(size=4_000_000)
    bench.limits = Limits(heartbeat=timedelta(0), portion=512 * 1024)
    operation, _ = bench.submit(upload=bench.upload())
    bench.box.waiting.clear()
    until = bench.stand.clock() + timedelta(minutes=1)
    worker = interrupted(bench, lambda: by_another(bench, operation, owner="another", lease_until=until))
    with pytest.raises(Unavailable) as busy:
        worker.run(operation.id, 1)
    assert (busy.value.reason, busy.value.retry_at) == ("operationBusy", until)
    # The other dies. The task that was kept comes again and does the work.
    bench.stand.advance(minutes=2)
    bench.runner().run(operation.id, 1)
    assert bench.settle(operation).state is State.SUCCEEDED


def test_a_worker_that_was_overtaken_queues_what_the_other_left(bench):
    bench.video(size=4_000_000)
    bench.limits = Limits(heartbeat=timedelta(0), portion=512 * 1024)
    operation, _ = bench.submit(upload=bench.upload())
    bench.box.waiting.clear()
    overtaken = interrupted(
        bench, lambda: by_another(bench, operation, attempt=2, state=State.QUEUED, owner="another")
    )
    overtaken.run(operation.id, 1)
    assert [task["attempt"] for _, task in bench.box.waiting.values()] == [2]


def test_a_cancelled_upload_whose_video_was_complete_still_names_it(bench):
    bench.video()
    operation, _ = bench.submit(upload=bench.upload())
    without_last_answer(bench, operation)
    bench.box.waiting.clear()  # its next attempt may be hours away
    assert bench.submissions.cancel(operation.id).state is State.CANCELLED
    bench.run_due()
    (session,) = bench.videos()
    done = bench.get(operation)
    assert (done.state, done.results["video_id"]) == (State.CANCELLED, session.answer["id"])
    assert done.upload == {}


def test_a_cancelled_upload_whose_session_is_gone_names_the_video_that_it_made(bench):
    bench.video()
    operation, _ = bench.submit(upload=bench.upload())
    without_last_answer(bench, operation)
    (session,) = bench.videos()
    lose(bench, finished=True)
    bench.stand.advance(seconds=2)
    bench.submissions.cancel(operation.id)
    bench.run_due()
    assert bench.get(operation).results["video_id"] == session.answer["id"]


def test_an_upload_that_is_cancelled_with_its_last_byte_on_the_way_names_its_video(bench):
    bench.video(size=6 * 256 * 1024)
    operation, _ = bench.submit(upload=bench.upload())

    def caller_for(asked):
        def called(call):
            if call.endpoint == "upload.session" and bench.videos() and not bench.get(operation).ended:
                bench.submissions.cancel(operation.id)

        return replace(bench._caller(asked), calls=called)

    after = bench.runner(caller_for=caller_for).run(operation.id, 1)
    (session,) = bench.videos()
    assert (after.state, after.results["video_id"]) == (State.CANCELLED, session.answer["id"])


@pytest.mark.case("P18")
@pytest.mark.fault(59)
def test_of_an_upload_that_was_cancelled_before_its_last_bytes_no_video_comes(bench):
    bench.video(size=6 * 256 * 1024)
    operation, _ = bench.submit(upload=bench.upload())
    after = interrupted(bench, lambda: bench.submissions.cancel(operation.id)).run(operation.id, 1)
    assert after.state is State.CANCELLED
    assert bench.videos() == []


@pytest.mark.case("P18")
@pytest.mark.fault(59)
@pytest.mark.parametrize(
    "kind", ["thumbnail", "update", "playlist", "playlist_item", "caption", "caption_delete", "delete"]
)
def test_nothing_is_sent_that_cannot_be_undone_once_a_cancel_was_answered(bench, kind):
    caller = bench.stand.caller()
    video = data.uploads(caller, data.my_channel(caller).uploads_playlist).items[0].video_id
    playlist = data.playlists_insert(caller, title="There")
    bench.put("thumb.png", PNG)
    bench.put("words.srt", b"1\n00:00:01,000 --> 00:00:02,000\nHello\n")
    bench.stand.simulator.room(Captions).all["t"] = Track("t", video, "de", "", False, bench.stand.clock())
    work = {
        "thumbnail": {"video_id": video, "source": {"bucket": "videos", "object": "thumb.png"}},
        "update": {"video_id": video, "title": "Changed"},
        "playlist": {"title": "Never"},
        "playlist_item": {"playlist_id": playlist, "video_id": video},
        "caption": {"video_id": video, "language": "en", "source": {"bucket": "videos", "object": "words.srt"}},
        "caption_delete": {"video_id": video, "language": "de"},
        "delete": {"video_id": video},
    }[kind]
    operation, _ = bench.submit(**{kind: work})
    bench.stand.calls.clear()

    def caller_for(asked):
        made = bench._caller(asked)

        def cancelling(refused):  # asked between the claim and the call
            if not bench.get(operation).ended:
                bench.submissions.cancel(operation.id)
            return made.tokens(refused)

        return replace(made, tokens=cancelling)

    after = bench.runner(caller_for=caller_for).run(operation.id, 1)
    assert after.state is State.CANCELLED
    assert {call.endpoint for call in bench.stand.calls} <= {"youtube.videos.list", "youtube.captions.list"}


def test_a_playlist_that_is_made_while_its_operation_is_cancelled_is_named(bench):
    operation, _ = bench.submit(playlist={"title": "Made all the same"})

    def caller_for(asked):
        def called(call):
            if call.endpoint == "youtube.playlists.insert":
                bench.submissions.cancel(operation.id)

        return replace(bench._caller(asked), calls=called)

    after = bench.runner(caller_for=caller_for).run(operation.id, 1)
    (made,) = data.my_playlists(bench.stand.caller())
    assert (after.state, after.results["playlist_id"]) == (State.CANCELLED, made.id)


def test_an_upload_that_is_cancelled_while_nobody_is_at_it_is_forgotten_by_youtube(bench):
    bench.video(size=4_000_000)
    bench.limits = Limits(seconds=0, portion=512 * 1024)
    operation, _ = bench.submit(upload=bench.upload())
    bench.run_due()
    bench.submissions.cancel(operation.id)
    bench.run_due()
    (session,) = bench.sessions()
    assert session.state == "cancelled"
    assert bench.get(operation).upload == {}


def test_a_retry_by_hand_may_begin_the_upload_again_as_often_as_a_new_one(bench):
    bench.video()
    operation, _ = bench.submit(upload=bench.upload())
    by_another(bench, operation, state=State.FAILED, upload={"restarts": 3, "size": 1, "identity": "x"})
    assert bench.submissions.retry(operation.id).upload["restarts"] == 0
