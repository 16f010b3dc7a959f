"""Where a file comes from: an object in Cloud Storage, or an HTTPS URL that serves ranges.

A source is described before anything is spent: its size, and an identity (generation or ETag) that later reads are
held to, so that a file that changes between two runs is noticed rather than mixed. Reads stream from any byte.
"""

from __future__ import annotations

import re
import ssl
import threading
import time
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from email.utils import parsedate_to_datetime
from functools import partial
from queue import Empty, Queue
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import urljoin

from shared.cloud import storage
from shared.errors import InvalidRequest, NotFound, Unavailable
from shared.publishing.address import HTTPS_PORT, Admits, Resolver, Target, is_public, resolve, target
from shared.publishing.allowed import Allowed
from shared.publishing.media import HEAD

if TYPE_CHECKING:
    from urllib3 import BaseHTTPResponse

SourceOf = Callable[[Mapping[str, Any], str], "Source"]
"""The source that a request names, and the field that named it."""

Pieces = Generator[bytes, None, None]
PIECE = 256 * 1024  # bytes read at once
_REDIRECTS = 5
_CONNECT_SECONDS = 10.0


@dataclass(frozen=True)
class Described:
    """A source at one moment. identity: what a later read must still find, "" when the source does not say which
    version this is. head: the first bytes. ranges: whether it can be read from any byte, or only as a whole."""

    size: int
    identity: str
    head: bytes = b""
    ranges: bool = True


class Source(Protocol):
    """Bytes that can be read from any position."""

    def describe(self) -> Described:
        """Size, identity and first bytes. Raises InvalidRequest (field named) or Unavailable."""
        ...

    def read(self, first: int, described: Described) -> Pieces:
        """The bytes from `first` to the end, in pieces, never more than described; closing it ends the read.

        Raises InvalidRequest, reason sourceChanged, when this is not the file that was described; Unavailable when
        it stops.
        """
        ...


def changed(field_name: str) -> InvalidRequest:
    """The file behind a source is not the one that the upload began with."""
    return InvalidRequest(
        "The source has changed or vanished since the upload began; submit it again.",
        reason="sourceChanged",
        field=field_name,
    )


@dataclass(frozen=True)
class StorageObject:
    """An object in Cloud Storage, read with the function's own identity."""

    bucket: str
    name: str
    field_name: str

    def describe(self) -> Described:
        """As `Source`."""
        try:
            found = storage.describe(self.bucket, self.name)
            head = b"".join(storage.read(found, 0, HEAD - 1, chunk=HEAD)) if found.size else b""
        except NotFound as error:
            raise InvalidRequest(
                f"There is no object {self.name!r} in the bucket {self.bucket!r} that we may read.",
                reason="sourceMissing",
                field=self.field_name,
            ) from error
        except Unavailable as error:
            raise Unavailable(error.message, reason="sourceUnreachable") from error
        return Described(found.size, found.generation, head)

    def read(self, first: int, described: Described) -> Pieces:
        """As `Source`."""
        found = storage.StoredObject(self.bucket, self.name, described.identity, described.size)
        left = described.size - first
        try:
            for piece in storage.read(found, first, None, chunk=PIECE):
                left = _less(left, piece, self.field_name)
                yield piece
        except NotFound as error:
            raise changed(self.field_name) from error
        except Unavailable as error:
            raise Unavailable(error.message, reason="sourceUnreachable") from error
        if left:
            raise changed(self.field_name)


@dataclass(frozen=True)
class WebFile:
    """A file behind an HTTPS URL. Each redirect's host and address are checked like the first.

    seconds: within which an answer must begin, and each piece of it arrive whole. resolver, admits, tls and port
    say what the Internet is. Production leaves all these as they are.
    """

    url: str
    field_name: str
    allowed: Allowed
    seconds: float = 30.0
    resolver: Resolver = resolve
    admits: Admits = is_public
    tls: ssl.SSLContext | None = field(default=None, compare=False)
    port: int = HTTPS_PORT

    def describe(self) -> Described:
        """As `Source`."""
        with self._get(0, HEAD - 1) as answer:
            if answer.status not in {200, 206}:
                raise self._bad_status(answer.status)
            total = _total(answer, 0)
            if total is None:
                raise self._refused("does not say how large it is")
            head = b"".join(_pieces(answer, min(HEAD, total), self.seconds))
            if _just_changed(answer.headers):
                raise Unavailable("The source is being changed at this moment.", reason="sourceUnreachable")
            return Described(total, _identity(answer.headers), head, ranges=answer.status == 206)

    def read(self, first: int, described: Described) -> Pieces:
        """As `Source`."""
        with self._get(first, None) as answer:
            if answer.status in {404, 410, 412, 416}:
                raise changed(self.field_name)
            if answer.status == 200 and described.ranges:
                raise self._refused("no longer serves ranges, or answers with a page")
            if answer.status not in {200, 206}:
                raise self._bad_status(answer.status)
            total = _total(answer, first)
            if total != described.size or _identity(answer.headers) != described.identity:
                raise changed(self.field_name)
            left = described.size - first
            for piece in _pieces(answer, None, self.seconds):
                left = _less(left, piece, self.field_name)
                yield piece
            if left:
                raise changed(self.field_name)

    @contextmanager
    def _get(self, first: int, last: int | None) -> Iterator[BaseHTTPResponse]:
        from urllib3.exceptions import HTTPError

        url = self.url
        headers = {"range": f"bytes={first}-{'' if last is None else last}", "accept-encoding": "identity"}
        for _ in range(_REDIRECTS + 1):
            try:
                answer = _within(self.seconds, partial(self._open, url, headers))
            except (HTTPError, OSError) as error:
                raise Unavailable("The source does not answer.", reason="sourceUnreachable") from error
            if answer.status not in {301, 302, 303, 307, 308}:
                try:
                    yield answer
                except (HTTPError, OSError) as error:
                    raise Unavailable("The source stopped answering.", reason="sourceUnreachable") from error
                finally:
                    answer.close()
                return
            url = urljoin(url, answer.headers.get("location", ""))
            answer.close()
        raise self._refused("redirects too often")

    def _open(self, url: str, headers: Mapping[str, str]) -> BaseHTTPResponse:
        """The answer of the first of the host's addresses that takes the connection."""
        from urllib3.exceptions import ConnectTimeoutError, NewConnectionError

        place = target(url, field=self.field_name, resolver=self.resolver, admits=self.admits)
        self.allowed.check_host(place.host, field=self.field_name)
        *others, last = place.addresses
        for address in others:
            try:
                return self._ask(place, address, headers)
            except (NewConnectionError, ConnectTimeoutError):
                continue
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
        return pool.urlopen(
            "GET",
            place.path,
            headers={**headers, "host": place.host},
            redirect=False,
            preload_content=False,
        )

    def _refused(self, why: str) -> InvalidRequest:
        return InvalidRequest(f"The source {why}.", reason="sourceUnusable", field=self.field_name)

    def _bad_status(self, status: int) -> Exception:
        if status in {408, 425, 429} or status >= 500:
            return Unavailable(f"The source answers {status}.", reason="sourceUnreachable")
        return self._refused(f"answers {status}")


def source_of(allowed: Allowed, named: Mapping[str, Any], field_name: str) -> Source:
    """The source that a request names. Raises InvalidRequest for one that is not on the operator's list."""
    allowed.check(named, field=field_name)
    if "url" in named:
        return WebFile(named["url"], field_name, allowed)
    return StorageObject(named["bucket"], named["object"], field_name)


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


def _less(left: int, piece: bytes, field_name: str) -> int:
    """What is still to come after a piece. Raises InvalidRequest when that is less than nothing."""
    if len(piece) > left:
        raise changed(field_name)
    return left - len(piece)


def _pieces(answer: BaseHTTPResponse, most: int | None, seconds: float) -> Iterator[bytes]:
    """A body in pieces, `most` bytes of it; each has its time in all, or a source could drip for days.

    Raises Unavailable for one that takes longer.
    """
    left = PIECE if most is None else most
    while left:
        began, piece = time.monotonic(), bytearray()
        size = min(PIECE, left)
        while len(piece) < size and (part := answer.read1(size - len(piece), decode_content=False)):
            piece += part
            if time.monotonic() - began > seconds:
                raise Unavailable("The source sends too slowly.", reason="sourceUnreachable")
        if not piece:
            return
        left -= len(piece) if most is not None else 0
        yield bytes(piece)


def _within(seconds: float, ask: Callable[[], BaseHTTPResponse]) -> BaseHTTPResponse:
    """The answer of `ask`, which looks up, connects and waits for headers, if all that takes no longer.

    A socket's timeout limits only the silence between two bytes, so it is another thread that is waited for.
    """
    answers: Queue[BaseHTTPResponse | Exception] = Queue()

    def run() -> None:
        try:
            answers.put(ask())
        except Exception as error:  # noqa: BLE001 - raised where it is waited for
            answers.put(error)

    threading.Thread(target=run, daemon=True).start()
    try:
        answer = answers.get(timeout=seconds)
    except Empty:
        raise Unavailable("The source does not answer in time.", reason="sourceUnreachable") from None
    if isinstance(answer, Exception):
        raise answer
    return answer
