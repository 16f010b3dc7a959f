"""Channels, videos, playlists and search, read with Google's own client."""

from __future__ import annotations

from typing import Any

import pytest
from defusedxml.ElementTree import fromstring
from googleapiclient.errors import HttpError

from infra.local.simulator import discovery
from tests.end_to_end.simulator import plain
from tests.end_to_end.simulator.data_world import READONLY, YOUTUBE, Stage, reason


@pytest.fixture(scope="module")
def mine(stage: Stage) -> Any:
    return stage.youtube(stage.channel().id, scope=READONLY)


ALL_PARTS = "snippet,status,statistics,contentDetails,player,recordingDetails,localizations,topicDetails"
OWNERS_PARTS = f"{ALL_PARTS},processingDetails,fileDetails,suggestions,paidProductPlacementDetails"


def fits(method: str, answer: Any) -> bool:
    return discovery.response_errors(method, answer) == []


def test_the_own_channel_comes_with_its_uploads_playlist(stage: Stage, mine: Any):
    parts = "snippet,statistics,contentDetails,status,brandingSettings,localizations,topicDetails"
    answer = mine.channels().list(mine=True, part=parts).execute()
    assert fits("youtube.channels.list", answer)
    (channel,) = answer["items"]
    assert channel["id"] == stage.channel().id
    assert channel["contentDetails"]["relatedPlaylists"]["uploads"] == "UU" + channel["id"][2:]
    assert channel["status"]["isChannelMonetizationEnabled"] is stage.channel().monetised


def test_channels_come_by_id_and_handle_and_unknown_ones_are_absent(stage: Stage, mine: Any):
    other = stage.channel(2)
    answer = mine.channels().list(id=f"{other.id},UCnobody", part="snippet,statistics").execute()
    assert [one["id"] for one in answer["items"]] == [other.id]
    by_handle = mine.channels().list(forHandle=other.handle, part="id").execute()
    assert by_handle["items"][0]["id"] == other.id


def test_a_list_without_channels_has_no_items_at_all(mine: Any):
    answer = mine.channels().list(id="UCnobody", part="snippet").execute()
    assert "items" not in answer
    assert fits("youtube.channels.list", answer)


@pytest.mark.parametrize(
    ("filters", "expected"),
    [({}, "missingRequiredParameter"), ({"mine": True, "id": "UCx"}, "incompatibleParameters")],
)
def test_a_list_takes_exactly_one_filter(mine: Any, filters: dict[str, Any], expected: str):
    with pytest.raises(HttpError) as refused:
        mine.channels().list(part="snippet", **filters).execute()
    assert refused.value.status_code == 400
    assert reason(refused.value) == expected


def test_an_account_without_a_channel_has_to_sign_up(stage: Stage):
    account = stage.simulator.world.accounts[0]
    with stage.http(None, account=account) as nobody:
        answer = nobody.get("/youtube/v3/channels?mine=true&part=id")
    assert answer.status_code == 401
    assert answer.json()["error"]["errors"][0]["reason"] == "youtubeSignupRequired"


def test_the_owner_sees_all_parts_of_a_video(stage: Stage, mine: Any):
    video = stage.control(f"videos?channel_id={stage.channel().id}")["videos"][0]
    answer = mine.videos().list(id=video["id"], part=OWNERS_PARTS).execute()
    assert fits("youtube.videos.list", answer)
    (one,) = answer["items"]
    assert one["snippet"]["title"] == video["title"]
    assert int(one["statistics"]["viewCount"]) >= video["views"]
    assert "dislikeCount" in one["statistics"]
    assert one["processingDetails"]["processingStatus"] == "succeeded"


def test_others_see_no_dislikes_and_may_not_ask_for_the_owners_parts(stage: Stage):
    video = stage.control(f"videos?channel_id={stage.channel().id}")["videos"][0]
    stranger = stage.youtube(stage.channel(2).id)
    answer = stranger.videos().list(id=video["id"], part=ALL_PARTS).execute()
    assert "dislikeCount" not in answer["items"][0]["statistics"]
    with pytest.raises(HttpError) as refused:
        stranger.videos().list(id=video["id"], part="processingDetails").execute()
    assert (refused.value.status_code, reason(refused.value)) == (403, "forbidden")


@pytest.mark.fault(35)
def test_unknown_deleted_and_foreign_private_ids_are_simply_absent(stage: Stage, mine: Any):
    channel_id, other_id = stage.channel().id, stage.channel(2).id
    kept = stage.control("videos", {"channel_id": channel_id, "title": "kept"})["id"]
    deleted = stage.control("videos", {"channel_id": channel_id, "title": "deleted"})["id"]
    stage.control("videos", {"video_id": deleted, "delete": True})
    hidden = stage.control("videos", {"channel_id": other_id, "privacy": "private"})["id"]
    own_private = stage.control("videos", {"channel_id": channel_id, "privacy": "private"})["id"]
    asked = f"{kept},{deleted},{hidden},{own_private},nonexistent"
    answer = mine.videos().list(id=asked, part="id,snippet").execute()
    assert [one["id"] for one in answer["items"]] == [kept, own_private]
    stats = mine.videos().batchGetStats(id=asked, part="statistics").execute()
    assert [one["id"] for one in stats["items"]] == [kept, own_private]


def test_more_than_fifty_ids_are_refused(stage: Stage, mine: Any):
    ids = ",".join(f"video{number:06d}" for number in range(51))
    for method in (mine.videos().list, mine.videos().batchGetStats):
        with pytest.raises(HttpError) as refused:
            method(id=ids, part="snippet").execute()
        assert refused.value.status_code == 400


def test_batch_get_stats_tells_counters_publication_and_length(stage: Stage, mine: Any):
    videos = stage.control(f"videos?channel_id={stage.channel().id}")["videos"]
    ids = [video["id"] for video in videos[:50]]
    answer = mine.videos().batchGetStats(id=",".join(ids), part="snippet,statistics,contentDetails").execute()
    assert fits("youtube.videos.batchGetStats", answer)
    assert [one["id"] for one in answer["items"]] == ids
    assert set(answer["items"][0]["statistics"]) == {"viewCount", "likeCount", "commentCount"}


@pytest.mark.fault(35)
@pytest.mark.parametrize(("told", "method"), [("batch-get-stats", "batchGetStats"), ("videos-list", "list")])
def test_a_listing_leaves_an_id_out_when_told_so(stage: Stage, mine: Any, told: str, method: str):
    ids = [video["id"] for video in stage.control(f"videos?channel_id={stage.channel().id}")["videos"][:3]]
    stage.control(told, {"omit": [ids[1]]})

    def seen() -> list[str]:
        answer = getattr(mine.videos(), method)(id=",".join(ids), part="statistics").execute()
        return [one["id"] for one in answer["items"]]

    assert seen() == [ids[0], ids[2]]
    assert seen() == ids


@pytest.mark.parametrize("method", ["batchGetStats", "list"])
def test_a_count_that_is_hidden_is_absent(stage: Stage, mine: Any, method: str):
    video = stage.control("videos", {"channel_id": stage.channel().id, "title": "no comments"})["id"]
    stage.control("videos", {"video_id": video, "hidden_counts": ["commentCount"]})
    [shown] = getattr(mine.videos(), method)(id=video, part="statistics").execute()["items"]
    assert "commentCount" not in shown["statistics"]
    assert {"viewCount", "likeCount"} <= set(shown["statistics"])


def test_the_uploads_playlist_shows_every_video_once_over_its_pages(stage: Stage, mine: Any):
    channel_id = stage.channel().id
    expected = [video["id"] for video in stage.control(f"videos?channel_id={channel_id}")["videos"]]
    seen, request = (
        [],
        mine.playlistItems().list(
            playlistId="UU" + channel_id[2:], part="snippet,contentDetails,status", maxResults=50
        ),
    )
    while request is not None:
        answer = request.execute()
        assert fits("youtube.playlistItems.list", answer)
        assert answer["pageInfo"]["totalResults"] == len(expected)
        seen += [item["contentDetails"]["videoId"] for item in answer["items"]]
        request = mine.playlistItems().list_next(request, answer)
    assert seen == expected


def test_a_wrong_page_token_and_a_missing_playlist_are_refused(stage: Stage, mine: Any):
    uploads = "UU" + stage.channel().id[2:]
    with pytest.raises(HttpError) as refused:
        mine.playlistItems().list(playlistId=uploads, part="id", pageToken="CAUQAA").execute()
    assert (refused.value.status_code, reason(refused.value)) == (400, "invalidPageToken")
    with pytest.raises(HttpError) as refused:
        mine.playlistItems().list(playlistId="PLnothing", part="id").execute()
    assert (refused.value.status_code, reason(refused.value)) == (404, "playlistNotFound")


def test_search_finds_ones_own_videos_private_ones_too(stage: Stage, mine: Any):
    stage.control("videos", {"channel_id": stage.channel().id, "title": "zebra crossing", "privacy": "private"})
    answer = mine.search().list(part="snippet", forMine=True, type="video", q="zebra").execute()
    assert fits("youtube.search.list", answer)
    assert [one["snippet"]["title"] for one in answer["items"]] == ["zebra crossing"]
    stranger = stage.youtube(stage.channel(2).id)
    found = stranger.search().list(part="snippet", channelId=stage.channel().id, q="zebra").execute()
    assert found["items"] == []


def test_an_answer_that_the_caller_holds_is_not_sent_again(stage: Stage):
    with stage.http(stage.channel().id) as http:
        address = f"/youtube/v3/channels?part=snippet&id={stage.channel().id}"
        tag = http.get(address).json()["etag"]
        assert http.get(address, headers={"If-None-Match": tag}).status_code == 304
        assert http.get(address, headers={"If-None-Match": "other"}).status_code == 200


def test_a_suspended_channel_disappears_and_cannot_act(stage: Stage):
    channel = stage.channel(3)
    owner, other = stage.youtube(channel.id), stage.youtube(stage.channel().id)
    video = stage.control("videos", {"channel_id": channel.id})["id"]
    channel.state = "suspended"
    try:
        with pytest.raises(HttpError) as refused:
            owner.channels().list(mine=True, part="id").execute()
        assert (refused.value.status_code, reason(refused.value)) == (403, "channelSuspended")
        assert "items" not in other.channels().list(id=channel.id, part="id").execute()
        assert other.videos().list(id=video, part="id").execute()["items"] == []
    finally:
        channel.state = "ok"


def test_the_public_feed_shows_fifteen_videos_to_anybody(stage: Stage):
    for number in range(16):
        stage.control("videos", {"channel_id": stage.channel(1).id, "title": f"Number {number}"})
    for path in ("/xml/feeds/videos.xml", "/feeds/videos.xml"):
        answer = plain.http().get(f"{stage.root}{path}?channel_id={stage.channel(1).id}")
        assert len(fromstring(answer.content).findall("{http://www.w3.org/2005/Atom}entry")) == 15
        assert plain.http().get(f"{stage.root}{path}?channel_id=UCx").status_code == 404


def test_a_scope_that_only_reads_cannot_write(stage: Stage, mine: Any):
    with pytest.raises(HttpError) as refused:
        mine.playlists().insert(part="snippet", body={"snippet": {"title": "x"}}).execute()
    assert (refused.value.status_code, reason(refused.value)) == (403, "insufficientPermissions")
    assert stage.youtube(stage.channel().id, scope=YOUTUBE)


def test_what_the_simulator_does_not_know_it_says_aloud(mine: Any):
    for request in (
        mine.videos().list(chart="mostPopular", part="id"),
        mine.channels().list(managedByMe=True, part="id"),
        mine.channels().list(mine=True, part="id", hl="de"),
        mine.videos().list(id="x", part="id", maxHeight=720),
        mine.playlists().list(mine=True, part="id", hl="de"),
        mine.search().list(part="id", q="everything"),
        mine.search().list(part="id", forMine=True, type="video", videoDuration="long"),
    ):
        with pytest.raises(HttpError) as refused:
            request.execute()
        assert (refused.value.status_code, reason(refused.value)) == (501, "notImplemented")


def test_nobody_acts_for_a_content_owner(mine: Any):
    with pytest.raises(HttpError) as refused:
        mine.channels().list(mine=True, part="id", onBehalfOfContentOwner="somebody").execute()
    assert (refused.value.status_code, reason(refused.value)) == (403, "forbidden")
