"""Answers that Google's client itself falls over are one fault each, like all others."""

import socket
import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from shared.clock import system_clock
from shared.errors import CorruptData
from shared.youtube import services, transport, uploads
from shared.youtube.client import executed
from tests.emulators.youtube.stand import settings_for

DEEP = b"[" * 100_000 + b"]" * 100_000


class Odd(BaseHTTPRequestHandler):
    """Answers what the server was told."""

    def do_GET(self) -> None:
        status, body, *location = self.server.told
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
    threading.Thread(target=found.serve_forever, daemon=True).start()
    yield found
    found.shutdown()
    found.server_close()


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
    server.told = status, body
    root = f"http://127.0.0.1:{server.server_port}"
    request = services.data(settings_for(root), "videos").list(part="id", id="x")
    outcome = executed(request, "token", clock=system_clock)
    assert outcome.fault is not None
    assert (outcome.fault.reason, outcome.status) == (reason, status)


def test_an_answer_that_does_not_come_ends_in_time(monkeypatch):
    monkeypatch.setattr(transport, "READ_SECONDS", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        root = f"http://127.0.0.1:{silent.getsockname()[1]}"
        request = services.data(settings_for(root), "videos").list(part="id", id="x")
        outcome = executed(request, "token", clock=system_clock)
    assert outcome.fault is not None
    assert (outcome.fault.reason, outcome.fault.sent) == ("timeout", True)


def test_a_session_that_is_not_at_youtube_is_not_begun(server, stand):
    server.told = 200, b"", "https://evil.example/upload?upload_id=secret"
    settings = settings_for(f"http://127.0.0.1:{server.server_port}")
    with pytest.raises(CorruptData) as refused:
        uploads.begin(
            replace(stand.caller(), settings=settings),
            parts={"snippet": {"title": "t"}},
            size=1,
            content_type="video/mp4",
            notify_subscribers=False,
            file_name="f",
        )
    assert refused.value.reason == "foreignSessionAddress"
