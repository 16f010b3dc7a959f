"""The grammar and the rules of Google's resumable upload, as decisions without input or output.

A session has received so many bytes of a total that may not be known yet. Each PUT says by its Content-Range where
its bytes belong; from that and the session's state follows one decision: answer where we are, take bytes from some
offset on, or refuse. Source: "Resumable uploads" in YouTube's Data API guide; the same protocol is documented in
more detail for Cloud Storage.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

GRANULE = 256 * 1024
"""Every chunk but the last has a length that is a multiple of this many bytes."""

MAX_BYTES = 256 * 1024**3
"""The largest video (discovery document, `videos.insert`, `maxSize`)."""

_BYTES = re.compile(r"bytes (?:(?P<first>\d{1,15})-(?P<last>\d{1,15})|\*)/(?P<total>\d{1,15}|\*)")


@dataclass(frozen=True)
class ContentRange:
    """`bytes first-last/total`; no first and last in a status query, no total while it is unknown."""

    first: int | None
    last: int | None
    total: int | None

    @property
    def length(self) -> int:
        """How many bytes the range spans; 0 for a status query."""
        return 0 if self.first is None or self.last is None else self.last - self.first + 1


def parse_content_range(text: str) -> ContentRange | None:
    """What a Content-Range header says; None if it does not parse or contradicts itself."""
    match = _BYTES.fullmatch(text.strip())
    if match is None:
        return None
    total = None if match["total"] == "*" else int(match["total"])
    if match["first"] is None:
        return ContentRange(None, None, total)
    first, last = int(match["first"]), int(match["last"])
    if last < first or (total is not None and last >= total):
        return None
    return ContentRange(first, last, total)


@dataclass(frozen=True)
class Progress:
    """A session as the protocol sees it: bytes stored, and the total if somebody has said it."""

    stored: int
    total: int | None


@dataclass(frozen=True)
class Report:
    """Nothing to store: say how far we are, or that it is complete."""

    complete: bool
    total: int | None


@dataclass(frozen=True)
class Take:
    """Store what follows, without the first `skip` bytes, which are here already.

    length: bytes that come in all, None for as many as there are. last: with them the file is whole.
    """

    skip: int
    length: int | None
    last: bool
    total: int | None


@dataclass(frozen=True)
class Refuse:
    """400, and why; nothing is stored."""

    message: str


Decision = Report | Take | Refuse


def decide(progress: Progress, header: str | None, content_length: int | None) -> Decision:
    """What to do with a PUT on a session, before its body is read.

    header: the Content-Range, None when absent (the whole file in one request). content_length: of the body, None
    when it comes chunked.
    """
    if header is None:
        return _whole_file(progress, content_length)
    said = parse_content_range(header)
    if said is None:
        return Refuse("The Content-Range header could not be read.")
    total = progress.total if said.total is None else said.total
    if progress.total is not None and total != progress.total:
        return Refuse(f"The upload was announced with {progress.total} bytes, the Content-Range says {total}.")
    if total is not None and total > MAX_BYTES:
        return Refuse(f"The file is larger than {MAX_BYTES} bytes.")
    if said.first is None:
        return _status(progress, total, content_length)
    return _chunk(progress, said, total, content_length)


def _whole_file(progress: Progress, content_length: int | None) -> Decision:
    if progress.total is not None and content_length is not None and content_length != progress.total:
        return Refuse(f"The upload was announced with {progress.total} bytes, the body has {content_length}.")
    total = content_length if progress.total is None else progress.total
    return Take(skip=progress.stored, length=total, last=True, total=total)


def _status(progress: Progress, total: int | None, content_length: int | None) -> Decision:
    if content_length:
        return Refuse("A status query has no body.")
    if total is not None and progress.stored > total:
        return Refuse(f"{progress.stored} bytes are stored already, more than {total}.")
    return Report(complete=progress.stored == total, total=total)


def _chunk(progress: Progress, said: ContentRange, total: int | None, content_length: int | None) -> Decision:
    assert said.first is not None
    assert said.last is not None
    if content_length is not None and content_length != said.length:
        return Refuse(f"The Content-Range spans {said.length} bytes, the body has {content_length}.")
    if said.first > progress.stored:
        return Refuse(f"The chunk starts at byte {said.first}, but only {progress.stored} bytes are stored.")
    last = total is not None and said.last == total - 1
    if not last and said.length % GRANULE:
        return Refuse(f"A chunk of {said.length} bytes is not a multiple of {GRANULE} and is not the last one.")
    skip = min(progress.stored - said.first, said.length)
    return Take(skip=skip, length=said.length, last=last, total=total)


def range_header(stored: int) -> dict[str, str]:
    """The Range header that says how much is stored; none when nothing is."""
    return {"Range": f"bytes=0-{stored - 1}"} if stored else {}
