"""Reading a JSON body that nobody has checked yet: every mistake is an InvalidRequest that names its field."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from shared.clock import parse_instant
from shared.errors import InvalidRequest


class Fields:
    """One JSON object on its way to being believed. `path` names it in messages."""

    def __init__(self, raw: object, path: str, known: frozenset[str]) -> None:
        self.path = path
        if not isinstance(raw, Mapping):
            raise InvalidRequest("A JSON object is expected here.", field=path.rstrip(".") or "body")
        self._raw: Mapping[str, Any] = raw
        for name in raw:
            if name not in known:
                raise self.wrong(str(name), f"is not known; known are {', '.join(sorted(known))}")

    def wrong(self, name: str, why: str) -> InvalidRequest:
        """The error for one field."""
        return InvalidRequest(f"{self.path}{name} {why}.", field=f"{self.path}{name}")

    def has(self, name: str) -> bool:
        """Whether the field is there and not null."""
        return self._raw.get(name) is not None

    def inner(self, name: str) -> Inner:
        """The object in a field."""
        return Inner(self._raw.get(name), f"{self.path}{name}.")

    def items(self, name: str) -> list[Any]:
        """A list; empty when it is not there."""
        value = self._raw.get(name, [])
        if not isinstance(value, list):
            raise self.wrong(name, "must be a list")
        return value

    def text(self, name: str) -> str:
        """A text."""
        value = self._raw.get(name)
        if not isinstance(value, str):
            raise self.wrong(name, "must be a text")
        return value

    def match(self, name: str, pattern: re.Pattern[str]) -> str:
        """A text that has the pattern's form from end to end."""
        value = self.text(name)
        if not pattern.fullmatch(value):
            raise self.wrong(name, "does not look like one")
        return value

    def flag(self, name: str) -> bool:
        """True or false, said as such."""
        value = self._raw.get(name)
        if not isinstance(value, bool):
            raise self.wrong(name, "must be true or false")
        return value

    def whole(self, name: str, *, most: int) -> int:
        """A whole number from 1 on."""
        value = self._raw.get(name)
        if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= most:
            raise self.wrong(name, f"must be a whole number from 1 to {most}")
        return value

    def choice(self, name: str, among: tuple[str, ...]) -> str:
        """One of a few words."""
        value = self.text(name)
        if value not in among:
            raise self.wrong(name, f"must be one of {', '.join(among)}")
        return value

    def instant(self, name: str) -> datetime:
        """A time with a zone, in UTC."""
        try:
            return parse_instant(self.text(name))
        except ValueError as error:
            raise self.wrong(name, "must be a time with a zone, as in 2026-12-01T18:00:00Z") from error


@dataclass(frozen=True)
class Inner:
    """An object within the request, not yet held against the fields that it may have."""

    raw: object
    path: str

    def knowing(self, *known: str) -> Fields:
        """The object's fields, once none of them is unknown."""
        return Fields(self.raw, self.path, frozenset(known))
