"""What a fault means beyond its operation is done where the operation ends, and is seen where people look."""

from datetime import timedelta

import pytest

from shared import channels
from shared.channels import Capability
from shared.errors import Forbidden
from shared.monitoring import alerts
from shared.publishing.operation import State
from shared.youtube import data


def failed(bench, kind, method="youtube.playlists.insert", **work):
    operation, _ = bench.submit(**(work or {"playlist": {"title": "A list"}}))
    bench.stand.inject(method=method, kind=kind, times=20)
    done = bench.settle(operation)
    bench.stand.simulator.faults.clear()
    assert done.state is State.FAILED
    return done


@pytest.mark.parametrize("kind", ["insufficientPermissions", "channelSuspended", "youtubeSignupRequired"])
def test_a_connection_that_cannot_publish_any_more_is_marked_and_new_work_refused_with_the_reason(bench, kind):
    failed(bench, kind)
    channel = channels.get(bench.stand.firestore, bench.channel_id)
    assert channel.capabilities["publish"] == Capability(have=False, reason=kind)
    assert channel.working  # what reads goes on
    with pytest.raises(Forbidden) as refused:
        bench.submit(playlist={"title": "Another list"})
    assert refused.value.reason == kind


@pytest.mark.parametrize("kind", ["forbidden", "invalidTitle"])
def test_a_connection_that_is_not_at_fault_is_left_as_it_is(bench, kind):
    failed(bench, kind)
    assert channels.get(bench.stand.firestore, bench.channel_id).can("publish")


def test_a_known_video_that_youtube_has_no_more_is_marked_as_deleted(bench):
    document = bench.stand.firestore.document("videos", "AAAAAAAAAAA")
    then = bench.stand.clock() - timedelta(days=1)
    document.set({"channel_id": bench.channel_id, "updated": then, "state": "new"})
    failed(bench, "videoNotFound", "youtube.videos.list", update={"video_id": "AAAAAAAAAAA", "title": "x"})
    assert document.get().get("state") == "deleted"


@pytest.mark.parametrize("owner", [None, "UC" + "z" * 22])
def test_a_video_that_is_not_this_channels_is_not_marked(bench, owner):
    document = bench.stand.firestore.document("videos", "AAAAAAAAAAA")
    then = bench.stand.clock() - timedelta(days=1)
    if owner:
        document.set({"channel_id": owner, "updated": then, "state": "new"})
    failed(bench, "videoNotFound", "youtube.videos.list", update={"video_id": "AAAAAAAAAAA", "title": "x"})
    found = document.get()
    assert found.exists == bool(owner)
    assert not owner or found.get("state") == "new"


def test_a_project_whose_api_is_off_alerts_the_operator_until_the_api_answers(bench):
    failed(bench, "accessNotConfigured")
    (alert,) = alerts.firing(bench.stand.firestore)
    assert (alert.key, "not enabled" in alert.message) == (alerts.of_api("youtube"), True)
    operation, _ = bench.submit(playlist={"title": "Another list"})
    assert bench.settle(operation).state is State.SUCCEEDED
    assert alerts.firing(bench.stand.firestore) == ()
    assert [one.title for one in data.my_playlists(bench.stand.caller())] == ["Another list"]
