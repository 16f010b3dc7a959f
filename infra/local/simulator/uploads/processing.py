"""What becomes of an uploaded file: a pure function of its beginning, its fate and the time since it arrived.

YouTube decodes the file; the simulator only looks at the first bytes, which is enough to tell a video from an HTML
page that a source served by mistake. A fate (rejected for a reason, failed for a reason) can be set from outside.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

FAILURES = ("conversion", "invalidFile", "emptyFile", "tooSmall", "codec", "uploadAborted")
"""`status.failureReason` in the discovery document."""

REJECTIONS = (
    "copyright",
    "inappropriate",
    "duplicate",
    "termsOfUse",
    "uploaderAccountSuspended",
    "length",
    "claim",
    "uploaderAccountClosed",
    "trademark",
    "legal",
)
"""`status.rejectionReason` in the discovery document."""

_MAGIC = (
    (0, b"\x1a\x45\xdf\xa3", "matroska"),
    (0, b"FLV", "flv"),
    (0, b"OggS", "ogg"),
    (0, b"\x00\x00\x01\xba", "mpeg"),
    (0, b"\x00\x00\x01\xb3", "mpeg"),
    (0, b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", "asf"),
    (0, b"\x47\x40", "mpegts"),
    (4, b"ftyp", "mp4"),
    (4, b"moov", "mov"),
    (4, b"mdat", "mov"),
    *((4, box, "mov") for box in (b"wide", b"skip", b"free", b"pnot", b"uuid", b"styp")),
    (0, b"\x06\x0e\x2b\x34", "mxf"),
)
_AVI = (b"RIFF", b"AVI ")
TOO_SMALL = 16
"""A file shorter than any container's own header."""


def container(head: bytes) -> str | None:
    """The container format that a file's first bytes announce; None if they are no video's."""
    if head[:4] == _AVI[0] and head[8:12] == _AVI[1]:
        return "avi"
    for offset, magic, name in _MAGIC:
        if head[offset : offset + len(magic)] == magic:
            return name
    return None


def failure_of(head: bytes, size: int) -> str | None:
    """Why a file cannot be processed, by its beginning and its size; None if it can."""
    if size == 0:
        return "emptyFile"
    if container(head) is None:
        return "invalidFile"
    return "tooSmall" if size < TOO_SMALL else None


@dataclass(frozen=True)
class Fate:
    """How processing will end, decided when the file is complete. Both None: well."""

    failure: str | None = None
    rejection: str | None = None


@dataclass(frozen=True)
class Stage:
    """Where processing stands at an instant, in the words of `status` and `processingDetails`."""

    upload_status: Literal["uploaded", "processed", "failed", "rejected"]
    processing_status: Literal["processing", "succeeded", "failed", "terminated"]
    share: float
    remaining: timedelta
    failure: str | None = None
    rejection: str | None = None


def processing_time(size: int) -> timedelta:
    """How long processing takes: 30 s and 2 minutes for each GiB."""
    return timedelta(seconds=30 + 120 * size / 2**30)


def stage(*, arrived: datetime, size: int, fate: Fate, now: datetime) -> Stage:
    """Where the processing of a file that was complete at `arrived` stands at `now`."""
    needed = processing_time(size)
    passed = now - arrived
    if passed < needed:
        share = max(0.0, passed / needed)
        return Stage("uploaded", "processing", share, needed - max(passed, timedelta(0)))
    if fate.failure is not None:
        return Stage("failed", "failed", 1.0, timedelta(0), failure=fate.failure)
    if fate.rejection is not None:
        return Stage("rejected", "terminated", 1.0, timedelta(0), rejection=fate.rejection)
    return Stage("processed", "succeeded", 1.0, timedelta(0))
