"""Sizes at the very edge of what YouTube takes, and what is said to YouTube in so many words."""

import pytest

from shared.publishing.media import IMAGE_MAX, VIDEO_MAX
from shared.publishing.operation import State
from shared.publishing.sources import Described
from shared.youtube import data
from tests.emulators.publishing.bench import MP4, PNG


class Claimed:
    """A source of any size that it claims to have."""

    field_name = "any.source"

    def __init__(self, size, head):
        self.described, self.content = Described(size, "one", head), head

    def describe(self):
        return self.described

    def read(self, _first, _described):
        yield self.content


@pytest.mark.parametrize(("size", "taken"), [(VIDEO_MAX, True), (VIDEO_MAX + 1, False)])
def test_the_largest_video_is_taken_and_one_byte_more_costs_nothing(bench, size, taken):
    bench.sources["https://files.example/a"] = Claimed(size, MP4)
    source = {"url": "https://files.example/a"}
    operation, _ = bench.submit(upload={"source": source, "title": "t", "made_for_kids": False})
    bench.run_due()
    assert [session.total for session in bench.sessions()] == [size] * taken
    assert bench.stand.ours()["uploads"] == taken
    assert taken or (bench.get(operation).state, bench.get(operation).reason) == (State.FAILED, "notAVideo")


@pytest.mark.parametrize(("size", "taken"), [(IMAGE_MAX, True), (IMAGE_MAX + 1, False)])
def test_the_largest_thumbnail_is_taken_and_one_byte_more_costs_nothing(bench, size, taken):
    caller = bench.stand.caller()
    video = data.playlist_items(caller, data.my_channel(caller).uploads_playlist).items[0].video_id
    bench.sources["https://files.example/a"] = Claimed(size, PNG)
    operation, _ = bench.submit(thumbnail={"video_id": video, "source": {"url": "https://files.example/a"}})
    done = bench.settle(operation)
    assert (done.state, done.reason) == ((State.SUCCEEDED, "") if taken else (State.FAILED, "invalidImage"))
    assert [call.endpoint for call in bench.stand.calls if "thumbnails" in call.endpoint] == [
        "youtube.thumbnails.set"
    ] * taken


@pytest.mark.parametrize(("asked", "told"), [({}, False), ({"notify_subscribers": True}, True)])
def test_whether_subscribers_are_notified_is_said_because_youtubes_own_default_is_yes(bench, asked, told):
    bench.video()
    operation, _ = bench.submit(upload=bench.upload(**asked))
    assert bench.settle(operation).state is State.SUCCEEDED
    (session,) = bench.sessions()
    assert session.parameters["notifySubscribers"] is told
