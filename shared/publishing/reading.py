"""How a file is read, wherever it is: described first, then in pieces, each within its time.

A socket's timeout limits only the silence between two bytes. Here an answer has to begin, and each piece of it to
be whole, within seconds: what sends a byte now and then is left.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from shared.errors import InvalidRequest, Unavailable

if TYPE_CHECKING:
    from urllib3 import BaseHTTPResponse

Answer = TypeVar("Answer")
Pieces = Generator[bytes, None, None]
PIECE = 256 * 1024  # bytes read at once
SECONDS = 30.0
"""Within which an answer must begin, and each piece of it be whole."""


@dataclass(frozen=True)
class Described:
    """A source at one moment. identity: what a later read must still find, "" when the source does not say which
    version this is. head: the first bytes. ranges: whether it can be read from any byte, or only as a whole."""

    size: int
    identity: str
    head: bytes = b""
    ranges: bool = True


def changed(field_name: str) -> InvalidRequest:
    """The file behind a source is not the one that was described."""
    words = "The source has changed or vanished since the upload began; submit it again."
    return InvalidRequest(words, reason="sourceChanged", field=field_name)


def unreachable(why: str) -> Unavailable:
    """A source cannot be read now, and perhaps later."""
    return Unavailable(why, reason="sourceUnreachable")


@contextmanager
def reachable() -> Iterator[None]:
    """Raises Unavailable for a source that does not answer, or stops in the middle."""
    from urllib3.exceptions import HTTPError

    try:
        yield
    except (HTTPError, OSError) as error:
        raise unreachable("The source does not answer.") from error


def within(seconds: float, ask: Callable[[], Answer]) -> Answer:
    """What `ask` returns or raises. Raises TimeoutError when that takes longer.

    It is another thread that is waited for, because no timeout of a socket limits the whole.
    """
    answer: Future[Answer] = Future()

    def run() -> None:
        try:
            answer.set_result(ask())
        except Exception as error:  # noqa: BLE001 - raised where it is waited for
            answer.set_exception(error)

    threading.Thread(target=run, daemon=True).start()
    return answer.result(seconds)


def at_most(answer: BaseHTTPResponse, size: int, seconds: float) -> bytes:
    """The next `size` bytes of a body, fewer at its end. Raises Unavailable when they take longer."""
    began, piece = time.monotonic(), bytearray()
    while len(piece) < size and (part := answer.read1(size - len(piece), decode_content=False)):
        piece += part
        if time.monotonic() - began > seconds:
            raise unreachable("The source sends too slowly.")
    return bytes(piece)


def exactly(answer: BaseHTTPResponse, count: int, seconds: float, field_name: str) -> Pieces:
    """A body of `count` bytes, in pieces. Raises InvalidRequest, reason sourceChanged, for fewer or more."""
    while piece := at_most(answer, PIECE, seconds):
        count -= len(piece)
        if count < 0:
            raise changed(field_name)
        yield piece
    if count:
        raise changed(field_name)
