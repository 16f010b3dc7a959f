"""Answers that Google's client itself falls over are one fault each, like all others."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from shared.clock import system_clock
from shared.youtube import services
from shared.youtube.client import executed
from tests.emulators.youtube.stand import settings_for

DEEP = b"[" * 100_000 + b"]" * 100_000


class Odd(BaseHTTPRequestHandler):
    """Answers what the server was told."""

    def do_GET(self) -> None:
        status, body = self.server.told
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

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
