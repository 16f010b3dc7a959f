"""Where a file comes from: an object in Cloud Storage, or an HTTPS URL that serves ranges.

A source is described before anything is spent: its size, and an identity (generation or ETag) that later reads are
held to, so that a file that changes between two runs is noticed rather than mixed. Reads stream from any byte.

describe()                size, identity and first bytes; raises InvalidRequest (field named) or Unavailable
read(first, described)    the bytes from `first` to the end, never more than described; closing it ends the read;
                          raises InvalidRequest, reason sourceChanged, or Unavailable when it stops
"""

from __future__ import annotations

import re
import ssl
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from email.utils import parsedate_to_datetime
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin

from shared.cloud import storage
from shared.errors import InvalidRequest, NotFound, Unavailable
from shared.publishing import reading
from shared.publishing.address import HTTPS_PORT, Admits, Allowed, Resolver, Target, is_public, resolve, target
from shared.publishing.media import HEAD
from shared.publishing.reading import Answer, Described, Pieces, reachable, within

if TYPE_CHECKING:
    from urllib3 import BaseHTTPResponse


_REDIRECTS = 5
_CONNECT_SECONDS = 10.0


@dataclass(frozen=True)
class WebFile:
    """A file behind an HTTPS URL. Each redirect's host and address are checked like the first.

    seconds: see `reading`. resolver, admits, tls and port say what the Internet is. Production leaves all these as
    they are.
    """

    url: str
    field_name: str
    allowed: Allowed
    seconds: float = reading.SECONDS
    resolver: Resolver = resolve
    admits: Admits = is_public
    tls: ssl.SSLContext | None = field(default=None, compare=False)
    port: int = HTTPS_PORT

    def describe(self) -> Described:
        """Its size, version and first bytes, and whether the server serves ranges."""
        with self._get(0, HEAD - 1) as answer:
            if answer.status not in {200, 206}:
                raise self._bad_status(answer.status)
            total = _total(answer, 0)
            if total is None:
                raise self._refused("does not say how large it is")
            head = reading.at_most(answer, min(HEAD, total), self.seconds)
            if _just_changed(answer.headers):
                raise reading.unreachable("The source is being changed at this moment.")
            return Described(total, _identity(answer.headers), head, ranges=answer.status == 206)

    def read(self, first: int, described: Described) -> Pieces:
        """Its bytes from `first` on, of the described version."""
        with self._get(first, None) as answer:
            if answer.status in {404, 410, 412, 416}:
                raise reading.changed(self.field_name)
            if answer.status == 200 and described.ranges:
                raise self._refused("no longer serves ranges, or answers with a page")
            if answer.status not in {200, 206}:
                raise self._bad_status(answer.status)
            if (_total(answer, first), _identity(answer.headers)) != (described.size, described.identity):
                raise reading.changed(self.field_name)
            yield from reading.exactly(answer, described.size - first, self.seconds, self.field_name)

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
            "GET", place.path, headers={**headers, "host": place.host}, redirect=False, preload_content=False
        )

    def _refused(self, why: str) -> InvalidRequest:
        return InvalidRequest(f"The source {why}.", reason="sourceUnusable", field=self.field_name)

    def _bad_status(self, status: int) -> Exception:
        if status in {408, 425, 429} or status >= 500:
            return reading.unreachable(f"The source answers {status}.")
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
    """An object in Cloud Storage, read with the function's own identity. seconds: see `reading`."""

    bucket: str
    name: str
    field_name: str
    seconds: float = reading.SECONDS

    def describe(self) -> Described:
        """Its size, generation and first bytes."""
        try:
            generation, size = self._asked(partial(storage.describe, self.bucket, self.name))
            if not size:
                return Described(0, generation)
            with self._opened(generation, 0, HEAD - 1) as answer:
                return Described(size, generation, reading.at_most(answer, HEAD, self.seconds))
        except NotFound as error:
            words = f"There is no object {self.name!r} in the bucket {self.bucket!r} that we may read."
            raise InvalidRequest(words, reason="sourceMissing", field=self.field_name) from error

    def read(self, first: int, described: Described) -> Pieces:
        """Its bytes from `first` on, of the described generation."""
        try:
            with self._opened(described.identity, first, None) as answer:
                yield from reading.exactly(answer, described.size - first, self.seconds, self.field_name)
        except NotFound as error:
            raise reading.changed(self.field_name) from error

    def _asked(self, ask: Callable[[], Answer]) -> Answer:
        """What Cloud Storage answers, within its time. Raises NotFound, Unavailable."""
        try:
            with reachable():
                return within(self.seconds, ask)
        except Unavailable as error:
            raise reading.unreachable(error.message) from error

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


def usable(
    source: Source, called: str, reason: str, most: int, other: Callable[[bytes], str | None], *, field: str
) -> Described:
    """The file that a source describes, if it is one that is wanted, which is asked before anything is spent.

    most: bytes that are taken; other: by its first bytes, what it surely is instead. Raises InvalidRequest.
    """
    described = source.describe()
    problem = f"is {instead}" if (instead := other(described.head)) else ""
    if described.size > most:
        problem = f"has {described.size} bytes; {most} are taken"
    if described.size == 0:
        problem = "is empty"
    if problem:
        raise InvalidRequest(f"{called} {problem}.", reason=reason, field=field)
    return described


def whole(source: Source, described: Described) -> bytes:
    """All bytes of a small file. Raises what reading raises."""
    with closing(source.read(0, described)) as pieces:
        return b"".join(pieces)
