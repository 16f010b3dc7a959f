"""The small forms in which YouTube writes durations, instants and public counters."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from infra.local.simulator.data.render import duration, instant, thumbnails


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        *((0, "P0D"), (7, "PT7S"), (60, "PT1M"), (3600, "PT1H"), (3723, "PT1H2M3S")),
        *((86_400, "P1D"), (93_600, "P1DT2H"), (86_401, "P1DT1S")),
    ],
)
def test_durations_are_iso_8601(seconds: int, text: str):
    assert duration(seconds) == text


def test_instants_are_written_in_utc_with_whole_seconds():
    assert instant(datetime(2026, 11, 22, 10, 0, 0, 123456, tzinfo=UTC)) == "2026-11-22T10:00:00Z"


def test_a_custom_thumbnail_changes_the_addresses():
    assert thumbnails("abc") != thumbnails("abc", 1)
