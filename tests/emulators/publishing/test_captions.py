"""Captions: a track of each language and name, set, replaced and deleted, each once."""

import hashlib
from dataclasses import replace

import pytest

from infra.local.simulator.data.captions import Captions, Track
from shared.channels import Capability, set_capabilities
from shared.errors import Forbidden
from shared.publishing.attempt import LISTED_WITHIN
from shared.publishing.operation import State
from shared.youtube import data
from tests.emulators.publishing.bench import PNG

SRT = b"1\n00:00:01,000 --> 00:00:02,000\nHello\n"


@pytest.fixture
def video(bench):
    caller = bench.stand.caller()
    return data.uploads(caller, data.my_channel(caller).uploads_playlist).items[0].video_id


@pytest.fixture
def tracks(bench):
    return bench.stand.simulator.room(Captions)


def setting(bench, video, content=SRT, **fields):
    bench.put("words.srt", content)
    source = {"bucket": "videos", "object": "words.srt"}
    return bench.submit(caption={"video_id": video, "language": "en", "source": source, **fields})[0]


def asked(bench):
    called = [call.endpoint for call in bench.stand.calls]
    return [name.removeprefix("youtube.captions.") for name in called if "captions" in name]


def test_captions_are_added_and_then_replaced(bench, video, tracks):
    added = bench.settle(setting(bench, video, draft=True))
    (track,) = tracks.of(video)
    assert (added.state, added.results["caption_id"]) == (State.SUCCEEDED, track.id)
    assert (track.language, track.name, track.draft) == ("en", "", True)
    replaced = bench.settle(setting(bench, video, SRT * 2))
    assert (replaced.state, replaced.results) == (State.SUCCEEDED, {"caption_id": track.id})
    assert tracks.of(video) == [track]
    assert (track.sha256, track.draft) == (hashlib.sha256(SRT * 2).hexdigest(), False)
    assert asked(bench) == ["list", "insert", "list", "update"]
    assert bench.stand.ours() == bench.stand.googles()


def test_captions_of_another_name_or_made_by_youtube_stay_as_they_are(bench, video, tracks):
    automatic = Track("asr", video, "en", "", False, bench.stand.clock(), kind="ASR")
    named = Track("named", video, "en", "For children", False, bench.stand.clock())
    tracks.all |= {track.id: track for track in (replace(automatic, language="EN"), named)}
    assert bench.settle(setting(bench, video)).state is State.SUCCEEDED
    assert len(tracks.of(video)) == 3
    assert named.sha256 == ""


@pytest.mark.parametrize("kind", ["drop", "backendError"])
def test_captions_whose_answer_was_lost_are_found_or_added_again_and_never_paid_for_as_a_change(
    bench, video, tracks, kind
):
    operation = setting(bench, video)
    bench.stand.inject(method="youtube.captions.insert", kind=kind, times=1)
    done = bench.settle(operation)
    (track,) = tracks.of(video)
    assert (done.state, done.results["caption_id"]) == (State.SUCCEEDED, track.id)
    assert "update" not in asked(bench)
    waits = [event for event in done.history if event.reason == "answerLost"]
    assert all(done.history[-1].at - event.at >= LISTED_WITHIN for event in waits)


def test_captions_are_deleted_and_what_is_not_there_is_deleted_already(bench, video, tracks):
    bench.settle(setting(bench, video))
    bench.settle(setting(bench, video, name="Short"))
    for message in ("The captions are deleted.", "The video has no such captions."):
        operation, quote = bench.submit(caption_delete={"video_id": video, "language": "en"})
        assert quote.cost == {"default": 100}
        done = bench.settle(operation)
        assert (done.state, done.history[-2].message) == (State.SUCCEEDED, message)
    assert [track.name for track in tracks.of(video)] == ["Short"]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "is empty"),
        (b"<!doctype html><html>", "is a web page"),
        (PNG, "is a picture"),
    ],
)
def test_what_surely_are_no_captions_costs_nothing(bench, video, content, says):
    spent = bench.stand.ours()["default"]
    failed = bench.settle(setting(bench, video, content))
    assert (failed.state, failed.reason, bench.stand.ours()["default"]) == (State.FAILED, "invalidCaption", spent)
    assert says in failed.message


def test_captions_need_a_permission_of_their_own(bench, video):
    lacking = Capability(have=False, reason="notAsked")
    set_capabilities(
        bench.stand.firestore, bench.channel_id, {"captions": lacking}, bench.stand.clock(), probe_at=None
    )
    with pytest.raises(Forbidden) as refused:
        setting(bench, video)
    assert refused.value.reason == "captionsNotGranted"
    assert bench.submit(update={"video_id": video, "title": "May be changed"})


def test_a_permission_that_youtube_denies_ends_captions_and_leaves_publishing(bench, video):
    bench.stand.inject(method="youtube.captions.insert", kind="insufficientPermissions", times=1)
    assert bench.settle(setting(bench, video)).reason == "insufficientPermissions"
    with pytest.raises(Forbidden):
        setting(bench, video)
    assert bench.submit(update={"video_id": video, "title": "May be changed"})
