"""Partial answers and byte ranges."""

from __future__ import annotations

import pytest
from starlette.requests import Request
from starlette.responses import Response

from infra.local.simulator.wire import WrongMask, finish, mask_of, masked, plain_body

ANSWER = {"items": [{"id": "1", "snippet": {"title": "t", "tags": ["a"]}}], "etag": "e"}


@pytest.mark.parametrize(
    ("selector", "left"),
    [
        ("etag", {"etag": "e"}),
        ("items/id", {"items": [{"id": "1"}]}),
        ("items(id,snippet/title)", {"items": [{"id": "1", "snippet": {"title": "t"}}]}),
        ("items(snippet(title,tags)),etag", {"items": [{"snippet": {"title": "t", "tags": ["a"]}}], "etag": "e"}),
        ("*", ANSWER),
        ("items/*/title", {"items": [{"snippet": {"title": "t"}, "id": "1"}]}),
        ("nothing", {}),
    ],
)
def test_a_selector_leaves_what_it_names(selector: str, left: object):
    assert masked(ANSWER, mask_of(selector)) == left


@pytest.mark.parametrize("selector", ["", "items(", "items)", "items(id", "a,,b", "a/"])
def test_a_selector_that_does_not_parse_is_refused(selector: str):
    with pytest.raises(WrongMask):
        mask_of(selector)


def request(**headers: str) -> Request:
    raw = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return Request({"type": "http", "method": "GET", "path": "/", "query_string": b"", "headers": raw})


@pytest.mark.parametrize(
    ("asked", "status", "body", "said"),
    [
        ("bytes=0-3", 206, b"0123", "bytes 0-3/10"),
        ("bytes=8-", 206, b"89", "bytes 8-9/10"),
        ("bytes=5-99", 206, b"56789", "bytes 5-9/10"),
        ("bytes=-2", 206, b"89", "bytes 8-9/10"),
        ("bytes=10-", 416, b"", "bytes */10"),
    ],
)
def test_a_byte_range_is_answered(asked: str, status: int, body: bytes, said: str):
    answer = finish(request(range=asked), Response(b"0123456789"), ranges=True)
    assert (answer.status_code, answer.body, answer.headers["content-range"]) == (status, body, said)


def test_an_answer_that_is_packed_already_is_not_packed_twice():
    once = finish(request(accept_encoding="gzip"), Response(b"x" * 1000))
    twice = finish(request(accept_encoding="gzip"), once)
    assert plain_body(twice) == b"x" * 1000
