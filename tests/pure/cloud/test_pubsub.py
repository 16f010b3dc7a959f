"""What is asked of Pub/Sub over its JSON API: as Google documents it, again while that helps, and with an end."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from infra.judges import apis
from infra.local.addresses import PARTS, Addresses
from infra.local.process import LOOPBACK
from shared.cloud import pubsub
from shared.errors import Misconfigured, Unavailable

TAKEN = (200, {"messageIds": ["1"]})
CLOSED = (0, {})
"""The connection ends without an answer."""


@dataclass
class Google:
    """A server that judges what is asked by Pub/Sub's discovery document, and answers as it is told to."""

    answers: list[tuple[int, Any]] = field(default_factory=list)
    asked: list[tuple[str, Any]] = field(default_factory=list)
    connections: int = 0
    port: int = 0


@pytest.fixture
def google(fresh_process, monkeypatch) -> Iterator[Google]:
    told = Google()

    class Answering(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def setup(self) -> None:
            super().setup()
            told.connections += 1

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            call = apis.find("pubsub.v1", "POST", self.path)
            misfits = ["no such method"] if call is None else apis.misfits(call, {}, body)
            told.asked.append((self.path.rpartition("/")[2], misfits or body))
            status, answer = told.answers.pop(0) if told.answers else TAKEN
            if status == 0:
                self.close_connection = True
                return
            content = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer((LOOPBACK, 0), Answering)
    server.daemon_threads = True
    told.port = server.server_port
    for name, value in Addresses(dict.fromkeys(PARTS, 9), {}).environment(users=1, channels_per_user=1).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("PUBSUB_EMULATOR_HOST", f"{LOOPBACK}:{told.port}")
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield told
    server.shutdown()
    server.server_close()


def test_messages_are_published_as_documented_over_one_connection(google):
    pubsub.to_ingest("videos", {"é": 1})
    pubsub.to_operators({"alarm": "x"})
    [(first, sent), (second, _)] = google.asked
    [message] = sent["messages"]
    assert (first, second, message["attributes"]) == ("ingest:publish", "alerts:publish", {"kind": "videos"})
    assert json.loads(base64.b64decode(message["data"])) == {"é": 1}
    assert google.connections == 1


@pytest.mark.parametrize("trouble", [CLOSED, *((status, {}) for status in (401, 429, 500, 503))])
def test_what_may_pass_is_asked_again_and_a_message_is_not_lost_by_it(google, trouble):
    pubsub.to_ingest("videos", {})
    google.answers = [trouble, TAKEN]
    pubsub.to_ingest("videos", {})
    assert len(google.asked) == 3


@pytest.mark.parametrize("status", [400, 403, 404])
def test_what_the_operator_has_to_mend_is_said_at_once_in_google_s_words(google, status):
    google.answers = [(status, {"error": {"message": "Topic not found"}})]
    with pytest.raises(Misconfigured, match="Topic not found"):
        pubsub.to_operators({})
    assert len(google.asked) == 1


def test_a_pub_sub_that_only_fails_is_unavailable_once_the_time_is_over(google, monkeypatch):
    monkeypatch.setattr(pubsub, "_SOON", 0.15)
    google.answers = [(503, {})] * 100
    with pytest.raises(Unavailable) as failed:
        pubsub.to_call_log([])
    assert failed.value.reason == "pubsubUnavailable"
    assert 0 < len(google.asked) < 5


def test_a_pub_sub_that_is_not_there_is_unavailable(google, monkeypatch):
    monkeypatch.setattr(pubsub, "_SOON", 0.15)
    monkeypatch.setenv("PUBSUB_EMULATOR_HOST", f"{LOOPBACK}:9")
    with pytest.raises(Unavailable):
        pubsub.to_call_log([])
