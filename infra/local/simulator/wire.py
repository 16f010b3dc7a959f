"""Answers as Google's front end sends them: JSON, compression, ranges, entity tags, partial responses."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

WORTH_COMPRESSING = 200
DEEPEST_MASK = 20
_RANGE = re.compile(r"bytes=(\d{0,15})-(\d{0,15})", re.ASCII)


def parse_json(raw: bytes) -> Any:
    """What a JSON text says. Raises ValueError for all that Google's parser refuses, and Python's would take.

    That is NaN and infinity, and halves of surrogate pairs, which no UTF-8 can carry any further.
    """
    try:
        parsed = json.loads(raw, parse_constant=_no_number)
        json.dumps(parsed, ensure_ascii=False, allow_nan=False).encode()
    except RecursionError:
        raise ValueError("the JSON is nested too deep") from None
    return parsed


def _no_number(word: str) -> Any:
    raise ValueError(f"{word} is no JSON number")


def json_response(payload: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """A JSON answer."""
    return Response(
        json.dumps(payload, ensure_ascii=False, separators=(",", ":")),
        status_code=status,
        headers=dict(headers or {}),
        media_type="application/json; charset=UTF-8",
    )


def not_found_page(path: str) -> Response:
    """What Google's front end answers for an address that no service has: HTML, not JSON."""
    shown = path.replace("&", "&amp;").replace("<", "&lt;")
    return Response(
        "<!DOCTYPE html><html lang=en><meta charset=utf-8><title>Error 404 (Not Found)!!1</title>"
        f"<p><b>404.</b> <ins>That\u2019s an error.</ins><p>The requested URL <code>{shown}</code> was not found "
        "on this server. <ins>That\u2019s all we know.</ins></html>",
        status_code=404,
        media_type="text/html; charset=UTF-8",
    )


def bad_request_page() -> Response:
    """What Google's front end answers to a request that is no HTTP."""
    return Response(
        "<!DOCTYPE html><html lang=en><meta charset=utf-8><title>Error 400 (Bad Request)!!1</title>"
        "<p><b>400.</b> <ins>That\u2019s an error.</ins><p>Your client has issued a malformed or illegal request. "
        "<ins>That\u2019s all we know.</ins></html>",
        status_code=400,
        media_type="text/html; charset=UTF-8",
    )


def plain_body(response: Response) -> bytes:
    """The body without its content encoding."""
    body = bytes(response.body)
    return gzip.decompress(body) if response.headers.get("content-encoding") == "gzip" else body


def finish(request: Request, response: Response, *, ranges: bool = False) -> Response:
    """Apply what the request's headers ask of a ready answer: 304, a byte range, gzip."""
    if response.status_code != 200 or type(response) is not Response:
        return response
    tag = response.headers.get("etag")
    held = {part.strip(' "') for part in request.headers.get("if-none-match", "").split(",")}
    if tag and tag.strip('"') in held:
        return Response(status_code=304, headers={"etag": tag})
    if ranges and (found := _RANGE.fullmatch(request.headers.get("range", ""))):
        return _range(response, found.group(1), found.group(2))
    if "gzip" in request.headers.get("accept-encoding", "") and "content-encoding" not in response.headers:
        return _compressed(response)
    return response


def _compressed(response: Response) -> Response:
    body = bytes(response.body)
    if len(body) < WORTH_COMPRESSING:
        return response
    response.body = gzip.compress(body, 1, mtime=0)
    response.headers["content-encoding"] = "gzip"
    response.headers["content-length"] = str(len(response.body))
    response.headers["vary"] = "Accept-Encoding"
    return response


def _range(response: Response, first: str, last: str) -> Response:
    body = plain_body(response)
    size = len(body)
    start = int(first) if first else max(0, size - int(last or 0))
    end = min(int(last) if first and last else size - 1, size - 1)
    headers = {"content-type": response.headers.get("content-type", "application/octet-stream")}
    if start > end:
        return Response(status_code=416, headers={**headers, "content-range": f"bytes */{size}"})
    headers["content-range"] = f"bytes {start}-{end}/{size}"
    return Response(body[start : end + 1], status_code=206, headers=headers)


class WrongMask(ValueError):
    """A `fields` selector that does not parse."""


Mask = dict[str, "Mask"]
"""The fields that a selector names, each with those that it names within it; all of a field where none."""


def mask_of(selector: str) -> Mask:
    """What a `fields` selector says, for example `items(id,snippet/title),nextPageToken`. Raises WrongMask."""
    mask, rest = _mask(selector, 0, DEEPEST_MASK)
    if rest != len(selector):
        raise WrongMask(selector)
    return mask


def _mask(text: str, start: int, depth: int) -> tuple[Mask, int]:
    if not depth:
        raise WrongMask(text)
    mask: Mask = {}
    place = start
    while True:
        found = re.compile(r"[\w.*-]+(?:/[\w.*-]+)*").match(text, place)
        if found is None:
            raise WrongMask(text)
        place = found.end()
        inner: Mask = {}
        if text[place : place + 1] == "(":
            inner, place = _mask(text, place + 1, depth - 1)
            if text[place : place + 1] != ")":
                raise WrongMask(text)
            place += 1
        node = mask
        names = found.group().split("/")
        for name in names[:-1]:
            node = node.setdefault(name, {})
        node.setdefault(names[-1], {}).update(inner)
        if text[place : place + 1] != ",":
            return mask, place
        place += 1


def masked(payload: Any, mask: Mask) -> Any:
    """What a mask leaves of an answer."""
    if not mask:
        return payload
    if isinstance(payload, list):
        return [masked(item, mask) for item in payload]
    if not isinstance(payload, dict):
        return payload
    every = mask.get("*")
    return {
        key: masked(value, mask.get(key, every or {}))
        for key, value in payload.items()
        if key in mask or every is not None
    }
