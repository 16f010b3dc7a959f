"""Answers every request over HTTP/1.1 at once, as Pub/Sub answers a message; `python -m infra.bench.at_once PORT`.

A process of its own, so what speaks to it does all that it would do with Google. Pub/Sub's emulator takes 2 ms of
CPU for a message over its JSON API, on the same cores: a rate beside it is the emulator's, not the webhook's.
"""

from __future__ import annotations

import asyncio
import sys

from infra.local.process import LOOPBACK

_BODY = b'{"messageIds":["1"]}'
_ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: application/json; charset=UTF-8\r\nContent-Length: %d\r\n\r\n%b"


class _Answers(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport, self._received = transport, b""

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, end, body = self._received.partition(b"\r\n\r\n")
        if not end:
            return
        length = int(head.lower().partition(b"\r\ncontent-length: ")[2].partition(b"\r\n")[0])
        if len(body) >= length:
            self._received = b""
            self._transport.write(_ANSWER % (len(_BODY), _BODY))


async def _serve(port: int) -> None:
    server = await asyncio.get_running_loop().create_server(_Answers, LOOPBACK, port)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1])))
