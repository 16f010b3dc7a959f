"""An upload makes one video, byte by byte the source's, whatever happens on the way."""

import hashlib
from datetime import timedelta
from inspect import GEN_CLOSED, getgeneratorstate

import httpx
import pytest

from infra.local.simulator.uploads.sessions import Sessions, Whole
from shared.clock import next_reset
from shared.publishing.attempt import LISTED_WITHIN, Limits
from shared.publishing.operation import State, Superseded
from shared.publishing.run import Runner


def sha256(content):
    return hashlib.sha256(content).hexdigest()


def only_video(bench, content):
    """The one video, which must be the source's bytes."""
    (session,) = bench.videos()
    assert session.received.sha256 == sha256(content)
    return session


def test_a_file_becomes_one_private_video_and_is_followed_until_it_is_processed(bench):
    content = bench.video()
    operation, quote = bench.submit(upload=bench.upload())
    assert quote.cost["uploads"] == 1
    assert (quote.why_not_now, operation.state) == ("", State.QUEUED)
    done = bench.settle(operation)
    assert (done.state, done.reason) == (State.SUCCEEDED, "")
    session = only_video(bench, content)
    assert done.results["video_id"] == session.answer["id"]
    assert session.answer["status"]["privacyStatus"] == "private"
    assert bench.stand.ours() == bench.stand.googles()
    assert bench.stand.ours()["uploads"] == 1


def test_the_session_is_sealed_in_the_record_and_gone_from_it_at_the_end(bench):
    bench.video()
    operation, _ = bench.submit(upload=bench.upload())
    bench.limits = Limits(seconds=0, portion=512 * 1024)
    bench.run_due()
    stored = bench.stand.firestore.document("operations", operation.id).get().to_dict()
    (session,) = bench.sessions()
    assert session.upload_id not in repr(stored)
    assert stored["upload"]["session"]["v"] == 1
    assert bench.settle(operation).upload == {}


@pytest.mark.parametrize(
    "faults",
    [
        [{"method": "upload.session", "kind": "backendError", "times": 2}],
        [{"method": "upload.session", "kind": "reset", "times": 2}],
        [{"method": "upload.session", "kind": "drop", "skip": 3, "times": 1}],
        [{"method": "upload.session", "kind": "html", "status": 502, "times": 1}],
        [{"method": "upload.session", "kind": "authError", "times": 1}],
        [{"method": "youtube.videos.insert", "kind": "backendError", "times": 1}],
        [{"method": "youtube.videos.insert", "kind": "drop", "times": 1}],
    ],
)
def test_faults_on_the_way_cost_time_and_nothing_else(bench, faults):
    content = bench.video()
    operation, _ = bench.submit(upload=bench.upload())
    for spec in faults:
        bench.stand.inject(**spec)
    assert bench.settle(operation).state is State.SUCCEEDED
    only_video(bench, content)
    ours, googles = bench.stand.ours(), bench.stand.googles()
    assert all(ours[bucket] >= googles[bucket] for bucket in ours)


@pytest.mark.fault(47)
def test_a_broken_connection_goes_on_from_what_youtube_has(bench):
    content = bench.video(size=5_000_000)
    operation, _ = bench.submit(upload=bench.upload())
    sessions = bench.stand.simulator.room(Sessions)
    sessions.break_after, sessions.breaks = 700_000, 3
    assert bench.settle(operation).state is State.SUCCEEDED
    only_video(bench, content)


def test_a_run_stops_before_its_time_limit_and_is_requeued(bench):
    content = bench.video(size=4_000_000)
    bench.limits = Limits(seconds=0, portion=512 * 1024)
    operation, _ = bench.submit(upload=bench.upload())
    done = bench.settle(operation)
    assert done.state is State.SUCCEEDED
    assert sum(event.reason == "requeued" for event in done.history) >= 4
    only_video(bench, content)


def test_a_lost_session_is_begun_again_when_there_is_no_video(bench):
    content = bench.video(size=4_000_000)
    bench.limits = Limits(seconds=0, portion=1024 * 1024)
    operation, _ = bench.submit(upload=bench.upload())
    bench.run_due()
    bench.run_due()
    lose(bench)
    bench.run_due()
    looked = bench.get(operation)
    assert (looked.state, looked.reason) == (State.WAITING, "uploadSessionGone")
    assert timedelta(minutes=1) < looked.due_at - bench.stand.clock() <= LISTED_WITHIN
    assert len(bench.sessions()) == 1  # not before a second look: what YouTube has just made may not be listed yet
    done = bench.settle(operation)
    assert done.state is State.SUCCEEDED
    assert len(bench.sessions()) == 2
    only_video(bench, content)


def lose(bench, *, finished=False):
    for session in bench.sessions():
        if session.state == "open" or finished:
            session.end("lost")


def without_last_answer(bench, operation):
    """All bytes are sent; the answer to the last is lost, and nothing more can be asked of the session."""
    bench.stand.inject(method="upload.session", kind="drop", skip=2, times=1)
    bench.stand.inject(method="upload.session", kind="backendError", times=20, skip=2)
    bench.runner(sleep=lambda _seconds: None).run(operation.id, 1)
    bench.stand.simulator.faults.clear()
    assert bench.get(operation).results == {}


def test_a_lost_session_whose_video_exists_is_not_begun_again(bench):
    bench.video()
    operation, _ = bench.submit(upload=bench.upload())
    without_last_answer(bench, operation)
    (session,) = bench.sessions()
    assert session.state == "complete"
    video = session.answer["id"]
    lose(bench, finished=True)
    done = bench.settle(operation)
    assert (done.state, done.results["video_id"]) == (State.SUCCEEDED, video)
    assert len(bench.sessions()) == 1


@pytest.mark.case("P10")
def test_a_finished_video_is_known_by_its_files_name_whatever_it_is_called_by_then(bench):
    bench.video()
    operation, _ = bench.submit(upload=bench.upload())
    without_last_answer(bench, operation)
    (session,) = bench.sessions()
    assert session.file_name == operation.id
    lose(bench, finished=True)
    renamed = {"video_id": session.answer["id"], "title": "Renamed by a person"}
    control(bench, "videos", renamed)
    done = bench.settle(operation)
    assert (done.state, done.results["video_id"]) == (State.SUCCEEDED, session.answer["id"])
    assert len(bench.sessions()) == 1


def test_two_uploads_of_one_file_under_one_title_each_find_their_own_video(bench):
    bench.video()
    first, _ = bench.submit(upload=bench.upload())
    second, _ = bench.submit(upload=bench.upload())
    for operation in (first, second):
        without_last_answer(bench, operation)
    own = {session.file_name: session.answer["id"] for session in bench.sessions()}
    assert own.keys() == {first.id, second.id}
    lose(bench, finished=True)
    for operation in (second, first):
        assert bench.settle(operation).results["video_id"] == own[operation.id]
    assert len(bench.sessions()) == 2


def test_a_session_forgotten_between_its_last_byte_and_its_end_is_replaced_by_one_video(bench):
    content = bench.video()
    operation, _ = bench.submit(upload=bench.upload())
    bench.stand.inject(method="upload.session", kind="backendError", times=20, skip=2)
    bench.runner(sleep=lambda _seconds: None).run(operation.id, 1)
    assert control(bench, "uploads/lose", {})["lost"] == 1
    bench.stand.simulator.faults.clear()
    done = bench.settle(operation)
    assert done.state is State.SUCCEEDED
    assert done.results["video_id"] == only_video(bench, content).answer["id"]
    assert bench.stand.ours()["uploads"] == bench.stand.googles()["uploads"] == 2


def test_a_video_that_is_listed_only_after_the_first_look_is_found(bench):
    content = bench.video()
    operation, _ = bench.submit(upload=bench.upload())
    bench.stand.inject(method="upload.session", kind="backendError", times=20, skip=2)
    bench.runner(sleep=lambda _seconds: None).run(operation.id, 1)
    lose(bench)
    bench.stand.simulator.faults.clear()
    while bench.get(operation).reason != "uploadSessionGone":
        bench.stand.advance(seconds=30)
        bench.run_due()
    (session,) = bench.sessions()
    whole = Whole(len(content), sha256(content), content[:64], session.media_type, session.file_name)
    late = session.finish(whole)
    done = bench.settle(operation)
    assert (done.state, done.results["video_id"]) == (State.SUCCEEDED, late["id"])
    assert len(bench.sessions()) == 1


def control(bench, path, told):
    answer = httpx.post(f"{bench.stand.simulator.root}/control/{path}", json=told, trust_env=False)
    return answer.raise_for_status().json()


@pytest.mark.case("P9")
@pytest.mark.parametrize("kind", ["aborted", "conflict"])
def test_a_start_that_youtube_calls_a_conflict_is_a_passing_fault(bench, kind):
    content = bench.video()
    operation, _ = bench.submit(upload=bench.upload())
    bench.stand.inject(method="youtube.videos.insert", kind=kind, times=2)
    assert bench.settle(operation).state is State.SUCCEEDED
    only_video(bench, content)


@pytest.mark.fault(26)
def test_a_channels_upload_limit_stops_that_channel_for_a_day_and_nothing_else(bench):
    bench.video()
    first, _ = bench.submit(upload=bench.upload())
    bench.stand.inject(method="youtube.videos.insert", kind="uploadLimitExceeded", times=1)
    bench.run_due()
    waiting = bench.get(first)
    assert (waiting.state, waiting.reason) == (State.WAITING, "uploadLimitExceeded")
    assert (
        timedelta(hours=24) <= waiting.due_at - bench.stand.clock() + timedelta(minutes=1) <= timedelta(hours=24.5)
    )
    second, _ = bench.submit(upload=bench.upload())
    sent = len(bench.stand.calls)
    bench.run_due()
    assert bench.get(second).reason == "uploadLimitExceeded"
    assert len(bench.stand.calls) == sent  # nothing was spent on finding out again
    neighbour, quote = bench.submit(upload=bench.upload(), channel_id=bench.neighbour_id)
    assert (quote.why_not_now, bench.settle(neighbour).state) == ("", State.SUCCEEDED)
    assert bench.get(first).state is State.WAITING
    assert bench.settle(first).state is State.SUCCEEDED
    assert bench.settle(second).state is State.SUCCEEDED


@pytest.mark.fault(22)
def test_when_google_says_that_the_day_is_spent_the_upload_waits_for_the_next(bench):
    bench.video()
    operation, _ = bench.submit(upload=bench.upload())
    bench.stand.inject(method="youtube.videos.insert", kind="quota", times=1)
    bench.run_due()
    waiting = bench.get(operation)
    reset = next_reset(bench.stand.clock())
    assert (waiting.state, waiting.reason) == (State.WAITING, "quotaExceeded")
    assert reset < waiting.due_at < reset + timedelta(minutes=31)
    later, quote = bench.submit(upload=bench.upload())
    assert quote.runs_at >= reset
    assert quote.why_not_now
    assert bench.settle(operation).state is State.SUCCEEDED
    assert bench.settle(later).state is State.SUCCEEDED


def test_asked_twice_under_one_key_it_is_done_once(bench):
    bench.video()
    one, _ = bench.submit("the-key", upload=bench.upload())
    two, _ = bench.submit("the-key", upload=bench.upload())
    assert one.id == two.id
    bench.settle(one)
    three, _ = bench.submit("the-key", upload=bench.upload())
    assert three.state is State.SUCCEEDED
    assert len(bench.videos()) == 1


@pytest.mark.fault(23)
def test_a_deferral_that_is_asked_for_twice_is_one_task(bench):
    bench.video()
    operation, _ = bench.submit(upload=bench.upload())
    bench.stand.inject(method="youtube.videos.insert", kind="quota", times=1)
    bench.runner().run(operation.id, 1)
    deferred = bench.get(operation)
    name = f"operation/{operation.id}/attempt-2"
    assert (deferred.reason, bench.box.waiting[name][0]) == ("quotaExceeded", deferred.due_at)
    bench.runner().run(operation.id, 1)  # delivered again, it asks for the same deferral again
    assert bench.get(operation) == deferred
    assert [one for one in bench.box.waiting if one.endswith("attempt-2")] == [name]
    assert bench.settle(operation).state is State.SUCCEEDED
    assert len(bench.videos()) == 1


@pytest.mark.fault(23)
def test_a_task_that_is_delivered_twice_changes_nothing(bench):
    bench.video()
    operation, _ = bench.submit(upload=bench.upload())
    bench.runner().run(operation.id, 1)
    waiting = bench.get(operation)
    queued = dict(bench.box.waiting)
    bench.runner().run(operation.id, 1)
    assert bench.get(operation) == waiting
    assert bench.box.waiting == queued


def test_a_task_that_was_never_queued_is_queued_by_the_delivery_of_the_one_before(bench):
    bench.video()
    operation, _ = bench.submit(upload=bench.upload())
    bench.box.waiting.clear()
    bench.box.lose = 1  # the worker dies between writing that there is a next attempt and queueing it
    bench.runner().run(operation.id, 1)
    assert not bench.box.waiting
    bench.box.seen = {name for name in bench.box.seen if not name.endswith("attempt-2")}
    bench.runner().run(operation.id, 1)
    assert [payload["attempt"] for _, payload in bench.box.waiting.values()] == [2]


def test_whoever_lost_the_record_writes_nothing(bench):
    bench.video()
    operation, _ = bench.submit(upload=bench.upload())
    mine, theirs = bench.operations.get(operation.id), bench.operations.get(operation.id)
    bench.operations.save(theirs, theirs.operation.moved(State.RUNNING, bench.stand.clock()))
    with pytest.raises(Superseded):
        bench.operations.save(mine, mine.operation.moved(State.CANCELLED, bench.stand.clock()))


def test_cancelled_work_stops_and_failed_work_is_retried_by_hand(bench):
    bench.put("page.mp4", b"<!DOCTYPE html><html>gone</html>")
    failed, _ = bench.submit(upload=bench.upload("page.mp4"))
    bench.run_due()
    assert (bench.get(failed).state, bench.get(failed).reason) == (State.FAILED, "notAVideo")
    assert bench.stand.ours()["uploads"] == 0
    content = bench.video("page.mp4")
    bench.submissions.retry(failed.id)
    assert bench.settle(failed).state is State.SUCCEEDED
    only_video(bench, content)
    waiting, _ = bench.submit(upload=bench.upload("page.mp4"))
    assert bench.submissions.cancel(waiting.id).state is State.CANCELLED
    bench.run_due()
    assert len(bench.videos()) == 1


@pytest.mark.case("P16")
@pytest.mark.fault(58)
@pytest.mark.parametrize("resumed", [True, False])
def test_an_upload_whose_time_of_publication_passes_on_the_way_never_becomes_a_video(bench, resumed):
    bench.video(size=4_000_000)
    bench.limits = Limits(seconds=0 if resumed else 420, portion=512 * 1024)
    soon = bench.stand.clock() + timedelta(minutes=10)
    operation, _ = bench.submit(upload=bench.upload(publish_at=soon.isoformat()))

    def source_of(named, field):
        return Interrupted(bench._source(named, field), lambda: bench.stand.advance(minutes=10))

    bench.runner(**({} if resumed else {"source_of": source_of})).run(operation.id, 1)
    bench.stand.advance(minutes=10)
    failed = bench.settle(operation)
    assert (failed.state, failed.reason) == (State.FAILED, "publishAtPassed")
    assert (bench.videos(), [session.state for session in bench.sessions()]) == ([], ["cancelled"])


def test_work_that_is_cancelled_while_it_runs_stops_and_youtube_forgets_it(bench):
    bench.video(size=4_000_000)
    bench.limits = Limits(heartbeat=timedelta(0), portion=512 * 1024)
    operation, _ = bench.submit(upload=bench.upload())

    def source_of(named, field):
        return Interrupted(bench._source(named, field), lambda: bench.submissions.cancel(operation.id))

    after = bench.runner(source_of=source_of).run(operation.id, 1)
    assert after.state is State.CANCELLED
    (session,) = bench.sessions()
    assert session.state == "cancelled"
    assert bench.settle(operation).state is State.CANCELLED


class Interrupted:
    """A source during whose reading something happens."""

    def __init__(self, source, happens):
        self.source, self.happens = source, happens

    def describe(self):
        return self.source.describe()

    def read(self, first, described):
        for number, piece in enumerate(self.source.read(first, described)):
            if number == 5:
                self.happens()
            yield piece


class Dropping:
    """A source during whose first reading YouTube keeps none of the bytes that arrive, until somebody waits."""

    def __init__(self, bench, source):
        self.bench, self.source, self.readings, self.keep = bench, source, 0, None

    def describe(self):
        return self.source.describe()

    def read(self, first, described):
        (session,) = self.bench.sessions()
        self.readings += 1
        assert self.readings < 5, "sent again and again without a wait"
        if self.readings == 1:
            self.keep, session.received.add = session.received.add, lambda _data: None
        yield from self.source.read(first, described)

    def wait(self, _seconds):
        (session,) = self.bench.sessions()
        session.received.add = self.keep


def test_a_portion_of_which_youtube_keeps_nothing_is_sent_again_after_a_wait(bench):
    content = bench.video()
    bench.limits = Limits(portion=512 * 1024)
    operation, _ = bench.submit(upload=bench.upload())
    dropping = Dropping(bench, bench._source(bench.upload()["source"], "upload.source"))
    bench.runner(source_of=lambda *_named: dropping, sleep=dropping.wait).run(operation.id, 1)
    assert dropping.readings == 2
    assert bench.settle(operation).state is State.SUCCEEDED
    only_video(bench, content)


class Watched:
    """A source whose readings can be looked at afterwards."""

    def __init__(self, source):
        self.source, self.readings = source, []

    def describe(self):
        return self.source.describe()

    def read(self, first, described):
        self.readings.append(self.source.read(first, described))
        return self.readings[-1]


def test_a_source_that_is_left_early_is_closed(bench):
    bench.video(size=4_000_000)
    bench.limits = Limits(seconds=0, portion=512 * 1024)
    operation, _ = bench.submit(upload=bench.upload())
    watched = Watched(bench._source(bench.upload()["source"], "upload.source"))
    bench.runner(source_of=lambda *_named: watched).run(operation.id, 1)
    assert bench.get(operation).reason == "requeued"
    assert [getgeneratorstate(reading) for reading in watched.readings] == [GEN_CLOSED]


def test_an_unexpected_error_in_the_last_delivery_is_a_failed_operation_and_not_silence(bench):
    bench.video()
    operation, _ = bench.submit(upload=bench.upload())

    def broken(*_arguments):
        raise RuntimeError("a defect of ours")

    runner: Runner = bench.runner(source_of=broken)
    with pytest.raises(RuntimeError):
        runner.run(operation.id, 1)
    assert bench.get(operation).state is State.RUNNING
    with pytest.raises(RuntimeError):
        runner.run(operation.id, 1, last_delivery=True)
    assert (bench.get(operation).state, bench.get(operation).reason) == (State.FAILED, "internal")
