"""Reads many stored records, of which one that cannot be read is nobody else's trouble."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any, TypeVar

from shared.cloud.firestore import DocumentSnapshot
from shared.errors import CorruptData
from shared.monitoring.log import log
from shared.records import Mapper

T = TypeVar("T")


def readable(mapper: Mapper[T], found: Iterable[DocumentSnapshot[Any]]) -> Iterator[T]:
    """The records of documents. One that cannot be read is told and left out."""
    for each in found:
        record = or_told(partial(mapper.read, each.id, each.to_dict()))
        if record is not None:
            yield record


def or_told(read: Callable[[], T]) -> T | None:
    """What is read; None if it cannot be read, which is told."""
    try:
        return read()
    except CorruptData as error:
        log("ERROR", error.message, reason=error.reason)
        return None
