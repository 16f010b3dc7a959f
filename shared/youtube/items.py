"""Reads the items of YouTube's answers: each field of a dataclass says where in an item it stands.

title: str | None = said("snippet.title")
created_at: datetime = needed("createTime", parse_instant)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import field, fields
from functools import cache
from typing import Any, TypeVar

from shared.monitoring.log import log

T = TypeVar("T")
Read = Callable[[Any], Any]


def said(place: str, read: Read | None = None, default: Any = None) -> Any:
    """A field that stands at a place of an item, "" for the item itself. default: where nothing is said."""
    return field(metadata={"place": place, "read": read, "default": default, "needed": False})


def needed(place: str, read: Read = str) -> Any:
    """A field without which an item cannot be read."""
    return field(metadata={"place": place, "read": read, "needed": True})


def number(said: object) -> int | None:
    """A count, which YouTube writes as a text."""
    return int(said) if isinstance(said, str | int) else None


def item_of(kind: type[T], item: Mapping[str, Any], *, strict: bool = False) -> T:
    """An item as a dataclass. strict: what is said and cannot be read is as bad as what is needed and not there.

    Raises AttributeError, KeyError, TypeError or ValueError; unless strict, what else cannot be read is told, and
    None.
    """
    return kind(**{name: _read(item, **how, strict=strict) for name, how in _fields(kind)})  # type: ignore[arg-type]


def items_of(kind: type[T], answer: Mapping[str, Any]) -> tuple[T, ...]:
    """The items of an answer, as `item_of`; none of an answer that has none."""
    return tuple(item_of(kind, item) for item in answer.get("items") or ())


@cache
def _fields(kind: Any) -> tuple[tuple[str, Mapping[str, Any]], ...]:
    return tuple((each.name, each.metadata) for each in fields(kind))


def _read(
    item: Mapping[str, Any], *, place: str, read: Read | None, needed: bool, strict: bool, default: Any = None
) -> Any:
    found: Any = item
    for part in place.split(".") if place else ():
        found = found[part] if needed else found.get(part, {})
    if not needed and place and found in ({}, None):
        return default
    try:
        return found if read is None else read(found)
    except (ValueError, OverflowError):
        if needed or strict:
            raise
        about, words = str(item.get("id")), str(found)[:40]
        log("ERROR", "YouTube answered what cannot be read", about=about, said=words, reason="unreadableAnswer")
        return None
