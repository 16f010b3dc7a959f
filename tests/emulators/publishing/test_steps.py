"""Thumbnails, updates, playlists and releases: each once, and nothing else touched."""

from dataclasses import replace
from datetime import timedelta

import pytest

from shared.collection.cache import Look, path
from shared.errors import Conflict, NotFound
from shared.publishing.attempt import LISTED_WITHIN
from shared.publishing.operation import State
from shared.quota.profile import Priority
from shared.youtube import data
from tests.emulators.publishing.bench import PNG


@pytest.fixture
def caller(bench):
    return bench.stand.caller()


@pytest.fixture
def some_video(bench, caller):
    playlist = data.my_channel(caller).uploads_playlist
    return data.playlist_items(caller, playlist).items[0].video_id


def resource(caller, video_id):
    return data.videos(caller, [video_id], parts="snippet,status").videos[0].resource


def test_an_update_changes_what_it_says_and_nothing_else(bench, caller, some_video):
    before = resource(caller, some_video)
    operation, _ = bench.submit(update={"video_id": some_video, "privacy": "unlisted"})
    assert bench.settle(operation).state is State.SUCCEEDED
    after = resource(caller, some_video)
    assert after["status"]["privacyStatus"] == "unlisted"
    assert after["snippet"] == before["snippet"]
    kept = {name: value for name, value in before["status"].items() if name not in {"privacyStatus", "publishAt"}}
    assert kept.items() <= after["status"].items()


def test_what_an_operation_has_changed_is_no_longer_what_was_kept(bench, caller, some_video):
    channel = bench.stand.channel().id

    def kept() -> Look:
        return Look(bench.stand.firestore, channel, bench.stand.clock)

    key = f"video:{some_video}"
    bench.stand.firestore.document(path(channel)).set({"channel_id": channel})
    with kept() as look:
        look.read([key], lambda _: {key: ("as it was", "")})
    operation, _ = bench.submit(update={"video_id": some_video, "privacy": "unlisted"})
    assert kept().entries.alive(key, bench.stand.clock())
    bench.settle(operation)
    assert not kept().entries.alive(key, bench.stand.clock())


def test_an_update_that_changes_nothing_costs_a_look(bench, caller, some_video):
    title = resource(caller, some_video)["snippet"]["title"]
    spent = bench.stand.ours()["default"]
    operation, _ = bench.submit(update={"video_id": some_video, "title": title})
    assert bench.settle(operation).state is State.SUCCEEDED
    assert bench.stand.ours()["default"] == spent + 1


def test_a_time_of_publication_for_a_video_that_is_public_is_refused_by_its_field(bench, caller, some_video):
    assert resource(caller, some_video)["status"]["privacyStatus"] == "public"
    tomorrow = bench.stand.clock() + timedelta(days=1)
    operation, _ = bench.submit(update={"video_id": some_video, "publish_at": tomorrow.isoformat()})
    done = bench.settle(operation)
    assert (done.state, done.reason) == (State.FAILED, "invalidPublishAt")
    assert done.message == "update.publish_at goes only with a private video, and this one is public."
    assert [call.endpoint for call in bench.stand.calls if "update" in call.endpoint] == []


def test_an_update_of_a_video_that_is_gone_fails_and_says_so(bench):
    operation, _ = bench.submit(update={"video_id": "AAAAAAAAAAA", "title": "x"})
    done = bench.settle(operation)
    assert (done.state, done.reason) == (State.FAILED, "videoNotFound")


def test_a_thumbnail_is_set_once_it_is_known_to_be_a_picture(bench, some_video):
    bench.put("thumb.png", PNG)
    source = {"bucket": "videos", "object": "thumb.png"}
    operation, _ = bench.submit(thumbnail={"video_id": some_video, "source": source})
    assert bench.settle(operation).state is State.SUCCEEDED


def test_what_is_no_picture_is_refused_before_anything_is_spent(bench, some_video):
    bench.put("thumb.png", b"GIF89a" + bytes(100))
    spent = bench.stand.ours()["default"]
    source = {"bucket": "videos", "object": "thumb.png"}
    operation, _ = bench.submit(thumbnail={"video_id": some_video, "source": source})
    done = bench.settle(operation)
    assert (done.state, done.reason) == (State.FAILED, "invalidImage")
    assert bench.stand.ours()["default"] == spent


def test_too_many_thumbnails_lately_wait_and_never_fail_the_video(bench, some_video):
    bench.put("thumb.png", PNG)
    source = {"bucket": "videos", "object": "thumb.png"}
    operation, _ = bench.submit(thumbnail={"video_id": some_video, "source": source})
    bench.stand.inject(method="youtube.thumbnails.set", kind="uploadRateLimitExceeded", times=2)
    assert bench.settle(operation).state is State.SUCCEEDED


@pytest.mark.parametrize("kind", ["drop", "backendError"])
def test_a_playlist_whose_answer_was_lost_is_found_and_not_made_twice(bench, caller, kind):
    operation, _ = bench.submit(playlist={"title": "A list of ours"})
    bench.stand.inject(method="youtube.playlists.insert", kind=kind, times=1)
    done = bench.settle(operation)
    assert done.state is State.SUCCEEDED
    ours = [one.id for one in data.my_playlists(caller) if one.title == "A list of ours"]
    assert ours == [done.results["playlist_id"]]


def test_an_entry_whose_answer_was_lost_is_not_added_twice(bench, caller, some_video):
    playlist = data.playlists_insert(caller, title="Mine")
    operation, _ = bench.submit(playlist_item={"playlist_id": playlist, "video_id": some_video})
    bench.stand.inject(method="youtube.playlistItems.insert", kind="drop", times=1)
    assert bench.settle(operation).state is State.SUCCEEDED
    assert [item.video_id for item in data.playlist_items(caller, playlist).items] == [some_video]


def endpoints(bench, *among):
    return [call.endpoint.removeprefix("youtube.") for call in bench.stand.calls if call.endpoint.endswith(among)]


def test_what_may_have_been_made_is_looked_for_twice_before_youtube_is_asked_again(bench, caller, some_video):
    playlist = data.playlists_insert(caller, title="Mine")
    work = {
        "playlists": {"playlist": {"title": "Looked for"}},
        "playlistItems": {"playlist_item": {"playlist_id": playlist, "video_id": some_video}},
    }
    for collection, asked in work.items():
        bench.stand.calls.clear()
        operation, _ = bench.submit(**asked)
        bench.stand.inject(method=f"youtube.{collection}.insert", kind="backendError", times=1)
        done = bench.settle(operation)
        insert, look = f"{collection}.insert", f"{collection}.list"
        assert endpoints(bench, "insert", "list") == [insert, look, look, insert]
        (waited,) = [event.at for event in done.history if event.reason == "answerLost"]
        assert done.history[-1].at - waited >= LISTED_WITHIN
        assert all(isinstance(found, str) for found in done.as_json()["results"].values())


def test_a_playlist_that_is_listed_only_after_the_first_look_is_found(bench, caller):
    operation, _ = bench.submit(playlist={"title": "Late"})
    bench.stand.inject(method="youtube.playlists.insert", kind="backendError", times=1)
    bench.run_due()
    while bench.get(operation).reason != "answerLost":
        bench.stand.advance(seconds=10)
        bench.run_due()
    late = data.playlists_insert(caller, title="Late")
    assert bench.settle(operation).results["playlist_id"] == late


def test_what_youtube_has_certainly_not_made_is_asked_for_again_without_a_look(bench):
    operation, _ = bench.submit(playlist={"title": "Soon"})
    bench.stand.inject(method="youtube.playlists.insert", kind="rateLimitExceeded", times=2)
    assert bench.settle(operation).state is State.SUCCEEDED
    assert endpoints(bench, "insert", "list") == ["playlists.insert"] * 3


def test_a_playlist_that_exists_already_under_an_unknown_id_is_no_success(bench):
    operation, _ = bench.submit(playlist={"title": "Mine"})
    bench.stand.inject(method="youtube.playlists.insert", kind="videoAlreadyInPlaylist", times=1)
    assert bench.settle(operation).state is State.FAILED


def test_a_video_that_is_in_the_playlist_already_is_done(bench, caller, some_video):
    playlist = data.playlists_insert(caller, title="Mine")
    bench.stand.inject(method="youtube.playlistItems.insert", kind="videoAlreadyInPlaylist", times=1)
    operation, _ = bench.submit(playlist_item={"playlist_id": playlist, "video_id": some_video})
    assert bench.settle(operation).state is State.SUCCEEDED


def test_a_release_chains_upload_thumbnail_and_playlist(bench, caller):
    bench.video()
    bench.put("thumb.png", PNG)
    release = {
        "upload": bench.upload(),
        "thumbnail": {"source": {"bucket": "videos", "object": "thumb.png"}},
        "playlist": {"title": "Releases"},
    }
    operation, quote = bench.submit(release=release)
    assert quote.cost == {"uploads": 1, "default": 153}
    done = bench.settle(operation)
    assert done.state is State.SUCCEEDED
    assert done.steps == ("transfer", "thumbnail", "playlist", "playlist_item", "processing")
    entries = data.playlist_items(caller, done.results["playlist_id"]).items
    assert [entry.video_id for entry in entries] == [done.results["video_id"]]
    assert bench.stand.ours() == bench.stand.googles()


def test_a_release_each_of_whose_answers_is_lost_once_has_one_of_everything(bench, caller):
    content = bench.video()
    bench.put("thumb.png", PNG)
    release = {
        "upload": bench.upload(),
        "thumbnail": {"source": {"bucket": "videos", "object": "thumb.png"}},
        "playlist": {"title": "Releases"},
    }
    for method in ("videos.insert", "thumbnails.set", "playlists.insert", "playlistItems.insert", "videos.list"):
        bench.stand.inject(method=f"youtube.{method}", kind="drop", times=1)
    operation, _ = bench.submit(release=release)
    done = bench.settle(operation)
    assert done.state is State.SUCCEEDED
    assert [one.received.size for one in bench.videos()] == [len(content)]
    assert [one.id for one in data.my_playlists(caller)] == [done.results["playlist_id"]]
    entries = data.playlist_items(caller, done.results["playlist_id"]).items
    assert [entry.video_id for entry in entries] == [done.results["video_id"]]


@pytest.mark.case("P7")
@pytest.mark.parametrize(
    ("method", "kind", "says"),
    [
        ("thumbnails.set", "forbidden", "YouTube says"),
        ("playlistItems.insert", "playlistContainsMaximumNumberOfVideos", "maximum allowed number of items"),
        ("playlistItems.insert", "playlistOperationUnsupported", "does not support the ability to insert videos"),
        ("playlistItems.insert", "failedPrecondition", "Precondition check failed."),
    ],
)
def test_what_a_failed_step_does_not_touch_is_done_all_the_same_and_the_release_says_both(
    bench, caller, method, kind, says
):
    bench.video()
    bench.put("thumb.png", PNG)
    mine = data.playlists_insert(caller, title="Mine")
    release = {
        "upload": bench.upload(),
        "thumbnail": {"source": {"bucket": "videos", "object": "thumb.png"}},
        "playlist_id": mine,
        "playlists": [{"title": "Mine too"}],
    }
    also = data.playlists_insert(caller, title="Mine too")
    operation, _ = bench.submit(release=release)
    bench.stand.inject(method=f"youtube.{method}", kind=kind, times=1)
    failed = bench.settle(operation)
    step = {"thumbnails.set": "thumbnail", "playlistItems.insert": "playlist_item"}[method]
    assert (failed.state, failed.reason, list(failed.failed)) == (State.FAILED, kind, [step])
    assert set(failed.done) == set(failed.steps) - {step}
    assert says in failed.message
    assert failed.message.endswith(f"Done: {', '.join(failed.done)}.")
    assert failed.as_json()["failed"].keys() == {step}
    bench.submissions.retry(operation.id)
    done = bench.settle(operation)
    assert (done.state, done.failed) == (State.SUCCEEDED, {})
    for playlist in (mine, also):
        assert [entry.video_id for entry in data.playlist_items(caller, playlist).items] == [
            done.results["video_id"]
        ]
    assert len(bench.videos()) == 1


@pytest.mark.case("P7")
def test_what_needs_a_failed_step_is_not_tried(bench, caller):
    bench.put("page.mp4", b"<html>gone</html>")
    operation, _ = bench.submit(release={"upload": bench.upload("page.mp4"), "playlist": {"title": "Never"}})
    assert bench.settle(operation).state is State.FAILED
    assert data.my_playlists(caller) == ()


@pytest.mark.case("P23")
def test_an_entry_goes_into_the_one_playlist_of_its_title(bench, caller, some_video):
    playlist = data.playlists_insert(caller, title="Mine")
    first, _ = bench.submit(playlist_item={"playlist_title": "Mine", "video_id": some_video})
    assert bench.settle(first).state is State.SUCCEEDED
    assert [entry.video_id for entry in data.playlist_items(caller, playlist).items] == [some_video]
    data.playlists_insert(caller, title="Mine")
    second, _ = bench.submit(playlist_item={"playlist_title": "Mine", "video_id": some_video})
    assert (bench.settle(second).state, bench.get(second).reason) == (State.FAILED, "playlistAmbiguous")
    third, _ = bench.submit(playlist_item={"playlist_title": "Nobody's", "video_id": some_video})
    assert (bench.settle(third).state, bench.get(third).reason) == (State.FAILED, "playlistNotFound")


def scheduled(bench, **delta):
    """An upload that is done but for its publication."""
    bench.video()
    at = bench.stand.clock() + timedelta(**delta)
    operation, _ = bench.submit(upload=bench.upload(publish_at=at.isoformat()))
    while bench.get(operation).current != "publication":
        if not bench.run_due():
            bench.stand.advance(seconds=10)
    return operation


def test_after_its_time_of_publication_a_video_is_looked_at_once_more(bench, caller):
    operation = scheduled(bench, hours=3)
    done = bench.settle(operation)
    assert (done.state, done.history[-2].message) == (State.SUCCEEDED, "The video is public.")
    assert resource(caller, done.results["video_id"])["status"]["privacyStatus"] == "public"


def test_a_video_that_is_not_public_after_its_time_is_a_failed_operation(bench, caller):
    operation = scheduled(bench, hours=3)
    video = bench.get(operation).results["video_id"]
    removal, _ = bench.submit(update={"video_id": video, "publish_at": None})
    bench.runner().run(removal.id, 1)
    assert bench.get(removal).state is State.SUCCEEDED
    assert "publishAt" not in resource(caller, video)["status"]
    failed = bench.settle(operation)
    assert (failed.state, failed.reason) == (State.FAILED, "notPublished")
    assert "is private" in failed.message


@pytest.mark.case("P16")
@pytest.mark.fault(58)
@pytest.mark.parametrize("how", ["wait", "by hand"])
def test_a_time_of_publication_that_passes_while_a_change_waits_leaves_the_video_private(bench, caller, how):
    bench.video()
    first, _ = bench.submit(upload=bench.upload())
    video = bench.settle(first).results["video_id"]
    soon = bench.stand.clock() + timedelta(minutes=10)
    operation, _ = bench.submit(update={"video_id": video, "publish_at": soon.isoformat()})
    kind = "rateLimitExceeded" if how == "wait" else "invalidPublishAt"
    bench.stand.inject(method="youtube.videos.update", kind=kind, times=5 if how == "wait" else 1)
    bench.settle(operation, within=timedelta(minutes=9))
    bench.stand.advance(minutes=20)
    if how == "by hand":
        assert bench.get(operation).reason == "invalidPublishAt"
        bench.submissions.retry(operation.id)
    failed = bench.settle(operation)
    assert (failed.state, failed.reason) == (State.FAILED, "publishAtPassed")
    assert resource(caller, video)["status"]["privacyStatus"] == "private"


@pytest.mark.case("P16")
def test_a_time_of_publication_that_passes_between_the_look_and_the_change_is_noticed(bench, caller):
    bench.video()
    first, _ = bench.submit(upload=bench.upload())
    video = bench.settle(first).results["video_id"]
    soon = bench.stand.clock() + timedelta(minutes=10)
    operation, _ = bench.submit(update={"video_id": video, "publish_at": soon.isoformat()})

    def caller_for(asked):
        return replace(bench._caller(asked), calls=lambda _call: bench.stand.advance(minutes=10))

    failed = bench.runner(caller_for=caller_for).run(operation.id, 1)
    assert (failed.state, failed.reason) == (State.FAILED, "publishAtPassed")
    assert resource(caller, video)["status"]["privacyStatus"] == "private"


@pytest.mark.case("P22")
def test_one_key_stands_for_one_operation_of_each_channel(bench):
    first, _ = bench.submit("same-key", playlist={"title": "one"})
    second, _ = bench.submit("same-key", channel_id=bench.neighbour_id, playlist={"title": "two"})
    assert first.id != second.id


def test_an_update_whose_answer_was_lost_is_seen_to_be_done(bench, caller, some_video):
    operation, _ = bench.submit(update={"video_id": some_video, "title": "Changed"})
    bench.stand.inject(method="youtube.videos.update", kind="drop", times=1)
    assert bench.settle(operation).state is State.SUCCEEDED
    assert resource(caller, some_video)["snippet"]["title"] == "Changed"
    assert sum(call.endpoint == "youtube.videos.update" for call in bench.stand.calls) == 1


def test_two_playlists_of_one_title_are_two_even_when_an_answer_was_lost(bench, caller):
    first, _ = bench.submit(playlist={"title": "Twice"})
    made = bench.settle(first).results["playlist_id"]
    second, _ = bench.submit(playlist={"title": "Twice"})
    bench.stand.inject(method="youtube.playlists.insert", kind="backendError", times=1)
    also = bench.settle(second).results["playlist_id"]
    assert {one.id for one in data.my_playlists(caller)} == {made, also}
    assert made != also


@pytest.mark.fault(24)
def test_a_release_for_later_waits_for_its_time(bench):
    bench.video()
    at = bench.stand.clock().replace(microsecond=0)
    later = at + timedelta(days=40)
    operation, quote = bench.submit(upload=bench.upload(), not_before=later.isoformat())
    assert (quote.runs_at, quote.why_not_now) == (later, "It was asked for this time.")
    bench.run_due()
    assert bench.videos() == []
    # Forty days are further than a task can be scheduled: it is reached in two hops.
    done = bench.settle(operation, within=timedelta(days=60))
    assert done.state is State.SUCCEEDED
    assert done.history[-1].at >= later


def test_a_key_that_stood_for_something_else_is_refused(bench):
    bench.submit("same-key", playlist={"title": "one"})
    with pytest.raises(Conflict) as refused:
        bench.submit("same-key", playlist={"title": "two"})
    assert refused.value.field == "idempotency_key"


@pytest.mark.parametrize(("title", "refused"), [("one", False), ("two", True)])
def test_of_two_requests_at_once_under_one_key_the_second_is_the_first_or_refused(bench, title, refused):
    first = []

    def estimate(works, promised):
        """While one request is priced, the other is accepted."""
        if not first:
            first.append(None)
            first[0] = bench.submit("same-key", playlist={"title": "one"})[0]
        return bench.stand.quote(works, promised)

    second = replace(bench.submissions, estimate=estimate)
    body = {"idempotency_key": "same-key", "channel_id": bench.channel_id, "playlist": {"title": title}}
    if refused:
        with pytest.raises(Conflict) as conflict:
            second.submit(body)
        assert conflict.value.reason == "idempotencyKeyReused"
    else:
        assert second.submit(body)[0].id == first[0].id
    assert bench.settle(first[0]).state is State.SUCCEEDED
    assert [one.title for one in data.my_playlists(bench.stand.caller())] == ["one"]


def test_a_request_that_was_accepted_is_known_again_after_its_time_of_publication(bench):
    bench.video()
    soon = bench.stand.clock() + timedelta(hours=1)
    first, _ = bench.submit("same-key", upload=bench.upload(publish_at=soon.isoformat()))
    bench.stand.advance(hours=2)
    again, quote = bench.submit("same-key", upload=bench.upload(publish_at=soon.isoformat()))
    assert (again.id, quote.cost["uploads"]) == (first.id, 1)
    with pytest.raises(Conflict) as refused:
        bench.submit("same-key", upload=bench.upload(title="", publish_at=soon.isoformat()))
    assert refused.value.reason == "idempotencyKeyReused"


def test_a_request_that_was_accepted_is_known_again_after_its_channel_was_disconnected(bench):
    first, _ = bench.submit("same-key", playlist={"title": "one"})
    bench.stand.firestore.document("channels", bench.channel_id).delete()
    assert bench.submit("same-key", playlist={"title": "one"})[0].id == first.id


def test_a_channel_that_is_not_connected_is_refused(bench):
    bench.channel_id = "UC" + "x" * 22
    with pytest.raises(NotFound):
        bench.submit(playlist={"title": "x"})


def test_critical_work_uses_the_reserve_when_everybody_else_has_to_wait(bench):
    ledger, profile = bench.stand.ledger, bench.stand.ledger.profile
    bucket = profile.bucket("default")
    ledger.reserve(
        method="youtube.playlists.insert",
        account=bench.user,
        count=(bucket.limit - bucket.reserve) // 50,
        priority=Priority.HIGH,
    )
    waiting, told = bench.submit(playlist={"title": "Plain"})
    urgent, quote = bench.submit(playlist={"title": "Urgent"}, critical=True)
    assert told.why_not_now
    assert quote.why_not_now == ""
    bench.run_due()
    assert (bench.get(waiting).state, bench.get(waiting).reason) == (State.WAITING, "reserveKept")
    assert bench.get(urgent).state is State.SUCCEEDED
