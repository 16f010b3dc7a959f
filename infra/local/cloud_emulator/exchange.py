"""One HTTP/1.1 request and its answer's head, on a connection of its own.

Not httpx: its shared pool costs time in the square of the requests on their way (300 at once went at 49 a second,
here at well over 500), and a kept connection that the target closes meanwhile would fail a task.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Sequence
from functools import cache
from urllib.parse import urlsplit

import h11

_CHUNK = 65536


class NoAnswer(Exception):
    """The target could not be reached, or did not answer in HTTP."""


async def exchange(
    url: str, method: str, headers: Sequence[tuple[str, str]], body: bytes
) -> tuple[int, dict[str, str]]:
    """Send one request; the answer's status and headers (names in lower case). Its body is read and thrown away.

    Raises NoAnswer. Waits as long as it takes: the caller sets the deadline.
    """
    parts = urlsplit(url)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    request = h11.Request(
        method=method,
        target=path.encode(),
        headers=[
            ("Host", parts.netloc.rpartition("@")[2]),
            ("Connection", "close"),
            *headers,
            *_length(method, body),
        ],
    )
    secure = parts.scheme == "https"
    try:
        reader, writer = await asyncio.open_connection(
            parts.hostname, parts.port or (443 if secure else 80), ssl=_trust() if secure else None
        )
        try:
            return await _talk(reader, writer, request, body)
        finally:
            writer.close()
    except (OSError, h11.RemoteProtocolError) as error:
        raise NoAnswer(type(error).__name__) from error


async def _talk(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: h11.Request, body: bytes
) -> tuple[int, dict[str, str]]:
    wire = h11.Connection(h11.CLIENT)
    events: list[h11.Event] = [request, *([h11.Data(data=body)] if body else []), h11.EndOfMessage()]
    writer.write(b"".join(wire.send(event) or b"" for event in events))
    answer: h11.Response | None = None
    while True:
        event = wire.next_event()
        if event is h11.NEED_DATA:
            wire.receive_data(await reader.read(_CHUNK))
        elif isinstance(event, h11.Response):
            answer = event
        elif isinstance(event, h11.EndOfMessage) and answer is not None:
            return answer.status_code, {name.decode(): value.decode("latin-1") for name, value in answer.headers}
        elif isinstance(event, h11.ConnectionClosed):
            raise NoAnswer("ConnectionClosed")


def _length(method: str, body: bytes) -> list[tuple[str, str]]:
    """A length where a body is, or is expected."""
    return [("Content-Length", str(len(body)))] if body or method in {"POST", "PUT", "PATCH"} else []


@cache
def _trust() -> ssl.SSLContext:
    return ssl.create_default_context()
