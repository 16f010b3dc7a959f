"""Whatever a client sends, the answer is a refusal that says why: never the simulator's own 500, never a hang."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.end_to_end.simulator.data_world import Stage

READ_ALL = "https://www.googleapis.com/auth/yt-analytics.readonly"
DIGITS = "9" * 5000
BEYOND_THE_CALENDAR = ("0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59")
VIDEOS = "/upload/youtube/v3/videos?part=snippet,status,recordingDetails,localizations&uploadType="
PLAYLISTS = "/youtube/v3/playlists?part=snippet,status"


@pytest.fixture
def http(stage: Stage) -> Iterator[httpx.Client]:
    with stage.http(stage.channel().id) as client:
        yield client


@pytest.fixture
def analyst(stage: Stage) -> Iterator[httpx.Client]:
    with stage.http(stage.channel().id, scope=READ_ALL) as client:
        yield client


def job(analyst: httpx.Client) -> str:
    """The channel's reporting job, made at the first need."""
    known = analyst.get("/v1/jobs").json().get("jobs")
    wanted = {"reportTypeId": "channel_basic_a3", "name": "n"}
    return str((known[0] if known else analyst.post("/v1/jobs", json=wanted).json())["id"])


@pytest.mark.parametrize(
    "raw",
    [
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b"\xff\xfe",
        b'{"snippet": {"title": NaN}}',
        b'{"snippet": {"title": "\\ud800"}}',
        b'{"snippet": {"title": "t", "description": "\\ud800"}}',
        b'{"snippet": {"title": ["t"]}}',
    ],
)
def test_a_body_that_is_no_message_is_refused(http: httpx.Client, raw: bytes):
    answer = http.post(PLAYLISTS, content=raw, headers={"content-type": "application/json"})
    assert answer.status_code == 400, answer.text


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (PLAYLISTS, {"snippet": {"title": "t", "description": None}, "status": {"privacyStatus": None}}),
        (VIDEOS + "resumable", {"recordingDetails": {"recordingDate": None, "location": {"latitude": None}}}),
        (
            VIDEOS + "resumable",
            {"snippet": {"title": "t", "defaultLanguage": "en"}, "localizations": {"de": None}},
        ),
    ],
)
def test_a_null_is_a_field_that_was_not_sent(http: httpx.Client, path: str, body: dict[str, Any]):
    answer = http.post(path, json=body)
    assert answer.status_code == 200, answer.text


@pytest.mark.parametrize(("position", "status"), [("1", 200), (0, 200), (9, 200), (-1, 400), (2**32, 400)])
def test_a_place_in_a_playlist_is_a_whole_number_as_a_number_or_a_text(
    stage: Stage, http: httpx.Client, position: Any, status: int
):
    playlist = http.post(PLAYLISTS, json={"snippet": {"title": "t"}}).json()["id"]
    resource = {"kind": "youtube#video", "videoId": stage.simulator.world.videos_of(
        stage.channel().id, stage.simulator.clock()
    )[0].id}  # fmt: skip
    snippet = {"playlistId": playlist, "resourceId": resource, "position": position}
    answer = http.post("/youtube/v3/playlistItems?part=snippet", json={"snippet": snippet})
    assert answer.status_code == status, answer.text


@pytest.mark.parametrize(
    "body",
    [
        {"snippet": {"categoryId": "\u00b2"}},
        *({"status": {"privacyStatus": "private", "publishAt": at}} for at in BEYOND_THE_CALENDAR),
        *({"recordingDetails": {"recordingDate": at}} for at in (*BEYOND_THE_CALENDAR, "2026-01-01")),
    ],
)
def test_a_value_that_only_looks_right_is_refused(http: httpx.Client, body: dict[str, Any]):
    answer = http.post(VIDEOS + "resumable", json=body)
    assert answer.status_code == 400, answer.text


@pytest.mark.parametrize("name", ["publishedAfter", "publishedBefore"])
@pytest.mark.parametrize("value", ["yesterday", "2026-01-01", *BEYOND_THE_CALENDAR])
def test_a_search_wants_an_instant(http: httpx.Client, name: str, value: str):
    answer = http.get("/youtube/v3/search", params={"part": "id", "forMine": "true", "type": "video", name: value})
    assert answer.status_code == 400, answer.text
    assert answer.json()["error"]["errors"][0]["location"] == name


@pytest.mark.parametrize("value", BEYOND_THE_CALENDAR)
def test_a_list_of_reports_wants_an_instant(analyst: httpx.Client, value: str):
    answer = analyst.get(f"/v1/jobs/{job(analyst)}/reports", params={"createdAfter": value})
    assert answer.status_code == 400, answer.text


@pytest.mark.parametrize("size", [DIGITS, "1_0", "\u0663", "2147483648", "+5", " 5"])
def test_a_number_is_ascii_digits_within_its_format(analyst: httpx.Client, size: str):
    assert analyst.get("/v1/jobs", params={"pageSize": size}).status_code == 400


@pytest.mark.case("A16")
@pytest.mark.parametrize("fields", ["a(" * 5000 + "b" + ")" * 5000, "(", "a()", "a,", "a(b"])
def test_a_field_selection_that_does_not_parse_is_refused(http: httpx.Client, fields: str):
    answer = http.get("/youtube/v3/channels", params={"part": "id", "mine": "true", "fields": fields})
    assert answer.status_code == 400


def test_a_part_that_is_itself_of_many_parts_is_refused(http: httpx.Client):
    inner = b"Content-Type: multipart/mixed; boundary=y\r\n\r\n--y\r\n\r\na\r\n--y--\r\n"
    body = b"--x\r\n" + inner + b"--x\r\nContent-Type: video/mp4\r\n\r\nabc\r\n--x--\r\n"
    headers = {"content-type": "multipart/related; boundary=x"}
    assert http.post(VIDEOS + "multipart", content=body, headers=headers).status_code == 400


def test_a_length_that_is_no_length_is_refused(http: httpx.Client):
    headers = {"x-upload-content-length": DIGITS}
    assert http.post(VIDEOS + "resumable", json={}, headers=headers).status_code == 400


def test_bytes_that_are_no_text_are_refused(http: httpx.Client):
    override = {"x-http-method-override": "GET"}
    assert http.post("/youtube/v3/channels", content=b"part=id&mine=\xff", headers=override).status_code == 400
    assert http.post("/signin/oauth/consent", content=b"flow=\xff\xfe").status_code == 400
    assert http.post("/token", content=b"\xff\xfe").status_code == 400


def status_of(http: httpx.Client, *headers: bytes) -> int:
    """What a request with these header lines is answered with; no client of ours would send some of them."""
    with socket.create_connection((http.base_url.host, http.base_url.port or 80), timeout=20) as wire:
        lines = [b"GET /youtube/v3/channels?part=id&mine=true HTTP/1.1", b"Host: sim.test", b"Connection: close"]
        wire.sendall(b"\r\n".join([*lines, *headers, b"", b""]))
        return int(wire.makefile("rb").readline().split()[1])


@pytest.mark.parametrize("given", [b"Bearer", b"Bearer ", b"Bearer  ", b"", b"Basic x", b"Bearer \xe9.\xe9"])
@pytest.mark.case("A16")
def test_an_empty_or_odd_bearer_is_no_token(http: httpx.Client, given: bytes):
    assert status_of(http, b"Authorization: " + given) in {401, 403}


@pytest.mark.parametrize(
    ("header", "status"),
    [
        (b"X-Title: \xe9", 200),
        ("User-Agent: ü".encode(), 200),
        (b"If-None-Match: \xff", 200),
        (b"Host: evil.test", 400),
    ],
)
@pytest.mark.case("A16")
def test_a_header_that_is_not_ascii_is_taken_and_a_second_host_refused(
    http: httpx.Client, header: bytes, status: int
):
    token = b"Authorization: " + http.headers["authorization"].encode()
    assert status_of(http, token, header) == status


@pytest.mark.parametrize(
    "field",
    [
        {"hub.topic": "http://["},
        {"hub.lease_seconds": DIGITS},
        *(
            {"hub.callback": f"http://{rest}"}
            for rest in (
                "[",
                "127.0.0.1:99999/x",
                "127.0.0.1:-1/",
                "127.0.0.1:abc/",
                "127.0.0.1/\x00",
                "localhost/#x",
            )
        ),
    ],
)
def test_a_subscription_that_leads_nowhere_is_refused(stage: Stage, http: httpx.Client, field: dict[str, str]):
    topic = f"https://www.youtube.com/xml/feeds/videos.xml?channel_id={stage.channel().id}"
    form = {
        "hub.mode": "subscribe",
        "hub.topic": topic,
        "hub.callback": "http://127.0.0.1:9/",
        "hub.verify": "sync",
    }
    assert http.post("/subscribe", data={**form, **field}).status_code == 400


def test_a_range_without_end_is_no_range(analyst: httpx.Client, stage: Stage):
    answer = analyst.get("/v1/reportTypes", headers={"range": f"bytes={DIGITS}-"})
    assert answer.status_code == 200
    job(analyst)
    stage.pass_time(4 * 86400)
    with stage.http(stage.channel().id, scope=READ_ALL) as later:
        address = later.get(f"/v1/jobs/{job(later)}/reports").json()["reports"][0]["downloadUrl"]
        assert later.get(address, headers={"range": f"bytes={DIGITS}-"}).status_code == 200
