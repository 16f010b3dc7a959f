"""Reads requests that nobody has checked yet: every mistake is an InvalidRequest that names its field.

A field that is not there and one that is null are the same, but where null removes (`removed`). Fields that nobody
reads here are refused, and so is what only resembles a value: "true" and 1 are not true.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any
from urllib.parse import parse_qs

from shared.clock import parse_instant
from shared.errors import InvalidRequest
from shared.ids import Id

_YEARS = range(2000, 2100)
_ITEMS_MAX = 1_000
_FORM_FIELDS_MAX = 50


class Fields:
    """The fields of one JSON object or form. path: where it stands in the request, for messages."""

    def __init__(self, raw: object, *known: str, path: str = "") -> None:
        self.path = path
        if not isinstance(raw, Mapping):
            raise InvalidRequest("A JSON object is expected here.", field=path.rstrip(".") or "body")
        self._raw: Mapping[str, Any] = raw
        for name in raw:
            if name not in known:
                shown = str(name)[:40].encode("utf-8", "replace").decode()
                raise self.wrong(shown, f"is not known; known are {', '.join(sorted(known))}")

    def wrong(self, name: str, why: str) -> InvalidRequest:
        return InvalidRequest(f"{self.path}{name} {why}.", field=f"{self.path}{name}")

    def has(self, name: str) -> bool:
        return self._raw.get(name) is not None

    def removed(self, name: str) -> bool:
        """Whether the field is there and null, where that asks for something to be removed."""
        return name in self._raw and self._raw[name] is None

    def only(self) -> str | None:
        """The name of the one field that is there, None when there is none. Raises InvalidRequest for several."""
        there = sorted(name for name in self._raw if self.has(name))
        if len(there) > 1:
            raise self.wrong(there[-1], f"is one too many: of {', '.join(there)} take one")
        return there[0] if there else None

    def inner(self, name: str, *known: str) -> Fields:
        return Fields(self._raw.get(name), *known, path=f"{self.path}{name}.")

    def items(self, name: str) -> list[Any]:
        """A list; empty when it is not there."""
        value = self._raw[name] if self.has(name) else []
        if not isinstance(value, list) or len(value) > _ITEMS_MAX:
            raise self.wrong(name, f"must be a list of at most {_ITEMS_MAX} items")
        return value

    def text(self, name: str) -> str:
        return self._text(name, self._raw.get(name))

    def texts(self, name: str) -> list[str]:
        """A list of texts; empty when it is not there."""
        return [self._text(name, value) for value in self.items(name)]

    def line(self, name: str, *, most: int) -> str:
        """A text of one line, of at most `most` characters."""
        value = self.text(name)
        if len(value) > most or not value.isprintable():
            raise self.wrong(name, f"must be one line of at most {most} characters")
        return value

    def id(self, name: str, kind: Id) -> str:
        return self._id(name, kind, self._raw.get(name))

    def ids(self, name: str, kind: Id) -> list[str]:
        """A list of ids, each once, in their order; empty when it is not there."""
        return list(dict.fromkeys(self._id(name, kind, value) for value in self.items(name)))

    def match(self, name: str, pattern: re.Pattern[str]) -> str:
        """A text that has the pattern's form from end to end."""
        value = self.text(name)
        if not pattern.fullmatch(value):
            raise self.wrong(name, "does not look like one")
        return value

    def flag(self, name: str, *, default: bool | None = None) -> bool:
        """True or false, said as such: null is neither. Without a default it must be said."""
        if name not in self._raw and default is not None:
            return default
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

    def date(self, name: str) -> date:
        """A day of this century, as in 2026-12-01."""
        text = self.text(name)
        try:
            day = date.fromisoformat(text)
        except ValueError:
            day = date.min
        if day.year not in _YEARS or text != day.isoformat():
            raise self.wrong(name, "must be a day, as in 2026-12-01")
        return day

    def _text(self, name: str, value: object) -> str:
        if not isinstance(value, str):
            raise self.wrong(name, "must be a text")
        if any(letter == "\0" or "\ud800" <= letter <= "\udfff" for letter in value):
            raise self.wrong(name, "has a character that is no character")
        return value

    def _id(self, name: str, kind: Id, value: object) -> str:
        if not kind.matches(value):
            raise self.wrong(name, f"must be {kind.called}")
        return value


def form(body: bytes, *, lists: frozenset[str] = frozenset()) -> dict[str, Any]:
    """A form's fields. Only those in `lists` may come more than once, and are lists; one left empty is not there.

    Raises InvalidRequest for a repeated field or a body that is no form.
    """
    try:
        parsed = parse_qs(body.decode("ascii"), max_num_fields=_FORM_FIELDS_MAX, keep_blank_values=True)
    except ValueError as error:
        raise InvalidRequest("The form cannot be read.", reason="bodyUnreadable") from error
    for name, values in parsed.items():
        if len(values) > 1 and name not in lists:
            words = f"{name[:40]} appears more than once."
            raise InvalidRequest(words, reason="repeatedParameter", field=name[:40])
    return {name: values if name in lists else values[0] for name, values in parsed.items() if any(values)}
