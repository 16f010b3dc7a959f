"""How the video of an upload whose answer was lost is told apart, where YouTube does not show its file's name."""

import hashlib
from datetime import timedelta

from infra.local.simulator.uploads.sessions import Whole
from shared.publishing.attempt import SKEW, Limits
from shared.publishing.operation import State


def begun_and_lost(bench):
    """An upload under way whose session YouTube has forgotten, without a video so far."""
    operation, _ = bench.submit(upload=bench.upload())
    bench.stand.inject(method="upload.session", kind="backendError", times=20, skip=2)
    bench.runner(sleep=lambda _seconds: None).run(operation.id, 1)
    bench.stand.simulator.faults.clear()
    session = bench.sessions()[-1]
    session.end("lost")
    return operation, session


def video_of(session, content):
    """The video that YouTube made of a session all the same, without its file's name."""
    whole = Whole(len(content), hashlib.sha256(content).hexdigest(), content[:64], session.media_type)
    return session.finish(whole)["id"]


def test_a_video_of_the_same_title_and_size_is_the_upload_s_own(bench):
    content = bench.video()
    operation, session = begun_and_lost(bench)
    video_id = video_of(session, content)
    assert bench.settle(operation).results["video_id"] == video_id
    assert len(bench.sessions()) == 1


def test_a_video_that_another_operation_has_made_is_not_this_one_s(bench):
    content = bench.video()
    first, session = begun_and_lost(bench)
    video_id = video_of(session, content)
    assert bench.settle(first).results["video_id"] == video_id
    second, _session = begun_and_lost(bench)
    assert bench.get(second).upload["begun_at"] - bench.get(first).upload.get("begun_at", first.created_at) < SKEW
    assert bench.settle(second).results["video_id"] != video_id
    assert len(bench.videos()) == 1


def test_a_video_of_another_size_is_not_the_upload_s(bench):
    content = bench.video()
    operation, session = begun_and_lost(bench)
    video_id = video_of(session, content + b"x")
    assert bench.settle(operation).results["video_id"] != video_id
    assert len(bench.videos()) == 1


def test_a_video_of_another_title_is_not_the_upload_s(bench):
    content = bench.video()
    operation, session = begun_and_lost(bench)
    video_id = video_of(session, content)
    bench.stand.simulator.world.video(video_id, bench.stand.clock()).title = "Something else"
    assert bench.settle(operation).results["video_id"] != video_id
    assert len(bench.videos()) == 1


def test_a_video_that_the_channel_had_before_the_upload_began_is_not_the_upload_s(bench):
    content = bench.video()
    _earlier, session = begun_and_lost(bench)
    bench.box.waiting.clear()  # nobody will name that video as his
    video_id = video_of(session, content)
    bench.stand.advance(seconds=(SKEW + timedelta(minutes=5)).total_seconds())
    operation, _session = begun_and_lost(bench)
    assert bench.settle(operation).results["video_id"] != video_id
    assert len(bench.videos()) == 1


def test_an_upload_whose_session_is_lost_again_and_again_is_begun_again_three_times(bench):
    bench.video(size=4_000_000)
    bench.limits = Limits(seconds=0, portion=512 * 1024)
    operation, _ = bench.submit(upload=bench.upload())
    for _ in range(100):
        if bench.get(operation).ended:
            break
        for session in bench.sessions():
            if session.state == "open" and session.stored:
                session.end("lost")
        bench.stand.advance(seconds=30)
        bench.run_due()
    done = bench.get(operation)
    assert (done.state, done.reason) == (State.FAILED, "uploadSessionGone")
    assert len(bench.sessions()) == 1 + 3
