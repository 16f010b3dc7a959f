"""What a control request may say, field by field: what each holds, and how large it may be.

A field reads a JSON value (or the text of a query) and answers it in Python's types. Whatever it does not take is
an error that names the field and what it expects, so that a typing mistake in a test is a 400 and not a fault that
never strikes.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime
from typing import Any

from infra.local.simulator.timepiece import sent_instant

Field = Callable[[Any], Any]
"""A value as it came in, the value to go on with out. Raises WrongField (or another ValueError)."""

_WHOLE = re.compile(r"-?[0-9]{1,18}")


class WrongField(ValueError):
    """A field that is missing, unknown, or holds what it should not; the message says what was expected."""

    @classmethod
    def expecting(cls, what: str, value: Any) -> WrongField:
        """The error for a value that is something else."""
        return cls(f"expected {what}, not {value!r}")


class Asked(dict[str, Any]):
    """The fields of a control request, each as it should be. Asking for one that was not sent is a WrongField."""

    def __missing__(self, name: str) -> Any:
        raise WrongField(f"{name} is missing")


def read(sent: Any, fields: Mapping[str, Field]) -> Asked:
    """The fields that were sent. Raises WrongField for an unknown one, and for a value that one does not take."""
    if not isinstance(sent, Mapping):
        raise WrongField.expecting("an object", sent)
    surplus = sorted(set(sent) - set(fields))
    if surplus:
        raise WrongField(f"unknown: {surplus}; known: {sorted(fields)}")
    asked = Asked()
    for name, value in sent.items():
        try:
            asked[name] = fields[name](value)
        except ValueError as error:
            raise WrongField(f"{name}: {error}") from None
    return asked


def text(value: Any) -> str:
    """A text."""
    if not isinstance(value, str):
        raise WrongField.expecting("a text", value)
    return value


def texts(value: Any) -> tuple[str, ...]:
    """A list of texts."""
    if not isinstance(value, list | tuple):
        raise WrongField.expecting("a list of texts", value)
    return tuple(text(one) for one in value)


def flag(value: Any) -> bool:
    """True or false."""
    if not isinstance(value, bool):
        raise WrongField.expecting("true or false", value)
    return value


def one_of(names: Iterable[str]) -> Field:
    """One of some words."""
    known = tuple(names)

    def check(value: Any) -> str:
        if value not in known:
            raise WrongField.expecting(f"one of {', '.join(known)}", value)
        return str(value)

    return check


def whole(low: int, high: int) -> Field:
    """A whole number within bounds, both inclusive; in a query it comes as a text."""

    def check(value: Any) -> int:
        number = int(value) if isinstance(value, str) and _WHOLE.fullmatch(value) else value
        if not isinstance(number, int) or isinstance(number, bool) or not low <= number <= high:
            raise WrongField.expecting(f"a whole number from {low} to {high}", value)
        return number

    return check


def number(low: float, high: float) -> Field:
    """A number within bounds, both inclusive."""

    def check(value: Any) -> float:
        fits = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
        if not fits or not low <= value <= high:
            raise WrongField.expecting(f"a number from {low} to {high}", value)
        return float(value)

    return check


def instant(value: Any) -> datetime:
    """An instant in RFC 3339 with its zone."""
    return sent_instant(text(value))


def day(value: Any) -> date:
    """A day as YYYY-MM-DD."""
    return date.fromisoformat(text(value))


def optional(field: Field) -> Field:
    """What another field takes, or null."""
    return lambda value: None if value is None else field(value)


def table(of: Field, keys: Iterable[str] | None = None) -> Field:
    """An object whose values are all of one kind; its names are free unless `keys` lists them."""
    known = None if keys is None else tuple(keys)

    def check(value: Any) -> dict[str, Any]:
        if not isinstance(value, Mapping):
            raise WrongField.expecting("an object", value)
        return dict(read(value, dict.fromkeys(value if known is None else known, of)))

    return check


def anything(value: Any) -> Any:
    """Any value."""
    return value
