"""Reading a JSON body that nobody has checked yet: every mistake is an InvalidRequest that names its field."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from shared.clock import parse_instant
from shared.errors import InvalidRequest

_YEARS = range(2000, 2100)


class Fields:
    """One JSON object on its way to being believed. `path` names it in messages."""

    def __init__(self, raw: object, path: str, known: frozenset[str]) -> None:
        self.path = path
        if not isinstance(raw, Mapping):
            raise InvalidRequest("A JSON object is expected here.", field=path.rstrip(".") or "body")
        self._raw: Mapping[str, Any] = raw
        for name in raw:
            if name not in known:
                shown = str(name).encode("utf-8", "replace").decode()
                raise self.wrong(shown, f"is not known; known are {', '.join(sorted(known))}")

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
        return self._sound(name, self._raw.get(name))

    def texts(self, name: str) -> list[str]:
        """A list of texts; empty when it is not there."""
        return [self._sound(name, value) for value in self.items(name)]

    def _sound(self, name: str, value: object) -> str:
        if not isinstance(value, str):
            raise self.wrong(name, "must be a text")
        if any(letter == "\0" or "\ud800" <= letter <= "\udfff" for letter in value):
            raise self.wrong(name, "has a character that is no character")
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
        """A time of this century with a zone, in UTC."""
        try:
            instant = parse_instant(self.text(name))
        except (ValueError, OverflowError) as error:
            raise self.wrong(name, "must be a time with a zone, as in 2026-12-01T18:00:00Z") from error
        if instant.year not in _YEARS:
            raise self.wrong(name, f"must be a time of the years {_YEARS.start} to {_YEARS.stop - 1}")
        return instant


@dataclass(frozen=True)
class Inner:
    """An object within the request, not yet held against the fields that it may have."""

    raw: object
    path: str

    def knowing(self, *known: str) -> Fields:
        """The object's fields, once none of them is unknown."""
        return Fields(self.raw, self.path, frozenset(known))
