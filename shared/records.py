"""Maps Firestore documents to frozen dataclasses and back.

    OPERATIONS = Mapper(Operation, "operations", key="id")
    OPERATIONS.read(snapshot.id, snapshot.to_dict())    the record; its field `id` is the document's name
    OPERATIONS.fields(operation)                        what is stored, without that name
    OPERATIONS.path(snapshot.id)                        where

A field is stored under its own name. Reading checks its type: a field that is absent without a default, or holds
something else, raises CorruptData. Stored fields that the record does not have are ignored. How to map a
class is worked out once, when it is first used. Types: str, bool, int, float, bytes, datetime, date (stored as
its ISO text), StrEnum, X | None, tuple[X, ...], frozenset[X], Mapping[str, X], other dataclasses, Any, which
passes unchanged, and Annotated[X, a codec], such as `compact`.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import MISSING, dataclass, fields, is_dataclass
from datetime import date, datetime
from enum import StrEnum
from functools import cache, cached_property, partial
from types import NoneType, UnionType
from typing import Any, Generic, NamedTuple, TypeVar, get_args, get_origin, get_type_hints

from shared.clock import format_instant, parse_instant
from shared.errors import CorruptData

T = TypeVar("T")


@dataclass(frozen=True)
class Mapper(Generic[T]):
    """Maps the documents of one collection. key: the field that holds the document's name."""

    record: type[T]
    collection: str
    key: str

    @cached_property
    def _codec(self) -> Codec:
        return codec_of(self.record)  # type: ignore[arg-type]  # a class is hashable

    def read(self, name: str, stored: Mapping[str, Any] | None) -> T:
        """The record of a document. Raises CorruptData, which names the document and the field and no value."""
        try:
            found: T = self._codec.read({**(stored or {}), self.key: name})
        except _Misfit as misfit:
            words = f"{self.path(name)} does not hold what it should in {str(misfit).lstrip('.')}."
            raise CorruptData(words, reason="recordUnreadable") from None
        return found

    def path(self, name: str) -> str:
        return f"{self.collection}/{name}"

    def fields(self, record: T) -> dict[str, Any]:
        """What is stored of a record."""
        stored: dict[str, Any] = self._codec.write(record)
        del stored[self.key]
        return stored

    def packed(self, record: T) -> bytes:
        """A record as one compressed text, which has one index entry; for documents that hold many records."""
        return zlib.compress(
            json.dumps(self.fields(record), default=format_instant, separators=(",", ":")).encode()
        )

    def unpacked(self, name: str, stored: Any) -> T:
        """The record of such a text. Raises as `read`."""
        try:
            return self.read(name, json.loads(zlib.decompress(stored)))
        except UNREADABLE as error:
            raise CorruptData(f"{self.path(name)} cannot be unpacked.", reason="recordUnreadable") from error


class _Misfit(Exception):
    """A stored value is not of its field's type; the message is the field's path."""


class Codec(NamedTuple):
    """How values of one type are read and written. read: whatever of `UNREADABLE` it raises is a misfit."""

    read: Callable[[Any], Any]
    write: Callable[[Any], Any]


def _same(value: Any) -> Any:
    return value


@cache
def codec_of(kind: Any) -> Codec:
    """How values of a type are read and written: a dataclass as a mapping of its fields."""
    if hasattr(kind, "__metadata__"):
        return _fitting(*kind.__metadata__)
    make = _MAKERS.get(get_origin(kind) or kind)
    if make is not None:
        return make(*get_args(kind))
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        return _fitting(Codec(kind, lambda member: member.value))
    if isinstance(kind, type) and is_dataclass(kind):
        return _dataclass(kind)
    raise TypeError(f"{kind} cannot be stored in a record")


UNREADABLE = (AttributeError, TypeError, ValueError, OverflowError, zlib.error)


def compact(made: Callable[..., Any], parts: Callable[[Any], Iterable[Any]]) -> Codec:
    """A map as one compressed text: as fields, each part would have an index entry.

    made: an entry from its parts, which are what JSON has; parts: those of an entry.
    """

    def read(stored: Any) -> dict[str, Any]:
        return {name: made(*each) for name, each in json.loads(zlib.decompress(stored)).items()}

    def write(content: Mapping[str, Any]) -> bytes:
        entries = {name: parts(each) for name, each in sorted(content.items())}
        return zlib.compress(json.dumps(entries, separators=(",", ":")).encode())

    return Codec(read, write)


def _fitting(codec: Codec) -> Codec:
    def read(value: Any) -> Any:
        try:
            return codec.read(value)
        except UNREADABLE:
            raise _Misfit from None

    return Codec(read, codec.write)


def _plain(*kinds: type) -> Codec:
    def read(value: Any) -> Any:
        if isinstance(value, kinds) and (not isinstance(value, bool) or bool in kinds):
            return value
        raise _Misfit

    return Codec(read, _same)


def _optional(*kinds: Any) -> Codec:
    named = [kind for kind in kinds if kind is not NoneType]
    if len(named) != 1:
        raise TypeError(f"{kinds} cannot be stored in a record")
    inner = codec_of(named[0])
    return Codec(
        lambda value: None if value is None else inner.read(value),
        lambda value: None if value is None else inner.write(value),
    )


def _list(kind: Callable[[Any], Any], of: Any, *rest: Any) -> Codec:
    if kind is tuple and rest != (...,):
        raise TypeError("only tuples of any length can be stored in a record")
    item = codec_of(of)

    def read(value: Any) -> Any:
        if not isinstance(value, list):
            raise _Misfit
        found: list[Any] = []
        try:
            found.extend(map(item.read, value))
        except _Misfit as misfit:
            raise _Misfit(f"[{len(found)}]{misfit}") from None
        return kind(found)

    def write(values: Any) -> list[Any]:
        written = [item.write(each) for each in values]
        return sorted(written) if kind is frozenset else written

    return Codec(read, write)


def _mapping(_names: Any, of: Any) -> Codec:
    item = codec_of(of)

    def read(value: Any) -> dict[str, Any]:
        if not isinstance(value, Mapping):
            raise _Misfit
        return _read_each((name, item.read, each) for name, each in value.items())

    return Codec(read, lambda values: {name: item.write(each) for name, each in values.items()})


def _dataclass(kind: type) -> Codec:
    hints = get_type_hints(kind, include_extras=True)
    codecs = {each.name: codec_of(hints[each.name]) for each in fields(kind)}
    required = {each.name for each in fields(kind) if each.default is MISSING and each.default_factory is MISSING}

    def read(value: Any) -> Any:
        if not isinstance(value, Mapping):
            raise _Misfit
        for name in required - value.keys():
            raise _Misfit(f".{name}")
        return kind(
            **_read_each((name, codec.read, value[name]) for name, codec in codecs.items() if name in value)
        )

    return Codec(read, lambda record: {name: codec.write(getattr(record, name)) for name, codec in codecs.items()})


def _read_each(stored: Iterable[tuple[str, Callable[[Any], Any], Any]]) -> dict[str, Any]:
    """Named values, each read; one that does not fit is named by its place."""
    found, name = {}, ""
    try:
        for name, read, value in stored:
            found[name] = read(value)
    except _Misfit as misfit:
        raise _Misfit(f".{name}{misfit}") from None
    return found


_MAKERS: Mapping[Any, Callable[..., Codec]] = {
    Any: lambda: Codec(_same, _same),
    **{kind: partial(_plain, kind) for kind in (str, bool, int, bytes)},
    # A stored instant; of a packed record, its text.
    datetime: lambda: _fitting(Codec(lambda at: at if isinstance(at, datetime) else parse_instant(at), _same)),
    float: partial(_plain, float, int),
    date: partial(_fitting, Codec(date.fromisoformat, date.isoformat)),
    UnionType: _optional,
    tuple: partial(_list, tuple),
    frozenset: partial(_list, frozenset),
    Mapping: _mapping,
}
"""How a type is read and written, by what it is before its arguments."""
