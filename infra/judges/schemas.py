"""JSON messages against the schemas of Google's discovery documents, compiled once.

The documents ship with google-api-python-client and are the one machine-readable truth about Google's REST APIs.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from typing import Any


@cache
def document(name: str) -> dict[str, Any]:
    """A discovery document as it ships with google-api-python-client."""
    folder = resources.files("googleapiclient.discovery_cache") / "documents"
    loaded: dict[str, Any] = json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))
    return loaded


@dataclass(frozen=True, slots=True)
class Misfit:
    """Where a JSON value does not fit its schema. `unknown` tells a surplus field from a wrong value."""

    path: str
    problem: str
    unknown: bool = field(default=False)


Check = Callable[[Any, str, bool], Iterator[Misfit]]
"""A compiled schema: value, path, and whether Google wrote it (an answer) or reads it (a request)."""


@cache
def schema(name: str, ref: str) -> Check:
    """The compiled check of one of a document's schemas."""
    return _compile(name, document(name)["schemas"][ref])


def _compile(name: str, raw: Mapping[str, Any]) -> Check:
    if ref := raw.get("$ref"):

        def check(value: Any, path: str, answer: bool) -> Iterator[Misfit]:
            # Resolved at the first use, because schemas refer to each other in circles.
            return schema(name, ref)(value, path, answer)

        return check
    if raw["type"] == "object":
        return _object(name, raw)
    if raw["type"] == "array":
        return _array(name, raw)
    return _scalar(raw)


def _object(name: str, raw: Mapping[str, Any]) -> Check:
    properties = {key: _compile(name, item) for key, item in raw.get("properties", {}).items()}
    surplus = _compile(name, raw["additionalProperties"]) if "additionalProperties" in raw else None

    def check(value: Any, path: str, answer: bool) -> Iterator[Misfit]:
        if not isinstance(value, dict):
            yield Misfit(path, f"expected an object, not {_kind(value)}")
            return
        for key, item in value.items():
            inside = f"{path}.{key}" if path else str(key)
            if known := properties.get(key, surplus):
                yield from known(item, inside, answer)
            else:
                yield Misfit(inside, "unknown field", unknown=True)

    return check


def _array(name: str, raw: Mapping[str, Any]) -> Check:
    each = _compile(name, raw["items"])

    def check(value: Any, path: str, answer: bool) -> Iterator[Misfit]:
        if not isinstance(value, list):
            yield Misfit(path, f"expected a list, not {_kind(value)}")
            return
        for index, item in enumerate(value):
            yield from each(item, f"{path}[{index}]", answer)

    return check


INTEGER = re.compile(r"-?[0-9]{1,20}")
INTEGERS: Mapping[str, tuple[int, int]] = {
    "int32": (-(2**31), 2**31 - 1),
    "uint32": (0, 2**32 - 1),
    "int64": (-(2**63), 2**63 - 1),
    "uint64": (0, 2**64 - 1),
}
"""What each whole-number format of the documents holds."""


def _scalar(raw: Mapping[str, Any]) -> Check:
    kind, form = raw["type"], raw.get("format")
    enum = frozenset(raw["enum"]) if "enum" in raw else None
    fits: Callable[[Any, bool], bool] = {
        "any": lambda _value, _answer: True,
        "boolean": lambda value, _answer: isinstance(value, bool),
        "number": lambda value, _answer: isinstance(value, int | float) and not isinstance(value, bool),
        "integer": lambda value, answer: _is_integer(value, form or "int64", text=not answer, number=True),
        "string": (
            (lambda value, answer: _is_integer(value, form, text=True, number=not answer))
            if form in {"int64", "uint64"}
            else lambda value, _answer: isinstance(value, str)
        ),
    }[kind]

    def check(value: Any, path: str, answer: bool) -> Iterator[Misfit]:
        if not fits(value, answer):
            yield Misfit(path, f"expected {form or kind}, not {_kind(value)}")
        elif enum is not None and value not in enum:
            yield Misfit(path, f"{value!r} is not one of the known values")

    return check


def _is_integer(value: Any, form: str, *, text: bool, number: bool) -> bool:
    """Whether a value is a whole number of a format, written as a text or as a number where that is taken.

    64-bit numbers travel as texts and shorter ones as numbers; Google's parser takes either, and writes neither
    the other way.
    """
    low, high = INTEGERS[form]
    if isinstance(value, str):
        return text and INTEGER.fullmatch(value) is not None and low <= int(value) <= high
    return number and isinstance(value, int) and not isinstance(value, bool) and low <= value <= high


def _kind(value: Any) -> str:
    return "null" if value is None else type(value).__name__
