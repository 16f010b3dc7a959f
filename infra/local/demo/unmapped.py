"""A whole Firestore database held against the data map: whatever the map does not know."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from shared import data_map

if TYPE_CHECKING:
    from google.cloud.firestore import Client

_SEALED = frozenset({"v", "n", "c"})  # the shape of what the vault seals
_EXPIRY = "expires_at"

Document = tuple[str, dict[str, Any]]
"""The path of its collection, "*" for each document above it, and the document's fields."""


def unmapped(database: Iterable[Document]) -> list[str]:
    """Collections, sealed values and expiries that the data map does not know, each place once."""
    return sorted({trouble for path, fields in database for trouble in strangers(path, fields)})


def strangers(path: str, fields: Mapping[str, Any]) -> Iterator[str]:
    """What the map does not know of one document. Pure."""
    known = next((each for each in data_map.COLLECTIONS if each.path == path), None)
    if known is None:
        yield f"the data map does not know the collection {path}"
        return
    for field in _sealed_fields(fields, ""):
        if field not in known.sealed:
            yield f"the data map does not know the sealed field {field} of {path}"
    if _EXPIRY in fields and known.ttl != _EXPIRY:
        yield f"the data map does not know that {path} expires"


def documents(state: Client) -> Iterator[Document]:
    """Every document, however deep it lies, with the path of its collection."""
    for collection in state.collections():
        for snapshot in collection.recursive().stream():
            above = snapshot.reference.path.split("/")[:-1]
            path = "/".join("*" if depth % 2 else name for depth, name in enumerate(above))
            yield path, snapshot.to_dict() or {}


def _sealed_fields(fields: Mapping[str, Any], above: str) -> Iterator[str]:
    for name, value in fields.items():
        if not isinstance(value, Mapping):
            continue
        if value.keys() == _SEALED:
            yield f"{above}{name}"
        else:
            yield from _sealed_fields(value, f"{above}{name}.")
