"""How a fault looks on the wire: spoilt answers, cut and reset connections, silence."""

from __future__ import annotations

import asyncio
import gzip
import json
import socket
import struct
from collections.abc import Awaitable, Callable
from datetime import timedelta
from email.utils import format_datetime

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from infra.local.simulator.errors import Shape
from infra.local.simulator.faults import AFTERWARDS, Fault
from infra.local.simulator.paging import FIRST_AGAIN
from infra.local.simulator.wire import json_response, plain_body
from shared.clock import Clock

HANG_SECONDS = 3600.0
HTML = (
    "<!DOCTYPE html><html lang=en><meta charset=utf-8><title>Error {status} (Server Error)!!1</title>"
    "<p><b>{status}.</b> <ins>That\u2019s an error.</ins>"
    "<p>The server encountered an error and could not complete your request. "
    "<ins>That\u2019s all we know.</ins></html>"
)


class Broken(Response):
    """An answer that never arrives whole: some bytes (or none), then the connection ends.

    abrupt: with a reset instead of an orderly end.
    """

    def __init__(self, answer: Response | None, *, share: float = 0.5, abrupt: bool = False) -> None:
        super().__init__(status_code=answer.status_code if answer else 0)
        self._answer = answer
        self._share = share
        self._abrupt = abrupt

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send what is to be sent, and end the connection."""
        if self._answer is not None:
            body = bytes(self._answer.body)
            await send(
                {
                    "type": "http.response.start",
                    "status": self._answer.status_code,
                    "headers": self._answer.raw_headers,
                }
            )
            part = body[: max(1, int(len(body) * self._share))] if len(body) > 1 else b""
            await send({"type": "http.response.body", "body": part, "more_body": True})
        transport = scope.get("state", {}).get("transport")
        if transport is None:
            raise ConnectionResetError("the simulator cut this connection")
        if self._abrupt:
            # Lingering for no time at all turns the close into a reset.
            linger = struct.pack("ii", 1, 0)
            transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            transport.abort()
        else:
            transport.close()
        while (await receive())["type"] != "http.disconnect":
            pass


async def strike(
    fault: Fault,
    *,
    method: str,
    shape: Shape,
    clock: Clock,
    produce: Callable[[], Awaitable[Response]],
) -> Response:
    """The answer that a fault leaves of a request. produce: carries the request out."""
    if fault.seconds and fault.kind != "hang":
        await asyncio.sleep(fault.seconds)
    if fault.kind == "denied":
        await produce()
    elif fault.kind in AFTERWARDS:
        return _spoil(fault, await produce())
    if fault.kind == "hang":
        await asyncio.sleep(fault.seconds or HANG_SECONDS)
    if fault.kind in {"hang", "reset"}:
        return Broken(None, abrupt=True)
    headers = _retry_after(fault, clock)
    if fault.kind == "html":
        status = fault.status or 503
        text = fault.body or HTML.format(status=status)
        return Response(text, status_code=status, headers=headers, media_type="text/html; charset=UTF-8")
    if fault.kind == "empty":
        return Response(b"", status_code=fault.status or 500, headers=headers)
    error = fault.error(method)
    if fault.body is not None:
        return Response(fault.body, status_code=error.status, headers=headers, media_type="application/json")
    return json_response(error.body(shape), error.status, headers)


def _spoil(fault: Fault, answer: Response) -> Response:
    if fault.kind == "drop":
        return Broken(None, abrupt=True)
    if fault.kind == "cut":
        return Broken(answer)
    if fault.kind == "truncated":
        body = bytes(answer.body)
        return _with_body(answer, body[: len(body) // 2])
    if fault.kind == "endless":
        return json_response({**json.loads(plain_body(answer)), "nextPageToken": FIRST_AGAIN})
    if fault.kind == "damaged_gzip":
        packed = bytearray(gzip.compress(plain_body(answer), 1))
        middle = max(12, len(packed) // 2)
        packed[middle:-8] = bytes(byte ^ 0x5A for byte in packed[middle:-8])
        damaged = _with_body(answer, bytes(packed))
        damaged.headers["content-encoding"] = "gzip"
        return damaged
    return answer


def _with_body(answer: Response, body: bytes) -> Response:
    spoilt = Response(body, status_code=answer.status_code)
    for name, value in answer.headers.items():
        if name != "content-length":
            spoilt.headers[name] = value
    return spoilt


def _retry_after(fault: Fault, clock: Clock) -> dict[str, str]:
    if fault.retry_after is None:
        return {}
    if fault.retry_after_form == "date":
        return {"Retry-After": format_datetime(clock() + timedelta(seconds=fault.retry_after), usegmt=True)}
    return {"Retry-After": str(fault.retry_after)}
