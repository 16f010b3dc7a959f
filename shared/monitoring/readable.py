"""Reads many stored records, of which one that cannot be read is nobody else's trouble."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, TypeVar

from shared.cloud.firestore import DocumentSnapshot
from shared.errors import CorruptData
from shared.monitoring.log import log
from shared.records import Mapper

T = TypeVar("T")


def readable(mapper: Mapper[T], found: Iterable[DocumentSnapshot[Any]]) -> Iterator[T]:
    """The records of documents. One that cannot be read is told and left out."""
    for each in found:
        try:
            record = mapper.read(each.id, each.to_dict())
        except CorruptData as error:
            log("ERROR", error.message, reason=error.reason)
        else:
            yield record
