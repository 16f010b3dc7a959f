"""Where a file comes from: an object in Cloud Storage, or an HTTPS URL that serves ranges.

A source is described before anything is spent: its size, and an identity (generation or ETag) that later reads are
held to, so that a file that changes between two runs is noticed rather than mixed. Reads stream from any byte.

A socket's timeout limits only the silence between two bytes. Here an answer has to begin, and each piece of it to
be whole, within seconds: what sends a byte now and then is left.

describe()                size, identity and first bytes; raises InvalidRequest (field named) or Unavailable
read(first, described)    the bytes from `first` to the end, never more than described; closing it ends the read;
                          raises InvalidRequest, reason sourceChanged, or Unavailable when it stops
"""

from __future__ import annotations

import re
import ssl
import threading
import time
from collections.abc import Callable, Generator, Iterator, Mapping
from concurrent.futures import Future
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from email.utils import parsedate_to_datetime
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urljoin

from shared.cloud import storage
from shared.errors import InvalidRequest, NotFound, Unavailable
from shared.publishing.address import HTTPS_PORT, Admits, Allowed, Resolver, Target, is_public, resolve, target
from shared.publishing.media import HEAD

if TYPE_CHECKING:
    from urllib3 import BaseHTTPResponse

_REDIRECTS = 5
_CONNECT_SECONDS = 10.0
Answer = TypeVar("Answer")
Pieces = Generator[bytes, None, None]
PIECE = 256 * 1024  # bytes read at once; an upload's portions are multiples of it
SECONDS = 30.0  # within which an answer must begin, and each piece of it be whole


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
    """Raises Unavailable, reason sourceUnreachable, for a source that does not answer, or stops in the middle."""
    from urllib3.exceptions import HTTPError

    try:
        yield
    except Unavailable as error:
        raise unreachable(error.message) from error
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


@dataclass(frozen=True)
class WebFile:
    """A file behind an HTTPS URL. Each redirect's host and address are checked like the first.

    seconds: see SECONDS. resolver, admits, tls and port say what the Internet is. Production leaves all these as
    they are.
    """

    url: str
    field_name: str
    allowed: Allowed
    seconds: float = SECONDS
    resolver: Resolver = resolve
    admits: Admits = is_public
    tls: ssl.SSLContext | None = field(default=None, compare=False)
    port: int = HTTPS_PORT

    def describe(self) -> Described:
        with self._get(0, HEAD - 1) as answer:
            if answer.status not in {200, 206}:
                raise self._bad_status(answer.status)
            if (total := _total(answer, 0)) is None:
                raise self._refused("does not say how large it is")
            head = at_most(answer, min(HEAD, total), self.seconds)
            if _just_changed(answer.headers):
                raise unreachable("The source is being changed at this moment.")
            return Described(total, _identity(answer.headers), head, ranges=answer.status == 206)

    def read(self, first: int, described: Described) -> Pieces:
        with self._get(first, None) as answer:
            if answer.status in {404, 410, 412, 416}:
                raise changed(self.field_name)
            if answer.status == 200 and described.ranges:
                raise self._refused("no longer serves ranges, or answers with a page")
            if answer.status not in {200, 206}:
                raise self._bad_status(answer.status)
            if (_total(answer, first), _identity(answer.headers)) != (described.size, described.identity):
                raise changed(self.field_name)
            yield from exactly(answer, described.size - first, self.seconds, self.field_name)

    @contextmanager
    def _get(self, first: int, last: int | None) -> Iterator[BaseHTTPResponse]:
        """The answer for some bytes, wherever the server sends us on to."""
        url = self.url
        headers = {"range": f"bytes={first}-{'' if last is None else last}", "accept-encoding": "identity"}
        for _ in range(_REDIRECTS + 1):
            with reachable(), closing(within(self.seconds, partial(self._open, url, headers))) as answer:
                if answer.status not in {301, 302, 303, 307, 308}:
                    yield answer
                    return
                url = urljoin(url, answer.headers.get("location", ""))
        raise self._refused("redirects too often")

    def _open(self, url: str, headers: Mapping[str, str]) -> BaseHTTPResponse:
        """The answer of the first of the host's addresses that takes the connection."""
        from urllib3.exceptions import ConnectTimeoutError, NewConnectionError

        place = target(url, field=self.field_name, resolver=self.resolver, admits=self.admits)
        self.allowed.check_host(place.host, field=self.field_name)
        *others, last = place.addresses
        for address in others:
            with suppress(NewConnectionError, ConnectTimeoutError):
                return self._ask(place, address, headers)
        return self._ask(place, last, headers)

    def _ask(self, place: Target, address: str, headers: Mapping[str, str]) -> BaseHTTPResponse:
        import urllib3

        # Connected to by address, so that nothing is looked up twice; certificate and Host are the name's.
        pool = urllib3.HTTPSConnectionPool(
            address,
            self.port,
            server_hostname=place.host,
            assert_hostname=place.host,
            ssl_context=self.tls or ssl.create_default_context(),
            timeout=urllib3.Timeout(connect=_CONNECT_SECONDS, read=self.seconds),
            retries=False,
            maxsize=1,
        )
        headers = {**headers, "host": place.host}
        return pool.urlopen("GET", place.path, headers=headers, redirect=False, preload_content=False)

    def _refused(self, why: str) -> InvalidRequest:
        return InvalidRequest(f"The source {why}.", reason="sourceUnusable", field=self.field_name)

    def _bad_status(self, status: int) -> Exception:
        if status in {408, 425, 429} or status >= 500:
            return unreachable(f"The source answers {status}.")
        return self._refused(f"answers {status}")


def _total(answer: BaseHTTPResponse, first: int) -> int | None:
    """The size of the whole file, by what answers for a part of it or for all."""
    if answer.status == 200:
        length = answer.headers.get("content-length", "")
        return int(length) if re.fullmatch(r"\d{1,15}", length) else None
    match = re.fullmatch(rf"bytes {first}-\d+/(\d{{1,15}})", answer.headers.get("content-range", "").strip())
    return int(match[1]) if match else None


def _identity(headers: Mapping[str, str]) -> str:
    """What the server says that stands for these very bytes: a strong ETag, else the time of the last change.

    A weak ETag may stay the same while bytes change, so it does not count. Source: RFC 9110, 8.8.
    """
    etag = headers.get("etag", "")
    return etag if etag and not etag.startswith("W/") else headers.get("last-modified", "")


def _just_changed(headers: Mapping[str, str]) -> bool:
    """Whether the time of the last change, which counts in seconds, could stand for two versions."""
    if _identity(headers) != headers.get("last-modified"):
        return False
    try:
        answered, changed_at = (parsedate_to_datetime(headers.get(name, "")) for name in ("date", "last-modified"))
        return answered - changed_at < timedelta(seconds=1)
    except (ValueError, TypeError):
        return False


@dataclass(frozen=True)
class StorageObject:
    """An object in Cloud Storage, read with the function's own identity. seconds: see SECONDS."""

    bucket: str
    name: str
    field_name: str
    seconds: float = SECONDS

    def describe(self) -> Described:
        try:
            generation, size = self._asked(partial(storage.describe, self.bucket, self.name))
            if not size:
                return Described(0, generation)
            with self._opened(generation, 0, HEAD - 1) as answer:
                return Described(size, generation, at_most(answer, HEAD, self.seconds))
        except NotFound as error:
            words = f"There is no object {self.name!r} in the bucket {self.bucket!r} that we may read."
            raise InvalidRequest(words, reason="sourceMissing", field=self.field_name) from error

    def read(self, first: int, described: Described) -> Pieces:
        try:
            with self._opened(described.identity, first, None) as answer:
                yield from exactly(answer, described.size - first, self.seconds, self.field_name)
        except NotFound as error:
            raise changed(self.field_name) from error

    def _asked(self, ask: Callable[[], Answer]) -> Answer:
        """What Cloud Storage answers, within its time. Raises NotFound, Unavailable."""
        with reachable():
            return within(self.seconds, ask)

    @contextmanager
    def _opened(self, generation: str, first: int, last: int | None) -> Iterator[BaseHTTPResponse]:
        ask = partial(storage.opened, self.bucket, self.name, generation, first, last)
        with closing(self._asked(ask)) as answer, reachable():
            yield answer.raw


Source = StorageObject | WebFile
SourceOf = Callable[[Mapping[str, Any], str], Source]
"""The source that a request names, and the field that named it."""


def source_of(allowed: Allowed, named: Mapping[str, Any], field_name: str) -> Source:
    """The source that a request names. Raises InvalidRequest for one that is not on the operator's list."""
    allowed.check(named, field=field_name)
    if "url" in named:
        return WebFile(named["url"], field_name, allowed)
    return StorageObject(named["bucket"], named["object"], field_name)


def usable(source: Source, called: str, reason: str, most: int, other: Callable[[bytes], str | None]) -> Described:
    """The file that a source describes, if it is one that is wanted, which is asked before anything is spent.

    most: bytes that are taken; other: by its first bytes, what it surely is instead. Raises InvalidRequest.
    """
    described = source.describe()
    if described.size == 0:
        problem = "is empty"
    elif described.size > most:
        problem = f"has {described.size} bytes; {most} are taken"
    elif instead := other(described.head):
        problem = f"is {instead}"
    else:
        return described
    raise InvalidRequest(f"{called} {problem}.", reason=reason, field=source.field_name)


def whole(source: Source, called: str, reason: str, most: int, other: Callable[[bytes], str | None]) -> bytes:
    """All bytes of a small file that is `usable`. Raises what that and reading raise."""
    with closing(source.read(0, usable(source, called, reason, most, other))) as pieces:
        return b"".join(pieces)
