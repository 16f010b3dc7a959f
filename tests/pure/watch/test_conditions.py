"""What has been wrong for too long is an alarm: the table, and the decision at its boundaries."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from cronsim import CronSim
from hypothesis import given
from hypothesis import strategies as st

from infra.deployment import deployment
from shared.console.alarms import rows
from shared.data_map import DEAD_LETTERS
from shared.monitoring.alerts import Alert
from shared.watch.conditions import (
    CONDITIONS,
    ERASURES,
    INTERVAL,
    MOST,
    OPERATIONS,
    SILENT_AFTER,
    WATCH,
    alarms,
)
from shared.watch.reading import READERS, RECENT

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def open_at(condition, *ages):
    return [alarm.message for alarm in alarms({condition.key: [NOW - age for age in ages]}, NOW)]


@pytest.mark.parametrize("condition", CONDITIONS, ids=lambda each: each.key)
def test_a_condition_is_an_alarm_from_the_very_moment_on_that_its_row_says(condition):
    assert open_at(condition) == []
    assert open_at(condition, condition.after - SECOND) == []
    [message] = open_at(condition, condition.after, condition.after - SECOND)
    assert ": 1, " in message
    assert (NOW - condition.after).isoformat(timespec="seconds") in message


def test_more_than_are_looked_at_is_said():
    late = [OPERATIONS.after + SECOND] * (MOST - 1)
    assert f": {MOST - 1}, " in open_at(OPERATIONS, *late)[0]
    assert f": {MOST} or more, " in open_at(OPERATIONS, *late, late[0])[0]


def test_of_what_could_not_be_read_nothing_is_said():
    late = {ERASURES.key: [NOW - ERASURES.after]}
    assert [alarm.condition for alarm in alarms(late, NOW)] == [ERASURES]
    assert alarms({}, NOW) == ()


@given(
    st.dictionaries(
        st.sampled_from([each.key for each in CONDITIONS]), st.lists(st.integers(0, 10_000), max_size=MOST)
    )
)
def test_an_alarm_is_open_exactly_while_something_lasts_for_longer_than_its_row_allows(ages):
    observed = {key: [NOW - timedelta(minutes=age) for age in each] for key, each in ages.items()}
    found = {alarm.condition.key for alarm in alarms(observed, NOW)}
    after = {each.key: each.after for each in CONDITIONS}
    assert found == {
        key for key, moments in observed.items() if any(NOW - moment >= after[key] for moment in moments)
    }


def test_every_condition_is_read_and_the_console_says_of_each_what_to_do():
    assert READERS.keys() == {each.key for each in CONDITIONS}
    for each in (*CONDITIONS, WATCH):
        [row] = rows([Alert(key=each.key, since=NOW, message="wrong")])
        assert (row.stops, row.todo, row.code) == (each.stops, each.todo, each.code)
        assert each.stops


def test_the_watch_runs_as_often_as_it_counts_on():
    cron = CronSim(deployment().schedules["watch"].cron, NOW)
    assert next(cron) + INTERVAL == next(cron)
    assert timedelta(minutes=7, seconds=30) == SILENT_AFTER


def test_every_dead_letter_topic_is_noted_by_the_watch_and_kept_for_a_person():
    subscriptions = deployment().subscriptions.values()
    for dead in {each.dead_letter_topic for each in subscriptions} - {None}:
        takers = [each.function for each in subscriptions if each.topic == dead]
        assert sorted(takers, key=str) == [None, "watch"]


def test_a_message_that_was_given_up_is_known_for_as_long_as_it_is_an_alarm():
    assert DEAD_LETTERS.keep is not None
    assert DEAD_LETTERS.keep > RECENT
