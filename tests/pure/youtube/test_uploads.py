"""A session's address gets a file's bytes and the channel's token, so it must be YouTube's."""

import pytest

from shared.errors import CorruptData
from shared.youtube.uploads import _check_address

ROOT = "http://127.0.0.1:8200"


@pytest.mark.parametrize(
    "address",
    ["https://www.googleapis.com/upload/youtube/v3/videos?upload_id=x", "https://youtube.googleapis.com/upload",
     f"{ROOT}/upload/youtube/v3/videos?upload_id=x"],
)  # fmt: skip
def test_an_address_of_youtubes_is_taken(address):
    _check_address(address, ROOT)


@pytest.mark.parametrize(
    "address",
    ["", "/upload?upload_id=x", "http://www.googleapis.com/upload", "https://evil.example/upload",
     "https://www.googleapis.com.evil.example/", "https://evilgoogleapis.com/", "https://www.googleapis.com@evil.example/",
     "https://evil.example/?.googleapis.com", "https://127.0.0.1:8200/", "http://127.0.0.1:8201/", "ftp://127.0.0.1:8200/"],
)  # fmt: skip
def test_an_address_of_anybody_else_is_refused(address):
    with pytest.raises(CorruptData) as refused:
        _check_address(address, ROOT)
    assert refused.value.reason == "foreignSessionAddress"
    assert address == "" or address not in refused.value.message
