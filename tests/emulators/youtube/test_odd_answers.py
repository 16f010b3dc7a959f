"""Answers that Google's client itself falls over are one fault each, like all others."""

import json
import socket
import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from itertools import count, repeat

import pytest

from shared.clock import system_clock
from shared.errors import CorruptData, InvalidRequest, Unavailable
from shared.youtube import analytics, client, data, reporting, services, transport, uploads
from shared.youtube.client import executed
from tests.emulators.youtube.stand import settings_for

DEEP = b"[" * 100_000 + b"]" * 100_000


class Odd(BaseHTTPRequestHandler):
    """Answers what the server was told, one after the other."""

    def do_GET(self) -> None:
        self.server.seen.append(self.path)
        status, body, *location = next(self.server.told)
        self.send_response(status)
        self.send_header("content-type", "application/json")
        for address in location:
            self.send_header("location", address)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self) -> None:
        self.do_GET()

    def log_message(self, *_args: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[HTTPServer]:
    found = HTTPServer(("127.0.0.1", 0), Odd)
    found.seen = []
    threading.Thread(target=found.serve_forever, daemon=True).start()
    yield found
    found.shutdown()
    found.server_close()


def asking(server, stand):
    """A caller whose YouTube is that server."""
    return replace(stand.caller(), settings=settings_for(f"http://127.0.0.1:{server.server_port}"))


def begin(caller):
    return uploads.begin(
        caller,
        parts={"snippet": {"title": "t"}},
        size=1,
        content_type="video/mp4",
        notify_subscribers=False,
        file_name="f",
    )


@pytest.mark.parametrize(
    ("status", "body", "reason"),
    [
        (200, DEEP, "unreadableAnswer"),
        (200, b"\xef\xbb\xbf{}", "unreadableAnswer"),
        (200, b"[]", "unreadableAnswer"),
        (200, b'"words"', "unreadableAnswer"),
        (200, b'{"items": [', "unreadableAnswer"),
        (503, DEEP, "unclassified5xx"),
        (403, b'{"error": null}', "unclassified403"),
        (403, b'{"error": [1]}', "unclassified403"),
        (403, b'{"error": {"message": [1], "errors": 7}}', "unclassified403"),
        (403, b'{"error": {"errors": [{"reason": "quotaExceeded"}], "message": {}}}', "quotaExceeded"),
        (403, b'[{"error": {"errors": [{"reason": "quotaExceeded"}]}}]', "quotaExceeded"),
        (403, b'\xef\xbb\xbf{"error": {"errors": [{"reason": "quotaExceeded"}]}}', "quotaExceeded"),
        (400, b"\xff\xfe", "unclassified400"),
    ],
    ids=lambda value: value[:40].decode(errors="replace") if isinstance(value, bytes) else str(value),
)
def test_any_answer_is_one_fault(server, status, body, reason):
    server.told = repeat((status, body))
    root = f"http://127.0.0.1:{server.server_port}"
    request = services.request(settings_for(root), "youtube.videos.list", part="id", id="x")
    outcome = executed(request, "token", clock=system_clock)
    assert outcome.fault is not None
    assert (outcome.fault.reason, outcome.status) == (reason, status)


def test_an_answer_that_does_not_come_ends_in_time(monkeypatch):
    monkeypatch.setattr(transport, "READ_SECONDS", 0.2)
    monkeypatch.setattr(transport, "pool", transport.pool.__wrapped__)  # not the one that others have opened
    with socket.create_server(("127.0.0.1", 0)) as silent:
        root = f"http://127.0.0.1:{silent.getsockname()[1]}"
        request = services.request(settings_for(root), "youtube.videos.list", part="id", id="x")
        outcome = executed(request, "token", clock=system_clock)
    assert outcome.fault is not None
    assert (outcome.fault.reason, outcome.fault.sent) == ("timeout", True)


def test_a_session_that_is_not_at_youtube_is_not_begun(server, stand):
    server.told = repeat((200, b"", "https://evil.example/upload?upload_id=secret"))
    with pytest.raises(CorruptData) as refused:
        begin(asking(server, stand))
    assert refused.value.reason == "foreignSessionAddress"


@pytest.mark.case("P9")
@pytest.mark.parametrize("kind", ["conflict", "aborted"])
def test_a_conflict_where_a_session_begins_passes(stand, kind):
    caller = stand.caller()
    stand.inject(method="youtube.videos.insert", kind=kind, times=1)
    with pytest.raises(Unavailable) as met:
        begin(caller)
    assert met.value.reason == "uploadNotStarted"
    assert begin(caller).size == 1


def page(following=None, *ids):
    items = [{"id": found, "snippet": {"title": found}} for found in ids]
    return 200, json.dumps({"items": items} | ({"nextPageToken": following} if following else {})).encode()


@pytest.mark.parametrize(
    ("tokens", "requests"), [(repeat("same"), 2), (map(str, count(1)), 4)], ids=["same page", "always another"]
)
def test_a_listing_that_does_not_end_is_given_up(server, stand, monkeypatch, tokens, requests):
    monkeypatch.setattr(client, "PAGES_MAX", 4)
    server.told = (page(token, "a") for token in tokens)
    with pytest.raises(CorruptData) as met:
        data.my_playlists(asking(server, stand))
    assert (met.value.reason, len(server.seen)) == ("endlessListing", requests)


LOST = 400, b'{"error": {"errors": [{"reason": "invalidPageToken"}]}}'


def test_a_listing_whose_place_is_lost_starts_again_once(server, stand):
    server.told = iter([page("2", "a"), LOST, page("2", "a"), page(None, "b")])
    assert [found.id for found in data.my_playlists(asking(server, stand))] == ["a", "b"]
    server.told = iter([page("2", "a"), LOST, page("2", "a"), LOST])
    with pytest.raises(InvalidRequest) as met:
        data.my_playlists(asking(server, stand))
    assert met.value.reason == "invalidPageToken"


@pytest.mark.parametrize("body", [b"{}", b'{"items": null, "jobs": null, "rows": null, "columnHeaders": null}'])
def test_an_answer_that_leaves_its_list_out_has_nothing_in_it(server, stand, body):
    server.told = repeat((200, body))
    caller = asking(server, stand)
    assert data.my_playlists(caller) == ()
    assert data.video_counts(caller, ["x"]) == {}
    assert data.videos(caller, ["x"]).absent == ("x",)
    assert reporting.list_jobs(caller) == ()
    day = stand.clock().date()
    assert analytics.query(caller, start=day, end=day, metrics=["views"]).rows == ()


WHOLE = {
    "id": "1", "jobId": "j", "startTime": "2026-11-01T07:00:00Z", "endTime": "2026-11-02T07:00:00Z",
    "createTime": "2026-11-04T00:00:00Z", "downloadUrl": "https://youtubereporting.googleapis.com/v1/media/1",
}  # fmt: skip


@pytest.mark.parametrize("odd", [{"downloadUrl": None, "createTime": None}, {"startTime": "soon"}, None], ids=repr)
def test_a_report_that_cannot_be_read_hides_no_other(server, stand, odd, capsys):
    reports = [WHOLE | odd if odd else {"id": "2"}, WHOLE | {"id": "3"}]
    server.told = repeat((200, json.dumps({"reports": reports}).encode()))
    assert [found.id for found in reporting.list_reports(asking(server, stand), "j")] == ["3"]
    assert capsys.readouterr().out.count("cannot be read") == 1


def test_a_new_job_that_cannot_be_read_is_an_error_of_ours(server, stand):
    server.told = repeat((200, b'{"id": "j"}'))
    with pytest.raises(CorruptData):
        reporting.create_job(asking(server, stand), "channel_basic_a3")


def result(*rows: list[object]) -> tuple[int, bytes]:
    """A result table by day: views, a whole number, and the share watched, a fraction."""
    columns = [("day", "STRING"), ("views", "INTEGER"), ("averageViewPercentage", "FLOAT")]
    headers = [{"name": name, "dataType": kind} for name, kind in columns]
    return 200, json.dumps({"columnHeaders": headers, "rows": rows}).encode()


@pytest.mark.case("C10")
def test_whole_numbers_are_whole_however_they_are_written_and_nothing_is_never_zero(server, stand):
    written = [
        ["2026-11-01", 12.0, 40.0],
        ["2026-11-02", 3, 41.5],
        ["2026-11-03", None, None],
        ["2026-11-04", 0, 0.0],
    ]
    server.told = repeat(result(*written))
    day = stand.clock().date()
    rows = analytics.query(asking(server, stand), start=day, end=day, metrics=["views"], dimensions=["day"]).rows
    assert [row[1] for row in rows] == [12, 3, None, 0]
    assert [type(row[1]) for row in rows] == [int, int, type(None), int]
    assert [type(row[2]) for row in rows] == [float, float, type(None), float]


@pytest.mark.case("C10")
@pytest.mark.parametrize("cell", [12.5, "12", float("nan"), [12]], ids=repr)
def test_what_is_no_whole_number_where_one_belongs_is_told_and_not_read_as_one(server, stand, cell):
    server.told = repeat(result(["2026-11-01", cell, 40.0]))
    day = stand.clock().date()
    with pytest.raises(CorruptData):
        analytics.query(asking(server, stand), start=day, end=day, metrics=["views"], dimensions=["day"])


def test_a_time_or_count_that_cannot_be_read_is_that_items_own(server, stand, capsys):
    good = {"id": "v1", "snippet": {"title": "Good", "publishedAt": "2026-11-01T00:00:00Z"}}
    odd = {
        "id": "v2",
        "snippet": {"title": "Odd", "publishedAt": "yesterday"},
        "statistics": {"viewCount": "many"},
    }
    server.told = repeat((200, json.dumps({"items": [odd, good]}).encode()))
    listed = data.videos(asking(server, stand), ["v1", "v2", "v3"])
    told = [(each.id, each.title, each.published_at is None, each.counts.views) for each in listed.videos]
    assert told == [("v2", "Odd", True, None), ("v1", "Good", False, None)]
    assert listed.absent == ("v3",)
    logged = [json.loads(line) for line in capsys.readouterr().out.splitlines() if "unreadableAnswer" in line]
    assert [(each["about"], each["said"]) for each in logged] == [("v2", "yesterday"), ("v2", "many")]
