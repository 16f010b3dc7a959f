"""What an upload request carries: a message, media, or both in one multipart body."""

from __future__ import annotations

from collections.abc import Mapping
from email import message_from_bytes
from email.policy import HTTP

from infra.local.simulator.errors import bad_request

KINDS = frozenset({"media", "multipart", "resumable"})


def kind(query: Mapping[str, list[str]]) -> str:
    """The upload protocol that `uploadType` names. Raises 400 for a missing or unknown one."""
    named = (query.get("uploadType") or query.get("upload_protocol") or [""])[0]
    if named not in KINDS:
        raise bad_request(
            f"Invalid value '{named}' for uploadType. Allowed: {sorted(KINDS)}", location="uploadType"
        )
    return named


def split(upload: str, raw: bytes, content_type: str) -> tuple[bytes, bytes, str]:
    """(JSON message, media, media type) of an upload request's body.

    A resumable upload starts with the message alone; a simple one is media alone. Raises 400 for a multipart body
    that is not one message and one media part (RFC 2387).
    """
    if upload == "resumable":
        return raw, b"", ""
    if upload == "media":
        return b"", raw, content_type
    head = f"Content-Type: {content_type}\r\nMIME-Version: 1.0\r\n\r\n".encode()
    parsed = message_from_bytes(head + raw, policy=HTTP)
    parts = list(parsed.iter_parts()) if parsed.get_content_type() == "multipart/related" else []
    if len(parts) != 2:
        raise bad_request("Malformed multipart body.")
    message, content = (part.get_payload(decode=True) for part in parts)
    if not (isinstance(message, bytes) and isinstance(content, bytes)):
        raise bad_request("Malformed multipart body: a part has parts of its own.")
    return message, content, parts[1].get_content_type()
