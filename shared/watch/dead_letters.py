"""Writes down each message that was given up, as Pub/Sub pushes it from a dead-letter topic.

Written down, and not looked up: a pull answers some of what there is, or nothing, and takes from the operator what
he wants to read. The topic's other subscription keeps the messages for him; here stands only that there was one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from shared.cloud.calls import call_options
from shared.cloud.firestore import Client
from shared.data_map import DEAD_LETTERS
from shared.errors import InvalidRequest
from shared.monitoring.log import log

_MESSAGE = re.compile(r"[A-Za-z0-9_-]{1,128}")
_WORDS = 100  # characters that are kept of what others have written


def note(client: Client, push: Mapping[str, Any], now: datetime) -> str:
    """Note a message that was given up; delivered twice, once. Answers its id. Raises InvalidRequest."""
    from google.api_core.exceptions import AlreadyExists

    message_id, fields = _read(push, now)
    try:
        client.document(DEAD_LETTERS.path, message_id).create(fields, **call_options())
    except AlreadyExists:
        return message_id
    log("ERROR", "a message was given up", message_id=message_id, **fields)
    return message_id


def _read(push: Mapping[str, Any], now: datetime) -> tuple[str, dict[str, Any]]:
    try:
        message = push["message"]
        message_id, kind = str(message["messageId"]), str((message.get("attributes") or {}).get("kind", ""))
        subscription = str(push.get("subscription", "")).rpartition("/")[2]
    except (KeyError, TypeError, AttributeError):
        message_id = ""
    if not _MESSAGE.fullmatch(message_id):
        raise InvalidRequest("This is no message.", reason="messageUnreadable")
    fields = {"kind": kind[:_WORDS], "subscription": subscription[:_WORDS], "at": now}
    return message_id, fields | {"expires_at": DEAD_LETTERS.expiry(now)}
