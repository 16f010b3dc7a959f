"""Makes the zetasql package quick: what it takes and gives is the same, and most of its time was this.

trees   an answer becomes Python objects by what is known of each kind of message once, not by asking every message
bytes   what goes into and out of the WebAssembly's memory is copied at once, not byte by byte
module  its compiled code is kept in the user's cache: compiling takes most of a minute of CPU
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

from google.protobuf.descriptor import Descriptor
from google.protobuf.message import Message
from wasmtime import Config
from zetasql.core import local_service, wasm_client
from zetasql.types import proto_model
from zetasql.types.proto_model import proto_model as slow

Convert = Callable[[Any], Any]


def make_quick() -> None:
    """From now on; before the package is first asked."""
    vars(wasm_client)["Config"] = _Kept
    vars(local_service)["parse_proto"] = parsed
    for name, quick in {"write_bytes": _write, "read_bytes": _read}.items():
        setattr(wasm_client.WasmClient, name, quick)


class _Kept(Config):
    def __init__(self) -> None:
        super().__init__()
        self.cache = True


def _write(self: Any, place: int, data: bytes) -> None:
    ctypes.memmove(_address(self) + place, data, len(data))


def _read(self: Any, place: int, size: int) -> bytes:
    return ctypes.string_at(_address(self) + place, size)


def _address(client: Any) -> int:
    return ctypes.cast(client.memory.data_ptr(), ctypes.c_void_p).value or 0


def parsed(message: Any) -> Any:
    """What the package's own `parse_proto` makes of a message."""
    while True:
        kind = _kind(message.DESCRIPTOR)
        which = message.WhichOneof("node") if kind.one_of_nodes else None
        if which is None:
            break
        message = getattr(message, which)
    said: dict[str, Any] = {}
    for parents, fields in kind.levels:
        at = message
        for _ in range(parents):
            at = at.parent
        for name, field, oneof, present, convert in fields:
            if oneof and at.WhichOneof(oneof) != field:
                continue
            if present and not at.HasField(field):
                said[name] = None
            else:
                said[name] = convert(getattr(at, field))
    return kind.model(**said)


@dataclass(frozen=True)
class _Kind:
    """A kind of message: the model it becomes and its fields, by how many parents up they stand.

    A field: the model's name for it, the message's, the choice it is one of, whether it may be absent, how its
    value is converted.
    """

    model: Any
    one_of_nodes: bool
    levels: tuple[tuple[int, tuple[tuple[str, str, str, bool, Convert], ...]], ...]


@cache
def _kind(descriptor: Descriptor) -> _Kind:
    model = _model(descriptor)
    classes: list[Any] = slow.ProtoModel._get_proto_model_classes(model)
    levels = []
    for number, each in enumerate(classes):
        at, parents = descriptor, 0
        while parents < len(classes) - 1 - number and "parent" in at.fields_by_name:
            at, parents = at.fields_by_name["parent"].message_type, parents + 1
        fields = [
            (name, about["proto_field"], *_field(at, about, model))
            for name, about in each._PROTO_FIELD_MAP.items()
            if about["proto_field"] in at.fields_by_name
        ]
        levels.append((parents, tuple(fields)))
    return _Kind(model, "node" in descriptor.oneofs_by_name, tuple(levels))


def _model(descriptor: Descriptor) -> Any:
    """The package's class for a kind of message; a nested one's is within its parent's, or has both names."""
    names = [part.removesuffix("Proto") for part in descriptor.full_name.split(".") if part[:1].isupper()]
    found: Any = proto_model
    for name in names:
        found = getattr(found, name, None)
    found = found or getattr(proto_model, "".join(names), slow.ProtoModel)
    return found if issubclass(found, slow.ProtoModel) else slow.ProtoModel


def _field(at: Descriptor, about: dict[str, Any], model: Any) -> tuple[str, bool, Convert]:
    field = at.fields_by_name[about["proto_field"]]
    oneof = field.containing_oneof.name if field.containing_oneof else ""
    repeated = about.get("is_repeated", False)
    if about["is_message"]:
        if repeated:
            return oneof, False, _each(parsed if field.message_type else _same)
        return oneof, True, _unless_empty
    convert = _enum(about, model) if about.get("is_enum", False) else _same
    return oneof, False, _each(convert) if repeated and convert is not _same else convert


def _same(value: Any) -> Any:
    return value


def _each(convert: Convert) -> Convert:
    return lambda values: [convert(value) for value in values]


def _unless_empty(message: Message) -> Any:
    return parsed(message) if message.ByteSize() > 0 else None


def _enum(about: dict[str, Any], model: Any) -> Convert:
    """A number as the package's own enum has it, which is looked for once a number."""
    return cache(lambda number: slow._convert_to_enum(number, about, model))
