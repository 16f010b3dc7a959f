"""What the model of reading counts rests on: its integrals, and that the law is near the oracle anywhere."""

from __future__ import annotations

import pytest

from infra.models.statistics import BURST, HOUR, STEPS, VIDEOS, half, outcome, world


def test_what_is_gained_and_its_integral_are_those_of_the_rates_with_their_bursts():
    here = world(2.0, 7, 4)
    video, begin = next(iter(here.bursts.items()))
    gained = summed = 0.0
    for step in range(STEPS):
        rate = here.rates[step // HOUR][video] + (
            (BURST - 1) * here.rates[begin // HOUR][video] if begin <= step < begin + 6 * HOUR else 0
        )
        summed += (gained + rate / HOUR / 2) / HOUR
        gained += rate / HOUR
    assert here.until(video, STEPS) == (pytest.approx(gained), pytest.approx(summed))


def test_in_a_world_that_it_was_not_set_on_the_law_is_within_15_percent_of_the_oracle():
    oracle, ours, sweeps = (outcome(1.5, name, 7, 5) for name in ("oracle", "ours", "sweeps"))
    assert ours.error < 1.15 * oracle.error < sweeps.error
    assert half(ours) < half(sweeps)


def test_the_least_time_to_a_burst_is_that_in_which_the_fifties_that_hold_half_of_all_rates_can_be_read():
    here = world(1.0, 7, 4)
    even = type(here)(ages=here.ages, first=here.first, rates=[[1.0] * len(here.ages)] * 24)
    assert even.least() == pytest.approx(len(here.ages) / 2 / 50 * 24 * 60 / (36 * len(here.ages) / VIDEOS))


def test_of_sweeps_half_of_all_bursts_are_noticed_within_half_of_their_interval():
    interval = 24 * 60 * VIDEOS / 50 / 36
    assert half(outcome(1.0, "sweeps", 7, 5)) == pytest.approx(interval / 2, rel=0.03)
