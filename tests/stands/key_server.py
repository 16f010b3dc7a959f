"""Serves a JSON Web Key Set, as Identity-Aware Proxy's keys are served."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from infra.local.process import LOOPBACK


@contextmanager
def serving(keys: Sequence[dict[str, Any]]) -> Iterator[str]:
    """The address of the keys, for as long as the context lasts."""
    body = json.dumps({"keys": keys}).encode()

    class Keys(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer((LOOPBACK, 0), Keys)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield f"http://{LOOPBACK}:{server.server_port}/keys"
    finally:
        server.shutdown()
        server.server_close()
