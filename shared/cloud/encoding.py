"""Sends commits as the plain protocol messages that Firestore gets.

The library builds each value in a wrapper of its own; that takes six times as long, which a function feels on a
sixth of a CPU. For this the client's private names are used here and nowhere else; a test fails on a version of
the library that has moved them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from shared.cloud.steps import ABSENT, PRESENT, Commit, Write, Written, parts_of

if TYPE_CHECKING:
    from google.cloud.firestore import Client

_PLAIN = re.compile(r"[A-Za-z_]\w*", re.ASCII)
_KINDS = (
    (bool, "boolean_value"),  # before int, of which it is one
    (int, "integer_value"),
    (float, "double_value"),
    (str, "string_value"),
    (bytes, "bytes_value"),
)


def send(client: Client, commit: Commit, options: Mapping[str, Any]) -> tuple[Written, ...]:
    """Send a commit; its answer. Raises Google's errors, among them those of a condition that does not hold."""
    message, metadata = request(client, commit), client._rpc_metadata
    return _written(commit, client._firestore_api.commit(request=message, metadata=metadata, **options))


def request(client: Client, commit: Commit) -> Any:
    from google.cloud.firestore_v1.types import CommitRequest

    message = CommitRequest.pb(CommitRequest(database=client._database_string))
    for write in commit.writes:
        _write(message.writes.add(), f"{client._database_string}/documents/{write.path}", write)
    return CommitRequest.wrap(message)


def _written(commit: Commit, response: Any) -> tuple[Written, ...]:
    message = type(response).pb(response)
    written = []
    for write, result, plain in zip(commit.writes, response.write_results, message.write_results, strict=True):
        values = (value.integer_value for value in plain.transform_results)
        written.append(Written(result.update_time, dict(zip(write.add, values, strict=True))))
    return tuple(written)


def _write(message: Any, name: str, write: Write) -> None:
    if write.only_if in (ABSENT, PRESENT):
        message.current_document.exists = write.only_if == PRESENT
    elif write.only_if is not None:
        from google.cloud.firestore_v1.types import Precondition

        # Versions come as plain timestamps or as the library's own.
        message.current_document.CopyFrom(Precondition.pb(Precondition(update_time=write.only_if)))
    if write.delete:
        message.delete = name
        return
    message.update.name = name
    _values(message.update.fields, nested(write.fields))
    if write.only_if != ABSENT:  # only these fields, not the whole document
        message.update_mask.SetInParent()
        message.update_mask.field_paths.extend(_path(field) for field in (*write.fields, *write.remove))
    for field, number in write.add.items():
        transform = message.update_transforms.add()
        transform.field_path = _path(field)
        transform.increment.integer_value = number


def _path(field: str) -> str:
    return ".".join(part if _PLAIN.fullmatch(part) else f"`{part}`" for part in parts_of(field))


def _values(fields: Any, values: Mapping[str, Any]) -> None:
    for name, value in values.items():
        _value(fields[name], value)


def _value(message: Any, value: Any) -> None:
    if value is None:
        message.null_value = 0
    elif isinstance(value, datetime):
        message.timestamp_value.FromDatetime(value)
    elif isinstance(value, Mapping):
        message.map_value.SetInParent()
        _values(message.map_value.fields, value)
    elif isinstance(value, list | tuple):
        message.array_value.SetInParent()
        for each in value:
            _value(message.array_value.values.add(), each)
    else:
        field = next((field for kind, field in _KINDS if isinstance(value, kind)), None)
        if field is None:
            raise TypeError(f"{type(value).__name__} is nothing that Firestore stores.")
        setattr(message, field, value)


def nested(values: Mapping[str, Any]) -> dict[str, Any]:
    """Values under dotted names as maps within maps."""
    outermost: dict[str, Any] = {}
    for name, value in values.items():
        *outer, last = parts_of(name)
        inner = outermost
        for part in outer:
            inner = inner.setdefault(part, {})
        inner[last] = value
    return outermost
