"""Documents become records and back without loss; what does not fit is named by its place, never by its value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import CorruptData
from shared.records import Mapper


class Mood(StrEnum):
    """Something that has few values."""

    GOOD = "good"
    BAD = "bad"


@dataclass(frozen=True)
class Line:
    """A record within a record."""

    at: datetime
    mood: Mood
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class Thing:
    """One field of each type that records have."""

    id: str
    name: str
    count: int
    share: float
    on: bool
    sealed: bytes
    line: Line
    until: datetime | None = None
    day: date | None = None
    mood: Mood | None = None
    tags: tuple[str, ...] = ()
    scopes: frozenset[str] = frozenset()
    lines: tuple[Line, ...] = ()
    by_name: Mapping[str, Line] = field(default_factory=dict)
    counts: Mapping[str, int] = field(default_factory=dict)
    raw: Mapping[str, Any] = field(default_factory=dict)


THINGS = Mapper(Thing, "things", key="id")
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
STORED = {"name": "n", "count": 1, "share": 0.5, "on": True, "sealed": b"s", "line": {"at": NOW, "mood": "good"}}

names, instants = st.text(max_size=5), st.datetimes(timezones=st.just(UTC))
lines = st.builds(Line, at=instants, mood=st.sampled_from(Mood), note=names)
things = st.builds(
    Thing,
    id=names,
    name=names,
    count=st.integers(),
    share=st.floats(allow_nan=False),
    on=st.booleans(),
    sealed=st.binary(),
    line=lines,
    until=st.none() | instants,
    day=st.none() | st.dates(),
    mood=st.none() | st.sampled_from(Mood),
    tags=st.lists(names).map(tuple),
    scopes=st.frozensets(names),
    lines=st.lists(lines, max_size=3).map(tuple),
    by_name=st.dictionaries(names, lines, max_size=3),
    counts=st.dictionaries(names, st.integers(), max_size=3),
    raw=st.dictionaries(names, st.integers() | names | st.none(), max_size=3),
)
FIRESTORE = (str, bool, int, float, bytes, datetime, type(None))


def only_what_firestore_takes(value) -> bool:
    if type(value) is dict:
        return all(only_what_firestore_takes(each) for each in value.values())
    if type(value) is list:
        return all(only_what_firestore_takes(each) for each in value)
    return type(value) in FIRESTORE


@given(things)
def test_what_is_stored_is_read_again(thing):
    stored = THINGS.fields(thing)
    assert only_what_firestore_takes(stored)
    assert "id" not in stored
    assert THINGS.read(thing.id, stored) == thing


def test_an_absent_field_has_its_default_and_an_unknown_one_is_ignored():
    thing = THINGS.read("t1", {**STORED, "from_next_year": 1})
    assert (thing.id, thing.tags, thing.until, thing.line.note) == ("t1", (), None, "")


@pytest.mark.parametrize("absent", STORED)
def test_an_absent_field_without_a_default_is_named(absent):
    stored = {name: value for name, value in STORED.items() if name != absent}
    with pytest.raises(CorruptData, match=rf"things/t1 .*{absent}"):
        THINGS.read("t1", stored)


def test_a_document_that_is_not_there_does_not_fit():
    with pytest.raises(CorruptData, match="things/t1"):
        THINGS.read("t1", None)


@pytest.mark.parametrize(
    ("wrong", "place"),
    [
        ({"name": 77}, "name"),
        ({"name": None}, "name"),
        ({"count": "77"}, "count"),
        ({"count": True}, "count"),
        ({"share": "77"}, "share"),
        ({"on": 77}, "on"),
        ({"until": "77"}, "until"),
        ({"day": "77"}, "day"),
        ({"day": 77}, "day"),
        ({"mood": "77"}, "mood"),
        ({"tags": "77"}, "tags"),
        ({"tags": ["a", 77]}, r"tags\[1\]"),
        ({"counts": {"a": "77"}}, "counts.a"),
        ({"counts": [77]}, "counts"),
        ({"line": {"at": NOW, "mood": "77"}}, "line.mood"),
        ({"line": 77}, "line"),
        ({"lines": [{"at": NOW}]}, r"lines\[0\].mood"),
        ({"by_name": {"b": {"at": 77, "mood": "bad"}}}, "by_name.b.at"),
    ],
)
def test_a_value_of_another_type_is_named_by_its_place_and_not_told(wrong, place):
    with pytest.raises(CorruptData, match=rf"in {place}\.$") as corrupt:
        THINGS.read("t1", {**STORED, **wrong})
    assert corrupt.value.reason == "recordUnreadable"
    assert "77" not in corrupt.value.message


@pytest.mark.parametrize("kind", [set, str | int, tuple[str, str], object])
def test_a_type_that_cannot_be_stored_is_refused_when_it_is_first_used(kind):
    @dataclass(frozen=True)
    class Wrong:
        id: str
        value: kind

    Wrong.__annotations__ = {"id": str, "value": kind}
    with pytest.raises(TypeError):
        Mapper(Wrong, "wrong", key="id").read("w", {"value": None})
