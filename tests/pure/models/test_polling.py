"""What polling promises for an outage of the hub, held in virtual time."""

from __future__ import annotations

from datetime import timedelta

import pytest

from infra.models.polling import played
from shared.collection.polling import DAILY_UNITS


@pytest.mark.fault(43)
def test_while_the_hub_is_dead_no_video_of_250_channels_is_missed_and_nearly_all_are_known_in_six_minutes():
    found = played(250, 7.0)
    assert (found.unknown, len(found.delays)) == (0, found.videos)
    assert found.within(0.95) <= timedelta(minutes=6)
    assert found.units <= DAILY_UNITS


@pytest.mark.fault(43)
def test_of_a_video_a_day_each_half_are_known_within_four_minutes_although_not_all_are_counted_every_five():
    found = played(250, 1.0)
    assert found.unknown == 0
    assert found.within(0.5) <= timedelta(minutes=4)
    assert found.within(0.99) <= timedelta(minutes=10)
    assert found.units <= DAILY_UNITS
