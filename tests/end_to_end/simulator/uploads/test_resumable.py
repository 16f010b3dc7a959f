"""The resumable protocol over the wire: raw requests, and Google's own client."""

from __future__ import annotations

import hashlib
import http.client
import io
import random
import socket
from collections.abc import Iterator
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from googleapiclient.errors import HttpError
from googleapiclient.http import MediaIoBaseUpload
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from infra.local.simulator import discovery
from infra.local.simulator.serve import serving
from infra.local.simulator.uploads.protocol import GRANULE
from tests.end_to_end.simulator import plain
from tests.end_to_end.simulator.data_world import PLAN, Stage, reason
from tests.stands.waiting import eventually

START = "/upload/youtube/v3/videos?uploadType=resumable&part=snippet,status"


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    with serving(PLAN) as simulator:
        simulator.quota.limits.daily["uploads"] = None  # type: ignore[index]
        stage = Stage(simulator)
        stage.control("upload-rules", {"channel_id": stage.channel().id, "limit": 100_000})
        yield stage


def movie(size: int, seed: int = 1) -> bytes:
    """Bytes that begin as an MP4 file does."""
    return (b"\x00\x00\x00\x20ftypisom" + random.Random(seed).randbytes(size))[:size]


class Upload:
    """A session, spoken to with plain requests that carry no token."""

    def __init__(self, stage: Stage, total: int | None, **snippet: Any) -> None:
        headers = {"X-Upload-Content-Type": "video/mp4"}
        if total is not None:
            headers["X-Upload-Content-Length"] = str(total)
        body = {"snippet": {"title": "An upload", **snippet}, "status": {"privacyStatus": "private"}}
        with stage.http(stage.channel().id) as http_client:
            started = http_client.post(START, json=body, headers=headers)
        assert started.status_code == 200, started.text
        self.address = started.headers["Location"]
        self.client = plain.client()

    def put(self, data: bytes, content_range: str | None) -> httpx.Response:
        headers = {"Content-Range": content_range} if content_range else {}
        return self.client.put(self.address, content=data, headers=headers)

    def ask(self) -> int:
        """How many bytes are stored; -1 when the upload is complete."""
        answer = self.put(b"", "bytes */*")
        if answer.status_code == 200:
            return -1
        assert answer.status_code == 308
        return int(answer.headers["Range"].split("-")[1]) + 1 if "Range" in answer.headers else 0

    def break_off(self, data: bytes, content_range: str, after: int) -> None:
        """Begin a PUT and drop the line after some bytes of its body."""
        parts = urlsplit(self.address)
        head = (
            f"PUT {parts.path}?{parts.query} HTTP/1.1\r\nHost: {parts.netloc}\r\n"
            f"Content-Range: {content_range}\r\nContent-Length: {len(data)}\r\n\r\n"
        )
        with socket.create_connection((parts.hostname or "", parts.port or 80)) as line:
            line.sendall(head.encode() + data[:after])

    @property
    def upload_id(self) -> str:
        return urlsplit(self.address).query.split("upload_id=")[1]


def stored(stage: Stage, upload: Upload) -> dict[str, Any]:
    """What the simulator says of the session."""
    (found,) = [one for one in stage.control("uploads")["uploads"] if one["upload_id"] == upload.upload_id]
    return dict(found)


def test_a_file_in_chunks_arrives_whole_and_becomes_a_video(stage: Stage):
    data = movie(2 * GRANULE + 1000)
    upload = Upload(stage, len(data))
    first = upload.put(data[:GRANULE], f"bytes 0-{GRANULE - 1}/{len(data)}")
    assert first.status_code == 308
    assert first.headers["Range"] == f"bytes=0-{GRANULE - 1}"
    second = upload.put(data[GRANULE : 2 * GRANULE], f"bytes {GRANULE}-{2 * GRANULE - 1}/{len(data)}")
    assert second.headers["Range"] == f"bytes=0-{2 * GRANULE - 1}"
    done = upload.put(data[2 * GRANULE :], f"bytes {2 * GRANULE}-{len(data) - 1}/{len(data)}")
    assert done.status_code == 200
    assert discovery.response_errors("youtube.videos.insert", done.json()) == []
    kept = stored(stage, upload)
    assert (kept["bytes"], kept["sha256"]) == (len(data), hashlib.sha256(data).hexdigest())
    assert kept["video_id"] == done.json()["id"]


def test_a_finished_session_answers_the_same_video_again(stage: Stage):
    data = movie(1000)
    upload = Upload(stage, len(data))
    video_id = upload.put(data, f"bytes 0-{len(data) - 1}/{len(data)}").json()["id"]
    assert upload.put(b"", f"bytes */{len(data)}").json()["id"] == video_id
    assert upload.put(data, f"bytes 0-{len(data) - 1}/{len(data)}").json()["id"] == video_id


def test_nothing_stored_has_no_range_header(stage: Stage):
    answer = Upload(stage, 5 * GRANULE).put(b"", f"bytes */{5 * GRANULE}")
    assert answer.status_code == 308
    assert "Range" not in answer.headers


def test_a_total_that_is_unknown_until_the_end(stage: Stage):
    data = movie(2 * GRANULE)
    upload = Upload(stage, None)
    for start in (0, GRANULE):
        upload.put(data[start : start + GRANULE], f"bytes {start}-{start + GRANULE - 1}/*")
    assert upload.ask() == len(data)
    assert upload.put(b"", f"bytes */{len(data)}").status_code == 200
    assert stored(stage, upload)["sha256"] == hashlib.sha256(data).hexdigest()


def test_a_whole_file_in_one_request_without_a_range(stage: Stage):
    data = movie(GRANULE + 7)
    assert Upload(stage, len(data)).put(data, None).status_code == 200
    chunked = Upload(stage, None)
    pieces = iter([data[:100], data[100:]])
    assert chunked.client.put(chunked.address, content=pieces).status_code == 200
    assert stored(stage, chunked)["sha256"] == hashlib.sha256(data).hexdigest()


@pytest.mark.parametrize(
    ("content_range", "size"),
    [
        (f"bytes 0-{GRANULE}/{4 * GRANULE}", GRANULE + 1),
        (f"bytes {GRANULE}-{2 * GRANULE - 1}/{4 * GRANULE}", GRANULE),
        (f"bytes 0-{GRANULE - 1}/{5 * GRANULE}", GRANULE),
        (f"bytes 0-{GRANULE - 1}/{4 * GRANULE}", GRANULE - 5),
        ("bytes zero-ten/all", GRANULE),
    ],
)
def test_a_chunk_that_breaks_the_rules_is_refused_and_stores_nothing(stage: Stage, content_range: str, size: int):
    upload = Upload(stage, 4 * GRANULE)
    assert upload.put(movie(size), content_range).status_code == 400
    assert upload.ask() == 0


def test_a_broken_connection_leaves_whole_granules(stage: Stage):
    data = movie(4 * GRANULE)
    upload = Upload(stage, len(data))
    upload.break_off(data, f"bytes 0-{len(data) - 1}/{len(data)}", after=2 * GRANULE + 50_000)
    eventually(lambda: upload.ask() >= 2 * GRANULE)
    assert upload.ask() == 2 * GRANULE
    done = upload.put(data[2 * GRANULE :], f"bytes {2 * GRANULE}-{len(data) - 1}/{len(data)}")
    assert done.status_code == 200
    assert stored(stage, upload)["sha256"] == hashlib.sha256(data).hexdigest()


def test_a_stalled_sender_gives_way_to_the_one_that_resumes(stage: Stage):
    data = movie(4 * GRANULE)
    upload = Upload(stage, len(data))
    parts = urlsplit(upload.address)
    stalled = http.client.HTTPConnection(parts.hostname or "", parts.port)
    stalled.putrequest("PUT", f"{parts.path}?{parts.query}")
    stalled.putheader("Content-Length", str(len(data)))
    stalled.putheader("Content-Range", f"bytes 0-{len(data) - 1}/{len(data)}")
    stalled.endheaders(data[: GRANULE + 10])
    eventually(lambda: upload.ask() >= GRANULE)
    rest = upload.put(data[GRANULE:], f"bytes {GRANULE}-{len(data) - 1}/{len(data)}")
    assert rest.status_code == 200
    stalled.send(data[GRANULE + 10 :])
    assert stalled.getresponse().status == 503
    assert stored(stage, upload)["sha256"] == hashlib.sha256(data).hexdigest()


def test_a_cancelled_session_is_gone(stage: Stage):
    upload = Upload(stage, 4 * GRANULE)
    assert upload.client.delete(upload.address).status_code == 499
    assert upload.put(b"", "bytes */*").status_code == 410


def test_a_session_that_was_never_opened_or_is_lost_is_not_found(stage: Stage):
    upload = Upload(stage, 4 * GRANULE)
    assert upload.client.put(upload.address + "x", content=b"").status_code == 404
    stage.control("uploads/lose", {"upload_id": upload.upload_id})
    assert upload.put(b"", "bytes */*").status_code == 404


def test_the_sessions_address_cannot_be_guessed(stage: Stage):
    first, second = Upload(stage, 1), Upload(stage, 1)
    assert len(first.upload_id) > 90
    assert first.upload_id[:20] != second.upload_id[:20]


def test_faults_can_cut_lose_and_refuse_a_chunk(stage: Stage):
    data = movie(3 * GRANULE)
    upload = Upload(stage, len(data))
    stage.control("uploads/break", {"after_bytes": GRANULE + 5, "times": 1})
    with pytest.raises(httpx.TransportError):
        upload.put(data, f"bytes 0-{len(data) - 1}/{len(data)}")
    assert upload.ask() == GRANULE
    stage.control("faults", {"method": "upload.session", "kind": "backendError", "times": 1, "retry_after": 7})
    refused = upload.put(data[GRANULE:], f"bytes {GRANULE}-{len(data) - 1}/{len(data)}")
    assert (refused.status_code, refused.headers["Retry-After"]) == (503, "7")
    assert upload.ask() == GRANULE
    stage.control("faults", {"method": "upload.session", "kind": "drop", "times": 1})
    with pytest.raises(httpx.TransportError):
        upload.put(data[GRANULE:], f"bytes {GRANULE}-{len(data) - 1}/{len(data)}")
    assert upload.ask() == -1
    assert stored(stage, upload)["sha256"] == hashlib.sha256(data).hexdigest()


step = st.tuples(st.sampled_from(["chunk", "break", "ask", "again", "reset"]), st.integers(1, 3), st.booleans())


@given(size=st.integers(1, 6 * GRANULE), steps=st.lists(step, max_size=6), known=st.booleans())
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_is_sent_broken_off_and_asked_the_bytes_are_exactly_the_file(
    stage: Stage, size: int, steps: list[tuple[str, int, bool]], known: bool
):
    data = movie(size, seed=size)
    upload = Upload(stage, size if known else None)
    # A PUT that was broken off may reach the server late and take the turn; the sender sees 503 and goes on.
    for kind, amount, say_total in [*steps, *[("last", 0, True)] * 20]:
        place = upload.ask()
        if place < 0:
            break
        start = max(0, place - amount * GRANULE) if kind == "again" else place
        end = size if kind in ("last", "break", "reset") else min(size, start + amount * GRANULE)
        total = str(size) if say_total or end == size else "*"
        if start == end:
            continue
        content_range = f"bytes {start}-{end - 1}/{total}"
        if kind == "break":
            upload.break_off(data[start:end], content_range, after=(end - start) * amount // 4)
        elif kind == "reset":
            stage.control("uploads/break", {"after_bytes": (end - start) * amount // 4, "times": 1})
            with suppress(httpx.TransportError):  # Unless a PUT that was broken off before comes late and is cut.
                upload.put(data[start:end], content_range)
        elif kind != "ask":
            assert upload.put(data[start:end], content_range).status_code in (200, 308, 503)
    assert upload.ask() == -1
    kept = stored(stage, upload)
    assert (kept["bytes"], kept["sha256"]) == (size, hashlib.sha256(data).hexdigest())


def test_a_chunk_that_breaks_the_protocol_is_a_mistake_and_a_lost_session_is_none(stage: Stage):
    plain.http().delete(f"{stage.root}/control/requests")
    upload = Upload(stage, 3 * GRANULE)
    assert upload.put(movie(5), f"bytes 0-4/{3 * GRANULE}").status_code == 400
    stage.control("uploads/lose", {})
    assert upload.put(b"", "bytes */*").status_code == 404
    (mistake,) = stage.control("requests")["mistakes"]
    assert "not a multiple" in mistake


def insert(stage: Stage, data: bytes, *, chunk: int, resumable: bool = True, **status: Any) -> dict[str, Any]:
    """An upload by Google's own client."""
    owner = stage.youtube(stage.channel().id)
    media = MediaIoBaseUpload(io.BytesIO(data), mimetype="video/mp4", chunksize=chunk, resumable=resumable)
    body = {"snippet": {"title": "By Google's client"}, "status": status}
    request = owner.videos().insert(part="snippet,status", body=body, media_body=media, notifySubscribers=False)
    if not resumable:
        return dict(request.execute())
    answer = None
    while answer is None:
        _, answer = request.next_chunk()
    return dict(answer)


@pytest.mark.parametrize(
    ("size", "chunk"), [(1, GRANULE), (3 * GRANULE, GRANULE), (700_000, 2 * GRANULE), (900, -1)]
)
def test_googles_client_uploads_in_chunks(stage: Stage, size: int, chunk: int):
    data = movie(size)
    answer = insert(stage, data, chunk=chunk, privacyStatus="unlisted")
    videos = stage.control(f"videos?channel_id={stage.channel().id}")["videos"]
    kept = {video["id"]: video for video in videos}[answer["id"]]
    assert (kept["sha256"], kept["privacy"]) == (hashlib.sha256(data).hexdigest(), "unlisted")


def test_googles_client_uploads_in_one_multipart_request(stage: Stage):
    data = movie(5000)
    answer = insert(stage, data, chunk=-1, resumable=False, privacyStatus="private")
    kept = stage.control(f"videos?channel_id={stage.channel().id}")["videos"]
    assert {video["id"]: video["sha256"] for video in kept}[answer["id"]] == hashlib.sha256(data).hexdigest()


def test_an_upload_that_says_nothing_about_privacy_is_public(stage: Stage):
    assert insert(stage, movie(100), chunk=-1)["status"]["privacyStatus"] == "public"


def test_the_upload_tells_what_it_was_asked_for(stage: Stage):
    video_id = insert(stage, movie(50), chunk=-1)["id"]
    (upload,) = [one for one in stage.control("uploads")["uploads"] if one["video_id"] == video_id]
    assert upload["parameters"]["notifySubscribers"] is False
    assert upload["parameters"]["part"] == ["snippet", "status"]


def test_a_large_chunk_that_is_refused_does_not_hang(stage: Stage):
    data = movie(16 * 2**20)
    upload = Upload(stage, len(data))
    stage.control("faults", {"method": "upload.session", "kind": "backendError", "times": 1})
    assert upload.put(data, f"bytes 0-{len(data) - 1}/{len(data)}").status_code == 503
    assert upload.put(data, f"bytes 0-{len(data) - 1}/{len(data)}").status_code == 200


def test_a_refused_upload_costs_no_session(stage: Stage):
    before = len(stage.control("uploads")["uploads"])
    owner = stage.youtube(stage.channel().id)
    for body, kind, expected in [
        ({"snippet": {"title": "x" * 101}}, "video/mp4", "invalidTitle"),
        (
            {"snippet": {"title": "t"}, "status": {"publishAt": "2030-01-01T00:00:00Z"}},
            "video/mp4",
            "invalidPublishAt",
        ),
        ({"snippet": {"title": "t"}}, "text/html", "badContent"),
    ]:
        media = MediaIoBaseUpload(io.BytesIO(movie(10)), mimetype=kind, resumable=True)
        with pytest.raises(HttpError) as refused:
            owner.videos().insert(part="snippet,status", body=body, media_body=media).next_chunk()
        assert reason(refused.value) == expected
    with pytest.raises(HttpError) as refused:
        owner.videos().insert(part="snippet", body={"snippet": {"title": "t"}}).execute()
    assert reason(refused.value) == "mediaBodyRequired"
    assert len(stage.control("uploads")["uploads"]) == before


@pytest.mark.fault(26)
def test_a_channels_limit_of_uploads_stops_that_channel_for_a_day(stage: Stage):
    stage.control("upload-rules", {"channel_id": stage.channel(2).id, "limit": 1})
    owner = stage.youtube(stage.channel(2).id)

    def start(client: Any) -> Any:
        media = MediaIoBaseUpload(io.BytesIO(movie(10)), mimetype="video/mp4", resumable=True)
        body = {"snippet": {"title": "t"}}
        return client.videos().insert(part="snippet", body=body, media_body=media).next_chunk()

    start(owner)
    with pytest.raises(HttpError) as refused:
        start(owner)
    assert (refused.value.status_code, reason(refused.value)) == (400, "uploadLimitExceeded")
    start(stage.youtube(stage.channel(1).id))
    stage.pass_time(86_400)
    start(stage.youtube(stage.channel(2).id))
