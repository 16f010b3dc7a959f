"""One pool of connections to Google, shared by all threads of a process.

Google's Python client talks through any object with httplib2's `request`. httplib2 itself is not safe to share
between threads and keeps one connection a host; this one stands on urllib3: keep-alive, timeouts, gzip. It follows
no redirect (308 is the resumable upload's "go on", and a bearer token has no business elsewhere) and repeats
nothing: retries are the policy table's.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from typing import IO, TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from urllib3 import BaseHTTPResponse, PoolManager

CONNECT_SECONDS = 10.0
READ_SECONDS = 60.0
_CONNECTIONS = 16  # a host; more threads than that wait for a connection rather than open one
_READ_MAX = 32 * 1024 * 1024  # JSON answers are far smaller; downloads are streamed

Body = bytes | str | IO[bytes] | Iterable[bytes] | None


@cache
def pool() -> PoolManager:
    """This process's connections; opened on first use, in the worker and not in the master that forks it."""
    import urllib3

    limits = urllib3.Timeout(connect=CONNECT_SECONDS, read=READ_SECONDS)
    return urllib3.PoolManager(num_pools=8, maxsize=_CONNECTIONS, block=True, retries=False, timeout=limits)


def bearer(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


class AnswerTooLong(OSError):
    """A body that no answer of this API has."""


class Http:
    """What Google's client calls `http`: one request in, status with headers and the body out.

    token: sent with every request. Cheap: one for each exchange.
    status, fields and answer of the last exchange can be read afterwards, also when the caller's parsing failed.
    """

    def __init__(self, token: str) -> None:
        self._token = token
        self.status: int | None = None
        self.fields: dict[str, str] = {}
        self.answer: bytes = b""

    def request(self, uri: str, method: str, body: Body, headers: Mapping[str, str]) -> tuple[object, bytes]:
        """Send once. Raises urllib3's exceptions when no whole answer came."""
        from httplib2 import Response  # Google's client reads this type

        self.status, self.fields, self.answer = None, {}, b""
        with opened(method, uri, headers={**headers, **bearer(self._token)}, body=body) as answer:
            self.status = answer.status
            fields = self.fields = {name.lower(): value for name, value in answer.headers.items()}
            self.answer = _read(answer)
        # The body is unpacked by now; its length and encoding on the wire would mislead.
        fields.pop("content-encoding", None)
        fields["content-length"] = str(len(self.answer))
        fields["status"] = str(self.status)
        return Response(fields), self.answer


@contextmanager
def opened(method: str, url: str, *, headers: Mapping[str, str], body: Body = None) -> Iterator[BaseHTTPResponse]:
    """An answer whose body has not been read yet; its connection goes back to the pool when it was read whole.

    Raises urllib3's exceptions.
    """
    answer = pool().request(method, url, headers=headers, body=body, redirect=False, preload_content=False)
    try:
        yield answer
    except BaseException:
        answer.close()  # a half-read body must not be taken for the next answer's
        raise
    answer.drain_conn()
    answer.release_conn()


def foreign(address: str, root: str) -> bool:
    """Whether an address is another server's than the one at `root`: an access token goes nowhere else."""
    parts, ours = urlsplit(address), urlsplit(root)
    return (parts.scheme, parts.netloc) != (ours.scheme, ours.netloc)


def _read(answer: BaseHTTPResponse) -> bytes:
    parts, length = [], 0
    for part in answer.stream(65_536, decode_content=True):
        length += len(part)
        if length > _READ_MAX:
            raise AnswerTooLong(f"more than {_READ_MAX} bytes")
        parts.append(part)
    return b"".join(parts)
