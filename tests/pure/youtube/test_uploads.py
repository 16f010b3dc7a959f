"""What the protocol of resumable uploads means: whose a session's address is, and which answers are its own."""

import pytest

from shared.clock import system_clock
from shared.errors import CorruptData
from shared.youtube.faults import classify
from shared.youtube.uploads import _check_address, in_protocol

ROOT = "http://127.0.0.1:8200"


def meant(verb, status, body=b""):
    return in_protocol(verb, classify(status, {}, body, clock=system_clock)).reason


def test_a_lost_session_is_not_a_missing_video():
    assert meant("PUT", 404) == "uploadSessionGone"
    assert meant("PUT", 410, b"Gone") == "uploadSessionGone"
    assert meant("POST", 404) == "unclassified404"


@pytest.mark.case("P9")
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b'{"error": {"code": 409, "status": "ABORTED"}}',
        b'{"error": {"code": 409, "status": "ALREADY_EXISTS"}}',
        b'{"error": {"code": 409, "errors": [{"reason": "conflict"}]}}',
    ],
)
def test_a_conflict_where_a_session_begins_passes(body):
    assert meant("POST", 409, body) == "uploadNotStarted"


def test_a_refusal_that_says_something_else_keeps_its_meaning():
    assert meant("PUT", 410, b'{"error": {"errors": [{"reason": "quotaExceeded"}]}}') == "quotaExceeded"
    assert meant("PUT", 503) == "unclassified5xx"


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
