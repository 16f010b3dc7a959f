"""An uploaded video is processed by the clock, and fails or is rejected with a reason."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

import pytest
from googleapiclient.http import MediaIoBaseUpload

from infra.local.simulator.serve import serving
from tests.end_to_end.simulator.data_world import PLAN, Stage

MP4 = b"\x00\x00\x00\x20ftypisom" + bytes(2000)


@pytest.fixture
def stage() -> Iterator[Stage]:
    with serving(PLAN) as simulator:
        yield Stage(simulator)


def upload(stage: Stage, data: bytes, **status: Any) -> str:
    owner = stage.youtube(stage.channel().id)
    media = MediaIoBaseUpload(io.BytesIO(data), mimetype="application/octet-stream", resumable=False)
    body = {"snippet": {"title": "Processed?"}, "status": {"privacyStatus": "public", **status}}
    answer = owner.videos().insert(part="snippet,status", body=body, media_body=media).execute()
    assert answer["status"]["uploadStatus"] == "uploaded"
    return str(answer["id"])


def read(stage: Stage, video_id: str, *, by: int = 0) -> dict[str, Any]:
    part = "status,processingDetails,fileDetails" if by == 0 else "status"
    answer = stage.youtube(stage.channel(by).id).videos().list(id=video_id, part=part).execute()
    return dict(answer["items"][0]) if answer["items"] else {}


def test_a_video_is_processed_after_a_while(stage: Stage):
    video_id = upload(stage, MP4)
    assert read(stage, video_id) == {}  # a new video is not found at once
    stage.pass_time(2)
    before = read(stage, video_id)
    assert before["processingDetails"]["processingStatus"] == "processing"
    assert int(before["processingDetails"]["processingProgress"]["timeLeftMs"]) > 0
    stage.pass_time(60)
    after = read(stage, video_id)
    assert after["status"]["uploadStatus"] == "processed"
    assert after["processingDetails"]["processingStatus"] == "succeeded"
    assert after["fileDetails"]["fileSize"] == str(len(MP4))


@pytest.mark.parametrize(("data", "failure"), [(b"<html></html>" * 9, "invalidFile"), (MP4[:9], "tooSmall")])
def test_a_file_that_is_no_video_fails(stage: Stage, data: bytes, failure: str):
    video_id = upload(stage, data)
    stage.pass_time(60)
    shown = read(stage, video_id)
    assert (shown["status"]["uploadStatus"], shown["status"]["failureReason"]) == ("failed", failure)
    assert shown["processingDetails"]["processingStatus"] == "failed"
    assert read(stage, video_id, by=2) == {}


def test_an_empty_file_fails_as_empty(stage: Stage):
    with stage.http(stage.channel().id) as http:
        start = "/upload/youtube/v3/videos?uploadType=resumable&part=snippet"
        headers = {"X-Upload-Content-Length": "0", "X-Upload-Content-Type": "video/mp4"}
        address = http.post(start, json={"snippet": {"title": "Nothing"}}, headers=headers).headers["Location"]
        video_id = http.put(address, content=b"").json()["id"]
    stage.pass_time(60)
    assert read(stage, video_id)["status"]["failureReason"] == "emptyFile"


@pytest.mark.parametrize(
    ("fate", "status"),
    [
        ({"rejection": "copyright"}, {"uploadStatus": "rejected", "rejectionReason": "copyright"}),
        ({"failure": "codec"}, {"uploadStatus": "failed", "failureReason": "codec"}),
    ],
)
def test_the_fate_of_the_next_upload_can_be_set(stage: Stage, fate: dict[str, str], status: dict[str, str]):
    stage.control("upload-rules", fate)
    first, second = upload(stage, MP4), upload(stage, MP4)
    stage.pass_time(60)
    assert status.items() <= read(stage, first)["status"].items()
    assert read(stage, second)["status"]["uploadStatus"] == "processed"


def test_a_file_sent_twice_can_be_rejected_as_a_duplicate(stage: Stage):
    stage.control("upload-rules", {"reject_duplicates": True})
    first, second = upload(stage, MP4), upload(stage, MP4)
    stage.pass_time(60)
    assert read(stage, first)["status"]["uploadStatus"] == "processed"
    assert read(stage, second)["status"]["rejectionReason"] == "duplicate"


def test_a_new_video_is_found_in_the_uploads_and_by_search(stage: Stage):
    video_id = upload(stage, MP4, selfDeclaredMadeForKids=True, containsSyntheticMedia=True)
    stage.pass_time(2)
    owner = stage.youtube(stage.channel().id)
    uploads = owner.playlistItems().list(playlistId="UU" + stage.channel().id[2:], part="contentDetails").execute()
    assert uploads["items"][0]["contentDetails"]["videoId"] == video_id
    found = owner.search().list(part="id", forMine=True, type="video", q="Processed?").execute()
    assert [one["id"]["videoId"] for one in found["items"]] == [video_id]
    status = read(stage, video_id)["status"]
    assert (status["madeForKids"], status["containsSyntheticMedia"]) == (True, True)
