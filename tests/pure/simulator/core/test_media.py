"""What an upload request carries."""

from __future__ import annotations

import pytest

from infra.local.simulator import media
from infra.local.simulator.errors import GoogleError

RELATED = (
    b'--b1\r\nContent-Type: application/json; charset=UTF-8\r\n\r\n{"snippet": {}}\r\n'
    b"--b1\r\nContent-Type: video/mp4\r\n\r\n\x00\x01\r\n\xff\r\n--b1--\r\n"
)


def test_a_multipart_body_is_a_message_and_media_byte_for_byte():
    message, content, kind = media.split("multipart", RELATED, "multipart/related; boundary=b1")
    assert (message.strip(), content, kind) == (b'{"snippet": {}}', b"\x00\x01\r\n\xff", "video/mp4")


def test_a_simple_upload_is_media_alone_and_a_resumable_start_a_message_alone():
    assert media.split("media", b"\x89PNG", "image/png") == (b"", b"\x89PNG", "image/png")
    assert media.split("resumable", b"{}", "application/json") == (b"{}", b"", "")


@pytest.mark.parametrize(
    ("raw", "content_type"),
    [
        (RELATED, "multipart/form-data; boundary=b1"),
        (RELATED, "multipart/related; boundary=other"),
        (b"{}", "application/json"),
    ],
)
def test_any_other_multipart_body_is_refused(raw: bytes, content_type: str):
    with pytest.raises(GoogleError, match="multipart"):
        media.split("multipart", raw, content_type)


@pytest.mark.parametrize("query", [{}, {"uploadType": ["carrier-pigeon"]}])
def test_an_upload_says_its_protocol(query: dict[str, list[str]]):
    with pytest.raises(GoogleError, match="uploadType"):
        media.kind(query)
