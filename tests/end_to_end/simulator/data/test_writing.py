"""Updates, deletions, thumbnails and playlists, and everything that YouTube refuses of them."""

from __future__ import annotations

import io
from typing import Any

import pytest
from googleapiclient.errors import HttpError
from googleapiclient.http import MediaIoBaseUpload

from infra.local.simulator import discovery
from tests.end_to_end.simulator.data_world import Stage, reason

PNG = b"\x89PNG\r\n\x1a\n" + bytes(100)
FORCE_SSL = "https://www.googleapis.com/auth/youtube.force-ssl"
JPEG = b"\xff\xd8\xff\xe0" + bytes(100)


@pytest.fixture
def owner(stage: Stage) -> Any:
    stage.control("quota", {"used": {"default": 0}})
    return stage.youtube(stage.channel().id)


@pytest.fixture
def video(stage: Stage) -> str:
    """A public video of the owner's channel, published in Studio."""
    return str(stage.control("videos", {"channel_id": stage.channel().id, "title": "Before"})["id"])


def refusal(request: Any) -> tuple[int, str]:
    with pytest.raises(HttpError) as refused:
        request.execute()
    return refused.value.status_code, reason(refused.value)


def test_an_update_replaces_the_part_and_what_is_not_sent_is_lost(owner: Any, video: str):
    full = {"title": "After", "categoryId": "27", "description": "words", "tags": ["one", "two"]}
    owner.videos().update(part="snippet", body={"id": video, "snippet": full}).execute()
    bare = {"title": "Again", "categoryId": "27"}
    answer = owner.videos().update(part="snippet", body={"id": video, "snippet": bare}).execute()
    assert discovery.response_errors("youtube.videos.update", answer) == []
    assert answer["snippet"]["description"] == ""
    assert "tags" not in answer["snippet"]


def test_changing_the_privacy_alone_drops_embedding_and_public_statistics(owner: Any, video: str):
    before = owner.videos().list(id=video, part="status").execute()["items"][0]["status"]
    assert before["embeddable"]
    assert before["publicStatsViewable"]
    body = {"id": video, "status": {"privacyStatus": "unlisted"}}
    after = owner.videos().update(part="status", body=body).execute()["status"]
    assert (after["privacyStatus"], after["embeddable"], after["publicStatsViewable"]) == (
        "unlisted",
        False,
        False,
    )


def test_a_part_that_is_not_sent_stays_as_it_was(owner: Any, video: str):
    status = {"privacyStatus": "public", "selfDeclaredMadeForKids": True, "license": "creativeCommon"}
    owner.videos().update(part="status", body={"id": video, "status": status}).execute()
    snippet = {"title": "Other", "categoryId": "22"}
    owner.videos().update(part="snippet", body={"id": video, "snippet": snippet}).execute()
    kept = owner.videos().list(id=video, part="status").execute()["items"][0]["status"]
    assert (kept["license"], kept["madeForKids"], kept["selfDeclaredMadeForKids"]) == (
        "creativeCommon",
        True,
        True,
    )


@pytest.mark.parametrize(
    ("part", "values", "expected"),
    [
        ("snippet", {"title": "no category"}, "invalidVideoMetadata"),
        ("snippet", {"title": "x" * 101, "categoryId": "22"}, "invalidTitle"),
        ("snippet", {"title": "", "categoryId": "22"}, "invalidTitle"),
        ("snippet", {"title": "t", "categoryId": "22", "description": "d" * 5001}, "invalidDescription"),
        ("snippet", {"title": "t", "categoryId": "22", "tags": ["t" * 501]}, "invalidTags"),
        ("snippet", {"title": "t", "categoryId": "18"}, "invalidCategoryId"),
        ("status", {"privacyStatus": "public", "publishAt": "2027-01-01T00:00:00Z"}, "invalidPublishAt"),
        ("status", {"privacyStatus": "private", "publishAt": "2027-01-01T00:00:00Z"}, "invalidPublishAt"),
        ("localizations", {"de": {"title": "Titel"}}, "defaultLanguageNotSetError"),
        ("recordingDetails", {"recordingDate": "yesterday"}, "invalidRecordingDetails"),
    ],
)
def test_metadata_that_youtube_refuses(owner: Any, video: str, part: str, values: dict[str, Any], expected: str):
    body = {"id": video, part: values}
    assert refusal(owner.videos().update(part=part, body=body)) == (400, expected)


def test_a_schedule_publishes_by_the_clock(stage: Stage, owner: Any):
    video = stage.control("videos", {"channel_id": stage.channel().id, "privacy": "private"})["id"]
    at = "2030-01-01T00:00:00Z"
    stage.control("clock", {"set": "2029-12-31T23:50:00Z"})
    owner = stage.youtube(stage.channel().id)
    body = {"id": video, "status": {"privacyStatus": "private", "publishAt": at}}
    assert owner.videos().update(part="status", body=body).execute()["status"]["publishAt"] == at
    stage.pass_time(500)
    assert (
        owner.videos().list(id=video, part="status").execute()["items"][0]["status"]["privacyStatus"] == "private"
    )
    stage.pass_time(200)
    assert (
        owner.videos().list(id=video, part="status").execute()["items"][0]["status"]["privacyStatus"] == "public"
    )


def test_a_publishing_time_in_the_past_publishes_at_once(stage: Stage):
    owner = stage.youtube(stage.channel().id)
    video = stage.control("videos", {"channel_id": stage.channel().id, "privacy": "private"})["id"]
    body = {"id": video, "status": {"privacyStatus": "private", "publishAt": "2020-01-01T00:00:00Z"}}
    assert owner.videos().update(part="status", body=body).execute()["status"]["privacyStatus"] == "public"


def test_only_ones_own_videos_can_be_written(stage: Stage, owner: Any, video: str):
    stranger = stage.youtube(stage.channel(2).id)
    snippet = {"title": "Mine now", "categoryId": "22"}
    body = {"id": video, "snippet": snippet}
    assert refusal(stranger.videos().update(part="snippet", body=body)) == (403, "forbidden")
    assert refusal(stranger.videos().delete(id=video)) == (403, "forbidden")
    missing = {"id": "nonexistent", "snippet": snippet}
    assert refusal(owner.videos().update(part="snippet", body=missing)) == (404, "videoNotFound")
    without = {"snippet": snippet}
    assert refusal(owner.videos().update(part="snippet", body=without)) == (400, "missingRequiredParameter")
    surplus = {"id": video, "snippet": snippet, "status": {"privacyStatus": "private"}}
    assert refusal(owner.videos().update(part="snippet", body=surplus)) == (400, "unexpectedPart")


def test_a_deleted_video_is_gone(owner: Any, video: str):
    assert owner.videos().delete(id=video).execute() in ("", b"")
    assert owner.videos().list(id=video, part="id").execute()["items"] == []
    assert refusal(owner.videos().delete(id=video)) == (404, "videoNotFound")


@pytest.mark.parametrize(("picture", "kind"), [(PNG, "image/png"), (JPEG, "image/jpeg")])
@pytest.mark.parametrize("resumable", [False, True])
def test_a_thumbnail_is_set_and_shows(owner: Any, video: str, picture: bytes, kind: str, resumable: bool):
    media = MediaIoBaseUpload(io.BytesIO(picture), mimetype=kind, resumable=resumable)
    answer = owner.thumbnails().set(videoId=video, media_body=media).execute()
    assert discovery.response_errors("youtube.thumbnails.set", answer) == []
    shown = owner.videos().list(id=video, part="snippet,contentDetails").execute()["items"][0]
    assert shown["snippet"]["thumbnails"] == answer["items"][0]
    assert shown["contentDetails"]["hasCustomThumbnail"] is True


@pytest.mark.parametrize("size", [50 * 2**20 + 1, 64 * 2**20 + 1], ids=["a picture's limit", "any body's limit"])
def test_more_than_is_taken_in_one_request_is_refused_without_being_kept(stage: Stage, video: str, size: int):
    address = f"/upload/youtube/v3/thumbnails/set?videoId={video}&uploadType=media"
    with stage.http(stage.channel().id) as http:
        answer = http.post(address, content=bytes(size), headers={"Content-Type": "image/png"})
    assert answer.status_code == 413
    assert answer.json()["error"]["errors"][0]["reason"] == "uploadTooLarge"
    assert stage.control(f"videos?channel_id={stage.channel().id}")["videos"][0]["thumbnail_sha256"] is None


def test_a_thumbnail_that_is_no_picture_is_refused(stage: Stage, owner: Any, video: str):
    page = MediaIoBaseUpload(io.BytesIO(b"<html>"), mimetype="image/png", resumable=False)
    assert refusal(owner.thumbnails().set(videoId=video, media_body=page)) == (400, "invalidImage")
    picture = MediaIoBaseUpload(io.BytesIO(PNG), mimetype="image/png", resumable=False)
    assert refusal(owner.thumbnails().set(videoId="nonexistent", media_body=picture)) == (404, "videoNotFound")
    stranger = stage.youtube(stage.channel(2).id)
    assert refusal(stranger.thumbnails().set(videoId=video, media_body=picture)) == (403, "forbidden")
    stage.control("faults", {"method": "youtube.thumbnails.set", "kind": "uploadRateLimitExceeded", "times": 1})
    assert refusal(owner.thumbnails().set(videoId=video, media_body=picture)) == (429, "uploadRateLimitExceeded")


def test_a_playlist_takes_videos_in_order(stage: Stage, owner: Any, video: str):
    made = (
        owner.playlists()
        .insert(
            part="snippet,status", body={"snippet": {"title": "Best of"}, "status": {"privacyStatus": "unlisted"}}
        )
        .execute()
    )
    assert discovery.response_errors("youtube.playlists.insert", made) == []
    other = stage.control("videos", {"channel_id": stage.channel().id, "title": "Other"})["id"]
    for one, position in ((video, None), (other, 0)):
        snippet: dict[str, Any] = {
            "playlistId": made["id"],
            "resourceId": {"kind": "youtube#video", "videoId": one},
        }
        if position is not None:
            snippet["position"] = position
        item = owner.playlistItems().insert(part="snippet", body={"snippet": snippet}).execute()
        assert discovery.response_errors("youtube.playlistItems.insert", item) == []
    listed = owner.playlistItems().list(playlistId=made["id"], part="snippet").execute()["items"]
    assert [item["snippet"]["resourceId"]["videoId"] for item in listed] == [other, video]
    owner.playlistItems().delete(id=listed[0]["id"]).execute()
    mine = owner.playlists().list(mine=True, part="snippet,contentDetails,status,player").execute()
    assert discovery.response_errors("youtube.playlists.list", mine) == []
    assert {one["id"]: one["contentDetails"]["itemCount"] for one in mine["items"]}[made["id"]] == 1


def test_a_video_can_be_in_a_playlist_twice_unless_told_otherwise(stage: Stage, owner: Any, video: str):
    made = owner.playlists().insert(part="snippet", body={"snippet": {"title": "Twice"}}).execute()
    snippet = {"playlistId": made["id"], "resourceId": {"kind": "youtube#video", "videoId": video}}
    for _ in range(2):
        owner.playlistItems().insert(part="snippet", body={"snippet": snippet}).execute()
    stage.control("upload-rules", {"playlist_duplicates": "refuse"})
    add = owner.playlistItems().insert(part="snippet", body={"snippet": snippet})
    assert refusal(add) == (409, "videoAlreadyInPlaylist")
    stage.control("upload-rules", {"playlist_duplicates": "allow"})


def test_playlist_writes_that_youtube_refuses(stage: Stage, owner: Any, video: str):
    assert refusal(owner.playlists().insert(part="snippet", body={"snippet": {}}))[0] == 400
    missing = {"playlistId": "PLnothing", "resourceId": {"videoId": video}}
    add = owner.playlistItems().insert
    assert refusal(add(part="snippet", body={"snippet": missing})) == (404, "playlistNotFound")
    made = owner.playlists().insert(part="snippet", body={"snippet": {"title": "Mine"}}).execute()
    unknown = {"playlistId": made["id"], "resourceId": {"videoId": "nonexistent"}}
    assert refusal(add(part="snippet", body={"snippet": unknown})) == (404, "videoNotFound")
    no_video = {"playlistId": made["id"], "resourceId": {"kind": "youtube#channel", "videoId": video}}
    assert refusal(add(part="snippet", body={"snippet": no_video})) == (400, "invalidResourceType")
    uploads = {"playlistId": "UU" + stage.channel().id[2:], "resourceId": {"videoId": video}}
    assert refusal(add(part="snippet", body={"snippet": uploads})) == (400, "playlistOperationUnsupported")
    foreign = {"playlistId": made["id"], "resourceId": {"videoId": video}}
    stranger = stage.youtube(stage.channel(2).id)
    assert refusal(stranger.playlistItems().insert(part="snippet", body={"snippet": foreign})) == (
        403,
        "forbidden",
    )


@pytest.fixture
def captioner(stage: Stage, owner: Any) -> Any:
    """The owner with the one scope that reaches captions."""
    return stage.youtube(stage.channel().id, scope=FORCE_SSL)


def words(content: bytes = b"1\n00:00:01,000 --> 00:00:02,000\nHello\n") -> MediaIoBaseUpload:
    return MediaIoBaseUpload(io.BytesIO(content), mimetype="application/octet-stream", resumable=False)


def test_captions_are_one_track_of_each_language_and_name(captioner: Any, owner: Any, video: str):
    snippet = {"videoId": video, "language": "en", "name": ""}
    assert refusal(owner.captions().list(part="id", videoId=video)) == (403, "insufficientPermissions")
    insert, update = captioner.captions().insert, captioner.captions().update
    made = insert(part="snippet", body={"snippet": snippet}, media_body=words()).execute()
    assert discovery.response_errors("youtube.captions.insert", made) == []
    assert refusal(insert(part="snippet", body={"snippet": snippet}, media_body=words())) == (409, "captionExists")
    insert(part="snippet", body={"snippet": {**snippet, "name": "Short"}}, media_body=words()).execute()
    draft = {"id": made["id"], "snippet": {"isDraft": True}}
    assert update(part="snippet", body=draft).execute()["snippet"]["isDraft"] is True
    update(part="snippet", body={"id": made["id"]}, media_body=words(b"WEBVTT")).execute()
    listed = captioner.captions().list(part="id,snippet", videoId=video).execute()
    assert discovery.response_errors("youtube.captions.list", listed) == []
    assert [track["snippet"]["name"] for track in listed["items"]] == ["", "Short"]
    captioner.captions().delete(id=made["id"]).execute()
    assert refusal(captioner.captions().delete(id=made["id"])) == (404, "captionNotFound")
    assert refusal(update(part="snippet", body={"id": made["id"]})) == (404, "captionNotFound")


def test_captions_that_youtube_refuses(stage: Stage, captioner: Any, video: str):
    insert, snippet = captioner.captions().insert, {"videoId": video, "language": "en", "name": ""}
    for change, refused in (
        ({"name": "x" * 151}, (400, "nameTooLong")),
        ({"videoId": "nonexistent"}, (404, "videoNotFound")),
    ):
        body = {"snippet": {**snippet, **change}}
        assert refusal(insert(part="snippet", body=body, media_body=words())) == refused
    lacking = {"videoId": video, "language": "en"}
    assert refusal(insert(part="snippet", body={"snippet": lacking}, media_body=words()))[0] == 400
    assert refusal(insert(part="snippet", body={"snippet": snippet}, media_body=words(b"")))[0] == 400
    assert refusal(insert(part="snippet", body={"snippet": snippet})) == (400, "mediaBodyRequired")
    stranger = stage.youtube(stage.channel(2).id, scope=FORCE_SSL)
    assert refusal(stranger.captions().list(part="id", videoId=video)) == (403, "forbidden")
