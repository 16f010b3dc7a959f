"""The bench: rows by name, ratios, limits, one JSON shape."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.bench import Limit, Line, Measured, Row, all_rows, run

positive = st.floats(0.001, 1e9)


def line(measured: Measured | None, limit: Limit | None = None) -> Line:
    return Line(
        row=Row(name="a.b", unit="ms", limit=limit, measure=lambda: Measured(value=1), about=""), measured=measured
    )


@given(positive, positive, positive)
def test_ratios_are_value_over_floor_and_value_over_peer(value, floor, peer):
    found = line(Measured(value=value, floor=floor, peer=peer))
    assert found.ratio_to_floor == value / floor
    assert found.ratio_to_peer == value / peer


@pytest.mark.parametrize(
    ("limit", "holds"),
    [
        (None, True),
        (Limit(bound=10), True),
        (Limit(bound=9), False),
        (Limit(bound=9, at_least=True), True),
        (Limit(bound=2, of="ratio_to_floor"), True),
        (Limit(bound=1.9, of="ratio_to_floor"), False),
        (Limit(bound=1, of="ratio_to_peer"), False),
    ],
)
def test_a_limit_binds_the_value_or_a_ratio_from_above_or_below(limit, holds):
    assert line(Measured(value=10, floor=5), limit).holds is holds


def test_the_json_of_a_row_has_exactly_the_agreed_names():
    told = line(Measured(value=10, floor=5), Limit(bound=2, of="ratio_to_floor")).as_json()
    assert told == {
        "row": "a.b",
        "value": 10,
        "unit": "ms",
        "floor": 5,
        "ratio_to_floor": 2,
        "peer": None,
        "ratio_to_peer": None,
        "limit": 2,
        "holds": True,
    }


def test_a_row_that_fails_is_a_line_that_does_not_hold():
    def broken() -> Measured:
        raise RuntimeError("no stack")

    found = run(Row(name="a.b", unit="ms", limit=None, measure=broken, about=""))
    assert (found.holds, found.error) == (False, "RuntimeError: no stack")


def test_rows_are_named_for_their_room_and_say_what_they_measure():
    for each in all_rows():
        assert each.name.count(".") >= 1
        assert each.about
