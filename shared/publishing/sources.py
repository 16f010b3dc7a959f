"""Where a file comes from: an object in Cloud Storage, or an HTTPS URL that serves ranges.

A source is described before anything is spent: its size, and an identity (generation or ETag) that later reads are
held to, so that a file that changes between two runs is noticed rather than mixed. Reads stream from any byte.

describe()                size, identity and first bytes; raises InvalidRequest (field named) or Unavailable
read(first, described)    the bytes from `first` to the end, never more than described; closing it ends the read;
                          raises InvalidRequest, reason sourceChanged, or Unavailable when it stops
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from shared.cloud import storage
from shared.errors import InvalidRequest, NotFound, Unavailable
from shared.publishing.allowed import Allowed
from shared.publishing.media import HEAD
from shared.publishing.reading import (
    SECONDS,
    Answer,
    Described,
    Pieces,
    at_most,
    changed,
    exactly,
    reachable,
    unreachable,
    within,
)
from shared.publishing.web_file import WebFile

if TYPE_CHECKING:
    from urllib3 import BaseHTTPResponse


@dataclass(frozen=True)
class StorageObject:
    """An object in Cloud Storage, read with the function's own identity. seconds: see `reading`."""

    bucket: str
    name: str
    field_name: str
    seconds: float = SECONDS

    def describe(self) -> Described:
        """Its size, generation and first bytes."""
        try:
            found = self._asked(partial(storage.describe, self.bucket, self.name))
            if not found.size:
                return Described(0, found.generation)
            with self._opened(found, 0, HEAD - 1) as answer:
                return Described(found.size, found.generation, at_most(answer, HEAD, self.seconds))
        except NotFound as error:
            raise InvalidRequest(
                f"There is no object {self.name!r} in the bucket {self.bucket!r} that we may read.",
                reason="sourceMissing",
                field=self.field_name,
            ) from error

    def read(self, first: int, described: Described) -> Pieces:
        """Its bytes from `first` on, of the described generation."""
        found = storage.StoredObject(self.bucket, self.name, described.identity, described.size)
        try:
            with self._opened(found, first, None) as answer:
                yield from exactly(answer, described.size - first, self.seconds, self.field_name)
        except NotFound as error:
            raise changed(self.field_name) from error

    def _asked(self, ask: Callable[[], Answer]) -> Answer:
        """What Cloud Storage answers, within its time. Raises NotFound, Unavailable."""
        try:
            with reachable():
                return within(self.seconds, ask)
        except Unavailable as error:
            raise unreachable(error.message) from error

    @contextmanager
    def _opened(self, found: storage.StoredObject, first: int, last: int | None) -> Iterator[BaseHTTPResponse]:
        with closing(self._asked(partial(storage.opened, found, first, last))) as answer, reachable():
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


def whole(source: Source, described: Described) -> bytes:
    """All bytes of a small file. Raises what reading raises."""
    with closing(source.read(0, described)) as pieces:
        return b"".join(pieces)
