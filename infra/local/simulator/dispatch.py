"""One request to one of the three APIs, from the wire to a handler and back.

The order is Google's: find the method, check the token, its scopes, then parameters and body against the
discovery document, then quota, then the method itself. Injected faults come first of all, or spoil the answer
last of all.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from starlette.requests import Request
from starlette.responses import Response

from infra.local.simulator.discovery import Method

if TYPE_CHECKING:
    from infra.local.simulator.grants import Grant
    from infra.local.simulator.state import Simulator


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One admitted call of one method.

    params: typed by the discovery document; a repeated parameter is a list (commas split too), an absent one is
    its documented default or not there. body: the parsed JSON message, or None. upload: "" for an ordinary call,
    else `resumable`, `multipart` or `media`. media and media_type: what came with a multipart or simple upload.
    grant: whose token it was.
    """

    method: Method
    params: Mapping[str, Any]
    body: dict[str, Any] | None
    upload: str
    media: bytes
    media_type: str
    grant: Grant
    request: Request

    @property
    def parts(self) -> list[str]:
        """What `part` asks for, without repetition."""
        return list(dict.fromkeys(self.params.get("part", [])))


Answer = dict[str, Any] | Response | None
Handler = Callable[["Simulator", Call], Awaitable[Answer] | Answer]
"""A method's behaviour. Answers the JSON message, None for 204, or a whole response; raises GoogleError."""


def json_response(payload: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """A JSON answer as Google's front end sends it."""
    return Response(
        json.dumps(payload, indent=1, ensure_ascii=False),
        status_code=status,
        headers=dict(headers or {}),
        media_type="application/json; charset=UTF-8",
    )
