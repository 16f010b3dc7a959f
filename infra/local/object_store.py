"""Cloud Storage as far as reading goes: the files of a folder, spoken to by Google's own client.

Each sub-folder is a bucket. Ranges, generations (a file's modification time) and the refusals that readers meet
are as in the JSON API and in fake-gcs-server, beside which tests/emulators/storage holds it; writing is done by
putting files into the folder. `STORAGE_EMULATOR_HOST` points the client here. Source:
cloud.google.com/storage/docs/json_api (objects.get).
"""

from __future__ import annotations

import argparse
import json
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from infra.local.process import LOOPBACK

_OBJECT = re.compile(r"/(?:download/)?storage/v1/b/([^/]+)/o/([^/]+)")
_RANGE = re.compile(r"bytes=(?:(?P<first>\d+)-(?P<last>\d*)|-(?P<tail>\d+))")
_REASONS = {400: "invalid", 404: "notFound", 416: "requestedRangeNotSatisfiable"}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = 65_536  # headers and a small body leave in one packet
    folder: Path
    drips: float = 0

    def log_message(self, *_args: Any) -> None:
        """Silent: who reads what is the reader's to log."""

    def handle(self) -> None:
        with suppress(ConnectionError):  # a reader may leave at any moment
            super().handle()

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        if parts.path == "/":
            return self._json(200, {"ready": True})
        match, query = _OBJECT.fullmatch(parts.path), parse_qs(parts.query)
        path = self._file(match)
        if match is None or path is None:
            return self._error(404, "No such object")
        generation = str(path.stat().st_mtime_ns // 1000)
        asked = query.get("generation", [generation])[0]
        if not asked.isdecimal():
            return self._error(400, f"Invalid generation {asked}")
        if asked != generation:
            return self._error(404, f"No such object: generation {asked}")
        if query.get("alt") == ["media"]:
            return self._media(path, generation)
        described = {
            "kind": "storage#object",
            "bucket": match[1],
            "name": unquote(match[2]),
            "generation": generation,
            "metageneration": "1",
            "size": str(path.stat().st_size),
        }
        names = query.get("fields", [",".join(described)])[0].split(",")
        return self._json(200, {name: described[name] for name in names})

    def _file(self, match: re.Match[str] | None) -> Path | None:
        if match is None:
            return None
        named = f"{self.folder.resolve()}/{match[1]}/{unquote(match[2])}"
        path = Path(named).resolve()
        return path if path.is_file() and str(path) == named else None  # an object has one name, without detours

    def _media(self, path: Path, generation: str) -> None:
        size = path.stat().st_size
        wanted = part(self.headers.get("range", ""), size)
        if wanted is not None and not wanted:
            return self._error(416, "Requested range not satisfiable")
        sent = range(size) if wanted is None else wanted
        self.send_response(200 if wanted is None else 206)
        self.send_header("Content-Type", "application/octet-stream")
        self.send_header("Content-Length", str(len(sent)))
        self.send_header("X-Goog-Generation", generation)
        if wanted is not None:
            self.send_header("Content-Range", f"bytes {sent.start}-{sent.stop - 1}/{size}")
        self.end_headers()
        self.wfile.flush()
        if self.drips:
            for byte in path.read_bytes()[sent.start : sent.stop]:
                self.connection.sendall(bytes([byte]))
                time.sleep(self.drips)
        elif sent:
            with path.open("rb") as file:
                self.connection.sendfile(file, sent.start, len(sent))
        return None

    def _error(self, status: int, message: str) -> None:
        detail = {"domain": "global", "reason": _REASONS[status], "message": message}
        self._json(status, {"error": {"code": status, "message": message, "errors": [detail]}})

    def _json(self, status: int, body: dict[str, Any]) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


def part(asked: str, size: int) -> range | None:
    """The bytes that a Range header asks of so many; none where it lies beyond them, None where it is no range."""
    found = _RANGE.fullmatch(asked)
    if found is None:
        return None
    if found["tail"]:
        return range(max(size - int(found["tail"]), 0), size)
    first, last = int(found["first"]), int(found["last"] or max(size - 1, int(found["first"])))
    return range(first, min(last + 1, size)) if first <= last else None


def server(folder: Path, port: int = 0, *, drips: float = 0) -> ThreadingHTTPServer:
    """A server for a folder on a port of 127.0.0.1 (0: a free one); `serve_forever()` serves.

    drips: seconds after each byte of a file, for a test of who waits.
    """
    handler = type("Handler", (_Handler,), {"folder": folder, "drips": drips})
    found = ThreadingHTTPServer((LOOPBACK, port), handler)
    found.daemon_threads = True
    return found


@contextmanager
def serving(folder: Path, *, drips: float = 0) -> Iterator[str]:
    """The address of a store that serves while the block runs, for STORAGE_EMULATOR_HOST."""
    running = server(folder, drips=drips)
    thread = threading.Thread(target=running.serve_forever, name="object-store", daemon=True)
    thread.start()
    try:
        yield f"http://{LOOPBACK}:{running.server_port}"
    finally:
        running.shutdown()
        running.server_close()


def main() -> None:
    """Serve until the process is told to end."""
    parser = argparse.ArgumentParser(prog="python -m infra.local.object_store", description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--folder", type=Path, required=True)
    asked = parser.parse_args()
    server(asked.folder, asked.port).serve_forever()


if __name__ == "__main__":
    main()
