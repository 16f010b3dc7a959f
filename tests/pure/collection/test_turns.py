"""What a turn of collecting hands on."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.collection.metadata import UNITS_A_TURN
from shared.collection.planner import METADATA, TURNS_MAX, Turn, asked_for, whole
from shared.errors import InvalidRequest

NOW = datetime(2026, 11, 22, 14, tzinfo=UTC)
CHANNELS = tuple(f"UC{number:022}" for number in range(3))
TYPES = ("channel_basic_a3", "channel_reach_basic_a1")
TURN = Turn(channels=CHANNELS, report_types=TYPES, run="2026-11-22")


@given(
    st.integers(1, TURNS_MAX),
    st.integers(0, TURNS_MAX),
    st.sampled_from([TYPES, TYPES[:1]]),
    st.sampled_from([(), CHANNELS[1:]]),
)
def test_a_task_asks_for_the_turn_that_it_was_made_of(number, tries, kinds, listed):
    turn = Turn(
        channels=CHANNELS[:1], report_types=kinds, run="2026-11-22T14", number=number, tries=tries, listed=listed
    )
    assert asked_for(turn.as_json()) == turn


def test_channels_alone_are_a_run_of_their_own_of_every_report_type():
    turn = whole(asked_for({"channels": list(CHANNELS)}), NOW, report_types=TYPES)
    assert (turn.channels, turn.report_types, turn.run) == (CHANNELS, TYPES, "2026-11-22T14:00:00")


@pytest.mark.parametrize(
    "wrong", [{"report_types": ["other"]}, {"turn": 0}, {"turn": TURNS_MAX + 1}, {"run": "a\nb"}]
)
def test_a_turn_that_nobody_here_made_is_refused(wrong):
    with pytest.raises(InvalidRequest):
        asked_for({**TURN.as_json(), **wrong})


def test_the_rest_is_another_turn_under_another_name_and_the_number_of_turns_ends():
    names, turn = set(), TURN
    while turn is not None:
        names.add(turn.name)
        last, turn = turn, turn.rest(CHANNELS[1:], tries=0)
    assert len(names) == last.number == TURNS_MAX
    assert TURN.rest((), tries=0) is None


def test_after_the_last_report_type_nothing_follows():
    second = TURN.following(CHANNELS[:1])
    assert second is not None
    assert (second.channels, second.report_types, second.run) == (CHANNELS[:1], TYPES[1:], TURN.run)
    assert second.following(CHANNELS[:1]) is None
    assert TURN.following(()) is None


def test_whoever_hands_on_the_same_twice_queues_it_once():
    assert TURN.rest(CHANNELS[1:], tries=0).name == TURN.rest(CHANNELS[1:], tries=0).name  # type: ignore[union-attr]


A, B = CHANNELS[:2]


@given(st.integers(1, 300), st.integers(2, 300))
def test_turns_of_metadata_end_and_never_spend_more_than_their_run_has(units, each):
    turn: Turn | None = Turn(function=METADATA, channels=(A, B), units=units, run="r")
    spent, names = 0, set()
    while turn is not None:
        assert asked_for(turn.as_json(), METADATA) == turn
        assert turn.name not in names
        names.add(turn.name)
        cost = min(each, turn.units)
        spent += cost
        turn = turn.rest([A], spent=cost)
    assert spent == units


def test_a_turn_that_came_to_nobody_is_not_handed_on_as_it_is():
    turn = Turn(function=METADATA, channels=(A, B), units=1, run="r")
    assert turn.rest([A, B], spent=0) is None
    assert turn.rest([B], spent=0) == Turn(function=METADATA, channels=(B,), units=1, run="r", number=2)


def test_channels_alone_are_a_run_of_their_own_with_the_units_of_one_turn():
    turn = whole(asked_for({"channels": [A]}, METADATA), NOW, units=UNITS_A_TURN)
    assert (turn.channels, turn.units) == ((A,), UNITS_A_TURN)
    assert turn.rest([], spent=1) is None


@pytest.mark.parametrize(
    "body",
    [
        {"channels": ["UC1"]},
        {"channels": [A], "units": 0},
        {"channels": [A], "units": 10**9},
        {"report_types": []},
    ],
)
def test_a_turn_of_metadata_that_was_not_asked_by_us_is_refused(body):
    with pytest.raises(InvalidRequest):
        asked_for(body, METADATA)
