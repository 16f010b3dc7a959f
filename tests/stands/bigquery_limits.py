"""BigQuery with limits that its emulator does not keep: a front that refuses in Google's words, or passes on."""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

QUEUE_FULL = (
    400,
    "resourcesExceeded",
    "Resources exceeded during query execution: Too many DML statements outstanding against table p:d.t.",
)
"""As googleapis/nodejs-bigquery issue 843 met it."""
RATE = (403, "rateLimitExceeded", "Exceeded rate limits: too many table update operations for this table.")
LOADS_SPENT = (
    403,
    "quotaExceeded",
    "Quota exceeded: Your table exceeded quota for imports or query appends per table.",
)
SPOILT = (400, "invalid", "Error while reading data, error message: Too many errors encountered.")

Refusal = tuple[int, str, str]
"""Status, reason, message."""
Matches = Callable[[str, str, bytes], bool]
"""Of a request's method, path and body."""


def begins_a_load(method: str, path: str, body: bytes) -> bool:
    return method == "POST" and path.startswith("/upload/")


def loads(text: bytes) -> Matches:
    """The upload whose lines hold a text."""
    return lambda method, path, body: method == "PUT" and text in body


def says(words: str) -> Matches:
    """A statement with some words in it."""
    return lambda method, path, body: method == "POST" and "/queries" in path and words.encode() in body


@dataclass
class Limits:
    """What is refused, how often, and how often it was."""

    address: str = ""
    rules: list[tuple[Matches, Refusal, int]] = field(default_factory=list)
    refused: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def refuse(self, matches: Matches, refusal: Refusal, times: int = 1) -> None:
        self.rules.append((matches, refusal, times))

    def answer(self, method: str, path: str, body: bytes) -> Refusal | None:
        with self._lock:
            for place, (matches, refusal, times) in enumerate(self.rules):
                if times and matches(method, path, body):
                    self.rules[place] = (matches, refusal, times - 1)
                    self.refused += 1
                    return refusal
        return None


@contextmanager
def in_front_of(emulator: str) -> Iterator[Limits]:
    """A front before the emulator at host:port, while it runs."""
    limits = Limits()
    handler = type("Handler", (_Handler,), {"limits": limits, "emulator": emulator})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    limits.address = f"127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield limits
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    limits: Limits
    emulator: str
    protocol_version = "HTTP/1.1"

    def _handle(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        refusal = self.limits.answer(self.command, self.path, body)
        if refusal is not None:
            self._answer(refusal[0], [("Content-Type", "application/json")], _error(refusal))
            return
        wire = http.client.HTTPConnection(self.emulator, timeout=60)
        try:
            wire.request(self.command, self.path, body or None, dict(self.headers))
            answer = wire.getresponse()
            content = answer.read()
            left = {"transfer-encoding", "content-length", "connection", "date", "server"}
            self._answer(
                answer.status, [each for each in answer.getheaders() if each[0].lower() not in left], content
            )
        finally:
            wire.close()

    def _answer(self, status: int, headers: list[tuple[str, str]], content: bytes) -> None:
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _handle  # noqa: N815 - names that http.server looks for

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the library's name
        """Nothing: tests ask `Limits`."""


def _error(refusal: Refusal) -> bytes:
    status, reason, message = refusal
    inner = {"message": message, "domain": "global", "reason": reason}
    return json.dumps({"error": {"code": status, "message": message, "errors": [inner]}}).encode()
