"""What a file is, from its first bytes: a container of video, a picture, or what surely is no video.

YouTube charges for an upload before it looks. So a web page, a text, a picture or an archive that is called a
video is found here, before anything is spent. Whatever else there is YouTube decides: it knows more containers.
"""

from __future__ import annotations

import re
from codecs import getincrementaldecoder
from collections.abc import Iterable

HEAD = 4096  # bytes that are enough to tell
VIDEO_MAX = 256 * 1024**3
IMAGE_MAX = 50 * 1024 * 1024
CAPTION_MAX = 20 * 1024 * 1024  # YouTube takes 100 MB; ours are held in memory, and none is as large
UNKNOWN = "application/octet-stream"

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
_JPEG, _PNG = b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n"
_PICTURES = ((0, _JPEG), (0, _PNG), (0, b"GIF8"), (8, b"WEBP"), (4, b"ftyphei"), (4, b"ftypavi"))
_ARCHIVES = ((0, b"PK\x03\x04"), (0, b"Rar!"), (0, b"7z\xbc\xaf"), (0, b"\x1f\x8b"))
_OTHERS = tuple(
    (offset, mark, what)
    for what, marks in (("a picture", _PICTURES), ("an archive", _ARCHIVES), ("a document", ((0, b"%PDF"),)))
    for offset, mark in marks
)
_BLANK = b"\xef\xbb\xbf \t\r\n"  # with UTF-8's mark of byte order
_IN_NO_TEXT = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")


def video_type(head: bytes) -> str:
    """The media type to announce for a file with these first bytes."""
    if known := _marked(head, _CONTAINERS):
        return known
    # A transport stream repeats its mark every 188 bytes (192 with timecodes).
    if any(head[start::step][:3] == b"GGG" for start, step in ((0, 188), (4, 192))):
        return "video/mp2t"
    return UNKNOWN


def no_video(head: bytes) -> str | None:
    """What the file is instead, in words, where it surely is no video."""
    if head.lstrip(_BLANK)[:5].lower() == b"<?xml" or _is_page(head):
        return "a web page"
    return _marked(head, _OTHERS) or ("a text" if _is_text(head) else None)


def no_caption(head: bytes) -> str | None:
    """What the file is instead, in words, where it surely has no captions; YouTube takes many formats of them."""
    if _is_page(head):
        return "a web page"
    return _marked(head, _OTHERS) or ("a video" if _marked(head, _CONTAINERS) else None)


def _marked(head: bytes, marks: Iterable[tuple[int, bytes, str]]) -> str | None:
    """What the first mark that a file has at its place stands for."""
    return next((what for offset, mark, what in marks if head.startswith(mark, offset)), None)


def _is_text(head: bytes) -> bool:
    try:
        getincrementaldecoder("utf-8")().decode(head)  # the last character may be cut off
    except UnicodeDecodeError:
        return False
    return not _IN_NO_TEXT.search(head)


def image_type(head: bytes) -> str:
    """The media type of a picture: YouTube takes no other thumbnail than JPEG and PNG."""
    return "image/jpeg" if head.startswith(_JPEG) else "image/png"


def no_image(head: bytes) -> str | None:
    """What the file is instead, in words, where it is no picture that YouTube takes."""
    return None if head.startswith((_JPEG, _PNG)) else "neither JPEG nor PNG"


def _is_page(head: bytes) -> bool:
    """Whether a server answered with HTML, as file hosts do for what has expired."""
    start = head.lstrip(_BLANK)[:64].lower()
    return start.startswith((b"<!doctype html", b"<html", b"<head", b"<script"))
