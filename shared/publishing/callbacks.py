"""Tells the app that an operation has ended: a signed POST, after the specification of Standard Webhooks.

    webhook-id           the end's own id, however often it is delivered: operation, state, attempt
    webhook-timestamp    seconds since 1970
    webhook-signature    v1, and the base64 of an HMAC-SHA256 over "id.timestamp.body"

Any answer of 2xx is a receipt; until there is one, Cloud Tasks delivers again, for a day. Source:
github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

from shared.clock import Clock, to_the_second
from shared.errors import Misconfigured, NotFound, Unavailable
from shared.monitoring.log import log
from shared.publishing.operation import TELL, Operation
from shared.publishing.reading import within
from shared.publishing.records import Operations

_KEY_BYTES_MIN = 24
_PREFIX = "whsec_"


@dataclass(frozen=True, kw_only=True)
class Callbacks:
    """Delivers ends to the app. secret: read when it is needed. seconds: within which the app has to answer."""

    operations: Operations
    address: str
    secret: Callable[[], bytes]
    clock: Clock
    seconds: float = 10.0

    def deliver(self, operation_id: str, event: str) -> str:
        """Tell the app of one end; what came of it.

        Raises Unavailable when the app does not take it, so that the task is delivered again.
        """
        try:
            operation = self.operations.get(operation_id).operation
        except NotFound:
            return "gone"  # its channel was disconnected
        if operation.untold_since is None or operation.event != event:
            return "over"
        late = self.clock() > operation.untold_since + TELL
        if late:
            log("ERROR", "the app was not told of an operation's end", operation=operation_id, event=event)
        else:
            self._send(operation)
        self.operations.change(operation_id, partial(_told, event=event))
        return "givenUp" if late else "delivered"

    def _send(self, operation: Operation) -> None:
        from urllib3.exceptions import HTTPError

        told = {
            "type": f"operation.{operation.state}",
            "timestamp": to_the_second(operation.untold_since),
            "data": operation.as_json(),
        }
        body = json.dumps(told).encode()
        headers = signed(operation.event, body, key=key(self.secret()), now=self.clock())
        try:
            status = within(self.seconds, partial(_post, self.address, body, headers, self.seconds))
        except (HTTPError, OSError) as error:
            raise Unavailable("The app does not answer.", reason="appUnreachable") from error
        if not 200 <= status < 300:
            raise Unavailable(f"The app answers {status}.", reason="appUnreachable")


def signed(event: str, body: bytes, *, key: bytes, now: datetime) -> dict[str, str]:
    """The headers by which the app knows that a body is ours and new."""
    timestamp = str(int(now.timestamp()))
    signature = hmac.new(key, b".".join((event.encode(), timestamp.encode(), body)), hashlib.sha256).digest()
    return {
        "content-type": "application/json",
        "webhook-id": event,
        "webhook-timestamp": timestamp,
        "webhook-signature": f"v1,{base64.b64encode(signature).decode()}",
    }


def key(secret: bytes) -> bytes:
    """The key that a secret holds: whsec_ and base64 of 24 bytes or more. Raises Misconfigured otherwise."""
    try:
        found = base64.b64decode(secret.decode("ascii").strip().removeprefix(_PREFIX), validate=True)
    except (ValueError, binascii.Error):
        found = b""
    if len(found) < _KEY_BYTES_MIN:
        words = f"The callbacks' secret is not {_PREFIX} and the base64 of {_KEY_BYTES_MIN} bytes or more."
        raise Misconfigured(words, reason="callbackSecret")
    return found


def _told(operation: Operation, *, event: str) -> Operation | None:
    return replace(operation, untold_since=None) if operation.event == event else None


def _post(address: str, body: bytes, headers: Mapping[str, str], seconds: float) -> int:
    """The answer's status; its body is not read, and nothing is sent on to where it may point."""
    import urllib3

    with urllib3.PoolManager(timeout=seconds, retries=False) as http:
        answer = http.request("POST", address, body=body, headers=headers, redirect=False, preload_content=False)
        answer.close()
        return answer.status
