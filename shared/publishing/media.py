"""What a file is, from its first bytes: a container of video, a picture, or something that is neither.

YouTube charges for an upload before it looks. So a web page, an archive or a text file that is called a video is
found here, before anything is spent.
"""

from __future__ import annotations

HEAD = 4096  # bytes that are enough to tell
VIDEO_MAX = 256 * 1024**3
IMAGE_MAX = 50 * 1024 * 1024

_CONTAINERS = (
    (4, b"ftyp", "video/mp4"),
    (4, b"moov", "video/quicktime"),
    (4, b"mdat", "video/quicktime"),
    (4, b"wide", "video/quicktime"),
    (0, b"\x1a\x45\xdf\xa3", "video/x-matroska"),
    (8, b"AVI ", "video/x-msvideo"),
    (0, b"FLV\x01", "video/x-flv"),
    (0, b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", "video/x-ms-wmv"),
    (0, b"\x00\x00\x01\xba", "video/mpeg"),
    (0, b"\x00\x00\x01\xb3", "video/mpeg"),
    (0, b"OggS", "video/ogg"),
)


def video_type(head: bytes) -> str | None:
    """The media type of a video container, None when these are not the first bytes of one."""
    for offset, mark, media_type in _CONTAINERS:
        if head[offset : offset + len(mark)] == mark:
            return media_type
    # A transport stream repeats its mark every 188 bytes (192 with timecodes).
    if any(head[start::step][:3] == b"GGG" for start, step in ((0, 188), (4, 192))):
        return "video/mp2t"
    return None


def image_type(head: bytes) -> str | None:
    """image/jpeg or image/png, None for anything else: YouTube takes no other thumbnail."""
    if head[:3] == b"\xff\xd8\xff":
        return "image/jpeg"
    if head[:8] == b"\x89PNG\r\n\x1a\n":
        return "image/png"
    return None


def looks_like_a_page(head: bytes) -> bool:
    """Whether a server answered with HTML, as file hosts do for what has expired."""
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n")[:64].lower()
    return start.startswith((b"<!doctype html", b"<html", b"<head", b"<?xml", b"<script"))
